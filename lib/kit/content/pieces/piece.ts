import type { Rendered, RenderOptions } from "../html/markdown.js";
import type { Bound } from "../model/bind.js";
import type { MilestoneContent, Piece } from "../model/inputs.js";
import type { SiteSettings } from "../model/settings.js";
import type { SiteMap } from "../model/site-map.js";
import type { CheckResult } from "./result.js";

/** Where a milestone's pictures can be fetched from once the site is published. */
export type MediaUrl = (name: string) => string;

/** What a piece's texts for its channels are made from. */
export interface ChannelInput {
  readonly piece: Piece;
  readonly content: MilestoneContent;
  readonly bound: readonly Bound[];
  readonly map: SiteMap;
  readonly settings: SiteSettings;
  readonly media: (owner: MilestoneContent) => MediaUrl;
  /** Markdown as the plainest HTML. */
  readonly markdown: (text: string, options?: RenderOptions) => Rendered;
}

/** A kind of piece: all that is particular to it. What all kinds share is in `common.ts`. */
export interface PieceDefinition {
  /** What holds when it is done, for the Definition of Done. */
  readonly promise: string;
  /** The rules of its own. */
  check(
    piece: Piece,
    content: MilestoneContent,
    bound: readonly Bound[],
    all: readonly MilestoneContent[],
  ): CheckResult[];
  /** Its files for the channels that it goes to, by name. A piece that is only a page of the site has none. */
  channels?(input: ChannelInput): ReadonlyMap<string, string>;
}

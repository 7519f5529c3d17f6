import { openMarkdown } from "../html/markdown.js";
import { mediaPath } from "../html/render.js";
import { bind } from "../model/bind.js";
import type { MilestoneContent } from "../model/inputs.js";
import { isPlaceholder, type SiteSettings } from "../model/settings.js";
import type { SiteMap } from "../model/site-map.js";
import type { ChannelInput } from "../pieces/piece.js";
import { PIECES } from "../pieces/pieces.js";
import { portableMarkdown } from "../pieces/portable.js";
import { escapeHtml } from "../text/escape.js";
import type { Files } from "./media.js";

/** What is pasted elsewhere. */
export interface Channels {
  /** The files of each milestone, by its id. */
  readonly files: ReadonlyMap<string, Files>;
  /** Posts as HTML with whole URLs. */
  readonly feed: ReadonlyMap<MilestoneContent, string>;
  /** Texts that were left out: their links and pictures would lead to an address that is a placeholder. */
  readonly withheld: readonly string[];
}

/** The texts for all channels, with the pictures that belong to them. */
export function makeChannels(
  started: readonly MilestoneContent[],
  media: ReadonlyMap<MilestoneContent, Files>,
  { all, map, settings }: { all: readonly MilestoneContent[]; map: SiteMap; settings: SiteSettings },
): Channels {
  const markdown = openMarkdown({ code: plainCode, close: () => undefined });
  const mediaUrl = (owner: MilestoneContent) => (name: string) => `${settings.url}/${mediaPath(owner, name)}`;
  const isNowhere = (text: string) => isPlaceholder(settings.url) && text.includes(`${settings.url}/`);
  const feed = new Map<MilestoneContent, string>();
  const channels = new Map<string, Files>();
  const withheld: string[] = [];
  for (const content of started) {
    const files: Files = new Map();
    for (const [name, bytes] of media.get(content) ?? []) files.set(`images/${name}`, bytes);
    for (const piece of Object.values(content.pieces)) {
      const { bound } = bind(piece, content, all);
      const input: ChannelInput = { piece, content, bound, map, settings, media: mediaUrl, markdown };
      for (const [name, text] of PIECES[piece.name].channels?.(input) ?? []) {
        if (isNowhere(text)) withheld.push(`${content.milestone.id}/${name}`);
        else files.set(name, text);
      }
      if (piece.name === "blog") feed.set(content, markdown(portableMarkdown(input), { plain: true }).html);
    }
    channels.set(content.milestone.id, files);
  }
  return { files: channels, feed, withheld };
}

/** Links and pictures in texts for other platforms that lead to nothing on the site which they name. */
export function deadAddresses(
  channels: ReadonlyMap<string, Files>,
  site: Files,
  url: string,
): { file: string; line: number; column: number; message: string }[] {
  return [...channels].flatMap(([id, files]) =>
    [...files].flatMap(([name, text]) => {
      if (typeof text !== "string" || !/\.(?:md|html|txt)$/.test(name)) return [];
      return text.split("\n").flatMap((line, index) =>
        [...line.matchAll(/https?:\/\/[^\s"'<>()[\]\\]+/g)].flatMap(({ 0: address, index: column }) => {
          if (!address.startsWith(`${url}/`)) return [];
          const path = decodeURI(address.slice(url.length + 1).split(/[?#]/, 1)[0] ?? "");
          if (path === "" || site.has(path)) return [];
          const place = { file: `dist/content/${id}/${name}`, line: index + 1, column: column + 1 };
          return [{ ...place, message: `it names ${address}, which the site does not have.` }];
        }),
      );
    }),
  );
}

function plainCode(text: string): string {
  return `<pre><code>${escapeHtml(text)}</code></pre>`;
}

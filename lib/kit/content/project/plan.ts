import type { MilestoneId } from "../../milestones/index.js";
import type { Judgement } from "../judge.js";
import { isStarted, type MilestoneContent } from "../model/inputs.js";
import { isPlaceholder, type SiteSettings } from "../model/settings.js";
import { breaks } from "../pieces/result.js";
import { CHANNELS, type Channel } from "./channels.js";
import type { Publication } from "./published.js";

/** Whether something can go out: `planned` is not begun, and `blocked` says why not. */
export type PlanState = "published" | "ready" | "blocked" | "planned";

/** A milestone on a channel. */
export interface PlanEntry {
  readonly milestone: MilestoneId;
  readonly label: string;
  readonly title: string;
  readonly channel: Channel;
  readonly state: PlanState;
  /** Of what is published. */
  readonly url?: string | undefined;
  readonly date?: string | undefined;
  /** Of what is ready: the files to paste or upload, from the project's root. */
  readonly files?: readonly string[] | undefined;
  /** Of what is blocked. */
  readonly why?: string | undefined;
}

/** Every milestone on every channel that it promises a piece for, in the order of the series. */
export function planOf(
  all: readonly MilestoneContent[],
  results: Judgement,
  settings: SiteSettings,
  published: readonly Publication[],
): PlanEntry[] {
  return all.flatMap((content) => {
    const { id, label, title, definitionOfDone } = content.milestone;
    const broken = (results.get(id) ?? []).filter(breaks);
    return (Object.keys(CHANNELS) as Channel[])
      .filter((channel) => definitionOfDone.includes(CHANNELS[channel].piece))
      .map((channel): PlanEntry => {
        const entry = { milestone: id, label, title, channel };
        const out = published.find((one) => one.milestone === id && one.channel === channel);
        if (out) return { ...entry, state: "published", url: out.url, date: out.date };
        const { piece, files, needsAddress } = CHANNELS[channel];
        if (!isStarted(content)) return { ...entry, state: "planned" };
        const [first] = broken;
        const why =
          content.pieces[piece] === undefined
            ? `${piece}.md is missing`
            : first !== undefined
              ? `${first.file}:${first.line}: ${first.message}`
              : needsAddress && isPlaceholder(settings.url)
                ? "blog/site.yaml has a placeholder for the site's address: slh content setup"
                : undefined;
        if (why !== undefined) return { ...entry, state: "blocked", why };
        return { ...entry, state: "ready", files: files.map((name) => `dist/content/${id}/${name}`) };
      });
  });
}

/** What goes out next: of the first milestone that has something ready, the first channel. */
export const nextContent = (plan: readonly PlanEntry[]): PlanEntry | undefined =>
  plan.find(({ state }) => state === "ready");

import { columns, type Ink, ink } from "sololakehouse/terminal";
import { CHANNELS, type Channel } from "./channels.js";
import type { PlanEntry, PlanState } from "./plan.js";
import type { MilestoneProgress } from "./progress.js";
import type { ProjectState } from "./state.js";

const COLOURS: Readonly<Record<PlanState, Ink>> = {
  published: "green",
  ready: "ice",
  blocked: "amber",
  planned: "grey",
};

/** Reasons that the block names. */
const REASONS = 3;

/** The status block: the current milestone, the next, what blocks, and what to publish next. */
export function printStanding({ current, next, blocking, nextContent }: ProjectState): void {
  const named = (milestone: MilestoneProgress | undefined, otherwise: string) =>
    milestone ? `${milestone.label}  ${milestone.title}` : ink(otherwise, "grey");
  const reasons = blocking.slice(0, REASONS);
  const more = blocking.length - REASONS;
  const rows = [
    ["current milestone", named(current, "none: every milestone is done")],
    ["next milestone", named(next, "none")],
    ["blocking", reasons[0] ?? ink("nothing", "grey")],
    ...reasons.slice(1).map((reason) => ["", reason]),
    ...(more > 0 ? [["", ink(`and ${more} more`, "grey")]] : []),
    ["publish next", nextContent ? toPublish(nextContent) : ink("nothing is ready", "grey")],
  ];
  for (const line of columns(rows, "<<")) console.log(line);
}

/** The calendar: each milestone on each channel, then why what is blocked is. */
export function printPlan(plan: readonly PlanEntry[]): void {
  const channels = Object.keys(CHANNELS) as Channel[];
  const ids = [...new Set(plan.map(({ milestone }) => milestone))];
  const rows = ids.map((id) => [
    id,
    ...channels.map((channel) => {
      const entry = plan.find((one) => one.milestone === id && one.channel === channel);
      return entry ? ink(entry.date ?? entry.state, COLOURS[entry.state]) : "";
    }),
  ]);
  const head = ["", ...channels.map((channel) => ink(CHANNELS[channel].title, "bold"))];
  for (const line of columns([head, ...rows], `<${"<".repeat(channels.length)}`)) console.log(line);
  const whys = new Map<string, string[]>();
  for (const { why, label } of plan) if (why) whys.set(why, [...new Set([...(whys.get(why) ?? []), label])]);
  if (whys.size > 0) console.log(ink("\nblocked", "grey"));
  for (const [why, labels] of whys) console.log(`${labels.join(", ")}: ${why}`);
}

const toPublish = ({ label, channel, files }: PlanEntry): string =>
  `${label} on ${CHANNELS[channel].title}: ${files?.join(", ")}`;

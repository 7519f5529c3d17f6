import type { FactValue, ProfileFact, RecordedTable } from "../../notebook/index.js";
import type { MilestoneContent } from "../model/inputs.js";
import { profilesOf } from "../model/profiles.js";
import { escapeHtml } from "../text/escape.js";
import { formatFact } from "../text/format.js";
import type { Heading, Rendered } from "./markdown.js";
import { tableHtml } from "./table.js";

const HEADING: Heading = { id: "on-both-profiles", level: 2, text: "On both profiles" };

/** The part of a milestone's page that has its facts embedded and on the stack; undefined where it runs on one of them. */
export function profilesHtml(content: MilestoneContent): Rendered | undefined {
  const { onStack, milestone } = content;
  if (!onStack || !content.recorded) return undefined;
  const section = (html: string): Rendered => ({
    html: `<h2 id="${HEADING.id}">${HEADING.text}</h2>${html}`,
    headings: [HEADING],
  });
  const again = `<code>slh run ${escapeHtml(milestone.id)} --profile stack --save</code>`;
  const profiles = profilesOf(content);
  if (!profiles)
    return section(
      `<p>${onStack.state === "missing" ? "The notebook has not been run on the stack." : "What the notebook recorded on the stack is older than its code, and is not shown."} ${again} takes it anew, once <code>slh stack up</code> has started the services.</p>`,
    );
  const of = (verdict: ProfileFact["verdict"]) => profiles.facts.filter((fact) => fact.verdict === verdict);
  const [equal, measured, differs] = [of("equal"), of("measured"), of("differs")];
  const services = Object.entries(profiles.services).map(
    ([name, version]) => `${TITLES[name] ?? name} ${version}`,
  );
  const sentences = [
    `The same cells ran on one folder of a disk (embedded), and on ${services.join(" and ")} (the stack).`,
    `Of ${plural(profiles.facts.length, "fact")}, ${equal.length} are the same on both${differs.length === 0 ? "" : `, ${differs.length} ${differs.length === 1 ? "differs" : "differ"}`}${measured.length === 0 ? "" : `, and ${measured.length} are times and the like, which each run measures anew`}.`,
    `Those that count data have to be the same: the site is not built where they are not.`,
  ];
  return section(
    [
      `<p>${escapeHtml(sentences.join(" "))} ${again} takes them anew.</p>`,
      differs.length === 0 ? "" : tableHtml(factTable(differs, "Facts that differ, and why")),
      folded(measured, "measured anew by each run"),
      folded(equal, "the same on both"),
    ].join(""),
  );
}

const TITLES: Readonly<Record<string, string>> = { seaweedfs: "SeaweedFS", etcd: "etcd" };

const plural = (many: number, word: string): string => `${many} ${word}${many === 1 ? "" : "s"}`;

function folded(facts: readonly ProfileFact[], what: string): string {
  if (facts.length === 0) return "";
  const summary = `${plural(facts.length, "fact")}, ${what}`;
  return `<details class="data"><summary>${escapeHtml(summary)}</summary>${tableHtml(factTable(facts, ""))}</details>`;
}

/** Of a length that a table can show; the notebook has the whole of it. */
const LONGEST = 60;

function factTable(facts: readonly ProfileFact[], caption: string): RecordedTable {
  const shown = (value: FactValue | undefined, unit: string | undefined): string => {
    if (value === undefined) return "–";
    const formatted = formatFact({ value, unit });
    const text = "text" in formatted ? formatted.text : String(value);
    return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  };
  const hasWhy = facts.some(({ why }) => why !== undefined);
  const labels = ["Fact", "Embedded", "Stack", ...(hasWhy ? ["Why"] : [])];
  return {
    name: "profiles",
    caption: caption === "" ? undefined : caption,
    columns: labels.map((label, index) => ({
      key: label,
      label,
      align: index === 1 || index === 2 ? "right" : "left",
    })),
    rows: facts.map(({ name, unit, embedded, stack, why }) => [
      name,
      shown(embedded, unit),
      shown(stack, unit),
      ...(hasWhy ? [why ?? ""] : []),
    ]),
    totalRows: facts.length,
    volatile: false,
    cell: { id: "", index: 0, executionCount: null },
  };
}

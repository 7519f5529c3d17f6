import { type Design, designText, givenTexts, type MilestoneContent, solved } from "../content/index.js";
import { breaksFirst, LIMITS, loads, loadText, withUnit } from "../estimate/index.js";
import { quits, type Talking } from "./drills/session.js";

/** An estimate that is off by more than this factor is wrong; what is nearer is what arithmetic in the head gives. */
export const FACTOR = 2;

/** What a design came to. */
export interface DesignReport {
  readonly asked: number;
  readonly right: number;
}

/**
 * Gives a design to make: the numbers, then each estimate, held against its formula, and the part that breaks first; at the end
 * what a good design says. Ends early where no answer comes any more.
 */
export async function designNow(
  design: Design,
  all: readonly MilestoneContent[],
  talking: Talking,
): Promise<DesignReport> {
  talking.say(`\n${design.title}\n\n${designText(design.ask, design, all)}\n`);
  for (const line of givenTexts(design)) talking.say(`  ${line}`);
  talking.say(
    `\nWhat isn't given is as the calculator has it: slh interview estimate\nWithin a factor of ${FACTOR} is right.\n`,
  );
  const { asked, found } = solved(design);
  const report = { asked: 0, right: 0 };
  for (const { label, value, unit, arithmetic } of asked) {
    const heard = await heardNumber(talking, `${label}, in ${unit}: `);
    if (heard === undefined) return report;
    report.asked += 1;
    const isRight = within(heard, value);
    if (isRight) report.right += 1;
    talking.say(`  ${isRight ? "right" : offBy(heard, value)}: ${withUnit(value, unit)} = ${arithmetic}`);
  }
  const heard = await heardPart(talking);
  if (heard === undefined) return report;
  const first = breaksFirst(found);
  const isRight = heard === (first?.part ?? NOTHING);
  report.asked += 1;
  if (isRight) report.right += 1;
  talking.say(`  ${isRight ? "right" : "not so"}: ${first?.part ?? NOTHING}`);
  for (const { part, value } of loads(found)) talking.say(`    ${loadText(value).padStart(9)}  ${part}`);
  if (first) talking.say(`  In its place: ${first.replaced}. What stays: ${first.stays}.`);
  talking.say("\nNow draw it, and say it aloud. A good design says:\n");
  for (const point of design.good) talking.say(`  - ${designText(point, design, all)}`);
  return report;
}

const NOTHING = "nothing";

const within = (heard: number, value: number): boolean =>
  heard > 0 && value > 0 ? Math.abs(Math.log(heard / value)) <= Math.log(FACTOR) : heard === value;

const offBy = (heard: number, value: number): string =>
  heard > 0 && value > 0
    ? `off by a factor of ${Math.max(heard / value, value / heard).toLocaleString("en-US", { maximumSignificantDigits: 2 })}`
    : "off";

/** A number as people write it: `2.9`, `2,900`, `2.9e3`. */
async function heardNumber(talking: Talking, prompt: string): Promise<number | undefined> {
  for (;;) {
    const heard = await talking.hear(prompt);
    if (heard === undefined || quits(heard)) return undefined;
    const text = heard.trim().replace(/(?<=\d),(?=\d{3}(?!\d))/g, "");
    const number = text === "" ? Number.NaN : Number(text);
    if (Number.isFinite(number) && number >= 0) return number;
    talking.say("  A number, such as 2.9, 2,900 or 2.9e3 (q ends).");
  }
}

async function heardPart(talking: Talking): Promise<string | undefined> {
  const parts = [...LIMITS.map(({ part }) => part), NOTHING];
  talking.say("\nWhat breaks first?\n");
  for (const [index, part] of parts.entries()) talking.say(`  ${index + 1}  ${part}`);
  for (;;) {
    const heard = await talking.hear(`\n1 to ${parts.length} (q ends): `);
    if (heard === undefined || quits(heard)) return undefined;
    const part = /^\d+$/.test(heard.trim()) ? parts[Number(heard.trim()) - 1] : undefined;
    if (part !== undefined) return part;
  }
}

// The committed talk and questions, against the outputs that are committed with them; and the schedule and the sessions.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { judge } from "../../lib/kit/content/judge.js";
import { type Card, readCards } from "../../lib/kit/content/spoken/cards.js";
import { type Design, readDesigns, solved } from "../../lib/kit/content/spoken/designs.js";
import { readTalk, spokenWords, talkSource } from "../../lib/kit/content/spoken/talk.js";
import { breaksFirst, LIMITS } from "../../lib/kit/estimate/index.js";
import { designNow } from "../../lib/kit/interview/design.js";
import { mockInterview, points, summaryOf } from "../../lib/kit/interview/drills/mock.js";
import { Schedule } from "../../lib/kit/interview/drills/schedule.js";
import { drill, type Talking } from "../../lib/kit/interview/drills/session.js";
import { type Loaded, loadForPractice } from "../../lib/kit/interview/load.js";
import { talkText } from "../../lib/kit/interview/print.js";
import { findProject, type Project, projectAt } from "../../lib/kit/milestones/index.js";

const project = findProject(import.meta.dirname);
let loaded: Loaded;
let cards: readonly Card[];
beforeAll(async () => {
  loaded = await loadForPractice(project);
  cards = readCards(project, loaded.all).cards;
}, 120_000);

function emptyProject(): Project {
  const root = mkdtempSync(join(tmpdir(), "slh-interview-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return projectAt(root);
}

/** Says nothing, and hears these lines, then the end. */
function scripted(lines: string[]): Talking & { readonly said: string[] } {
  const said: string[] = [];
  return { said, say: (text) => void said.push(text), hear: async () => lines.shift() };
}

describe("the committed questions", () => {
  test("are 120 or more, ten or more of each milestone, and all of their evidence resolves", () => {
    const { results } = readCards(project, loaded.all);
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
    expect(cards.length).toBeGreaterThanOrEqual(120);
    const numbered = loaded.all.filter(({ milestone }) => milestone.number !== undefined);
    for (const { milestone } of numbered)
      expect(
        cards.filter(({ own }) => own.milestone.id === milestone.id).length,
        milestone.id,
      ).toBeGreaterThan(9);
  });

  test("with evidence that does not resolve are refused by name and line", () => {
    const own = cards[0]?.own as Card["own"];
    const folder = mkdtempSync(join(tmpdir(), "slh-cards-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = (evidence: string, answer = "Yes.") =>
      `- id: good\n  ask: Is it?\n  answer: Yes.\n  evidence: [fact health.parts]\n  then: And then?\n- id: bad\n  ask: Is it?\n  answer: ${answer}\n  evidence: [${evidence}]\n  then: And then?\n`;
    const read = (text: string) => {
      writeFileSync(join(folder, "drills.yaml"), text);
      return readCards(project, [{ ...own, milestone: { ...own.milestone, folder } }]);
    };
    for (const evidence of ["fact nobody.knows", "cell no-such", "decision 99", "rumour x", ""]) {
      const { cards: kept, results } = read(file(evidence));
      expect(kept.map(({ id }) => id)).toEqual(["m00/good"]);
      expect(results).toEqual([expect.objectContaining({ ok: false, line: 6 })]);
    }
    const { results } = read(file("fact health.parts", `"{{ fact 'nobody.knows' }}"`));
    expect(results[0]?.message).toContain("nobody.knows");
  });
});

describe("the committed talk", () => {
  test("keeps every rule: names resolve, four steps, and it fits 5 and 10 minutes", () => {
    const results = judge(project, loaded.all).get("m11") ?? [];
    const rules = results.map(({ rule }) => rule);
    const talk = ["names", "alt-text", "planned", "5-minutes", "10-minutes"].map((rule) => `talk/${rule}`);
    for (const rule of [...talk, "doc/boxes", "drills/evidence", "designs/formulas"])
      expect(rules).toContain(rule);
    expect(results.filter(({ rule, ok }) => rule.startsWith("talk/") && !ok)).toEqual([]);
  });

  test("prints every slide with the time at which it begins, and no insertion", () => {
    const found = talkSource(project, loaded.all);
    if (!found) throw new Error("there is no talk");
    const [short, long] = ([5, 10] as const).map((minutes) =>
      readTalk(found.source, found.own, loaded.all, minutes),
    );
    expect(long?.slides.length).toBeGreaterThan(short?.slides.length ?? 0);
    for (const talk of [short, long]) {
      const text = talkText(talk as NonNullable<typeof talk>);
      expect(text).not.toContain("{{");
      for (const { title } of talk?.slides ?? []) expect(text).toContain(title);
    }
  });

  test("counts a number by how it is said", () => {
    expect(spokenWords("It took a while")).toBe(4);
    expect(spokenWords("2.92 TB")).toBe(5);
    expect(spokenWords("100")).toBe(1);
  });
});

describe("the committed designs", () => {
  let designs: readonly Design[];
  beforeAll(() => {
    designs = readDesigns(project, loaded.all).designs;
  });
  /** Answers by formula, the first one changed by a factor. */
  const answers = (design: Design, factor = 1): string[] => {
    const { asked, found } = solved(design);
    const part = breaksFirst(found)?.part;
    const number = part === undefined ? LIMITS.length + 1 : LIMITS.findIndex((one) => one.part === part) + 1;
    return [...asked.map(({ value }, index) => String(index === 0 ? value * factor : value)), String(number)];
  };

  test("are four or more, keep their rules, and differ in what breaks first", () => {
    expect(readDesigns(project, loaded.all).results.map(({ ok }) => ok)).toEqual([true]);
    expect(designs.length).toBeGreaterThanOrEqual(4);
    const firsts = new Set(designs.map((design) => breaksFirst(solved(design).found)?.part));
    expect(firsts.size).toBeGreaterThanOrEqual(3);
  });

  test("are right by formula, within a factor of two, and off beyond it", async () => {
    for (const design of designs) {
      const all = design.estimate.length + 1;
      for (const [factor, right] of [
        [1, all],
        [1.9, all],
        [1 / 1.9, all],
        [2.1, all - 1],
        [1 / 2.1, all - 1],
      ] as const) {
        const talking = scripted(answers(design, factor));
        expect(await designNow(design, loaded.all, talking)).toEqual({ asked: all, right });
        expect(talking.said.join("\n")).not.toContain("{{");
      }
      const numbers = answers(design);
      const other = numbers.at(-1) === "1" ? "2" : "1";
      const talking = scripted([...numbers.slice(0, -1), other]);
      expect(await designNow(design, loaded.all, talking)).toEqual({ asked: all, right: all - 1 });
    }
  });

  test("take numbers as people write them, ask again for what is none, and end when one wants to", async () => {
    const [design] = designs as [Design];
    const [first, ...rest] = answers(design) as [string, ...string[]];
    const grouped = Number(Number(first).toPrecision(3)).toLocaleString("en-US");
    const talking = scripted(["", "many", "1,2", "-1", grouped, ...rest.slice(0, -1), "0", "99", "2"]);
    const report = await designNow(design, loaded.all, talking);
    expect(report.asked).toBe(design.estimate.length + 1);
    expect(talking.said.filter((line) => line.includes("such as 2.9"))).toHaveLength(4);
    expect(await designNow(design, loaded.all, scripted([first, "q"]))).toEqual({ asked: 1, right: 1 });
  });

  test.each([
    ["an assumption that there is not", "given: { rows: 1 }", 'no assumption "rows"'],
    ["a value out of range", "given: { kept: 0 }", '"kept" takes a number'],
    ["a value that is no number", "given: { kept: many }", '"kept" takes a number'],
    ["nothing given", "given: {}", "it needs given"],
    ["a result that there is not", "estimate: [stored, files, nope]", 'is called "nope"'],
    ["too few results", "estimate: [stored]", "3 results or more"],
    ["nothing to say", "good: []", "it needs good"],
    ["a fact that nobody recorded", "good: ['{{ fact \"nope\" }}']", "nope"],
  ])("with %s are refused by name and line", (_, line, message) => {
    const [own] = designs.map((one) => one.own) as [Design["own"]];
    const folder = mkdtempSync(join(tmpdir(), "slh-designs-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const fields = ["given: { kept: 30 }", "estimate: [stored, files, bill]", "good: [It is small.]"];
    const key = line.split(":", 1)[0] as string;
    const changed = fields.map((field) => (field.startsWith(key) ? line : field));
    const one = (id: string, lines: readonly string[]) =>
      `- id: ${id}\n  title: T\n  ask: Who?\n${lines.map((each) => `  ${each}\n`).join("")}`;
    writeFileSync(join(folder, "designs.yaml"), one("good", fields) + one("bad", changed));
    const { designs: kept, results } = readDesigns(project, loaded.all, [
      { ...own, milestone: { ...own.milestone, folder } },
    ]);
    expect(kept.map(({ id }) => id)).toEqual(["good"]);
    expect(results).toEqual([
      expect.objectContaining({ ok: false, line: 7, message: expect.stringContaining(message) }),
    ]);
  });
});

describe("the schedule", () => {
  const now = new Date("2026-11-30T12:00:00Z");
  const later = (days: number) => new Date(now.getTime() + days * 86_400_000);

  test("brings back soon what was not known, and late what was easy", () => {
    const schedule = Schedule.open(emptyProject());
    const [hard, easy, fresh] = cards.slice(0, 3) as [Card, Card, Card];
    const again = schedule.answered(hard, "again", now);
    const after = schedule.answered(easy, "easy", now);
    expect(again.getTime()).toBeLessThan(after.getTime());
    expect(schedule.due([easy, fresh, hard], later(1)).map(({ id }) => id)).toEqual([hard.id, fresh.id]);
    expect(schedule.due([easy], later(365))).toEqual([easy]);
  });

  test("is read again as it was written, and refuses what it has not written", () => {
    const place = emptyProject();
    const [card] = cards.slice(0, 1) as [Card];
    const due = Schedule.open(place).answered(card, "good", now);
    expect(Schedule.open(place).due([card], new Date(due.getTime() - 1))).toEqual([]);
    expect(Schedule.open(place).due([card], due)).toEqual([card]);
    const path = join(place.lake, "interview.json");
    writeFileSync(path, readFileSync(path, "utf8").slice(0, 20));
    expect(() => Schedule.open(place)).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
  });

  test("keeps every answer of a session that ends in the middle", async () => {
    const place = emptyProject();
    const some = cards.slice(0, 3);
    const talking = scripted(["", "what", "3", "", "1", ""]);
    const report = await drill(some, loaded.all, Schedule.open(place), talking, () => now);
    expect(report).toEqual({ answered: 2, again: [some[1]?.id] });
    expect(Schedule.open(place).seen(some)).toBe(2);
    expect(talking.said.join("\n")).not.toContain("{{");
  });
});

describe("the mock interview", () => {
  test("goes deeper after a good answer, changes the subject after a weak one, and ends with its minutes", async () => {
    const answer = (score: string) => ["", ...score];
    const talking = scripted([
      "nowhere",
      "m03",
      ...answer("yyyn"),
      ...answer("nnny"),
      ...answer("yyyy"),
      "q",
    ]);
    let seconds = 0;
    const scored = await mockInterview(cards, loaded.all, 20, talking, () => seconds++);
    expect(scored.map(({ card }) => card.own.milestone.id)).toEqual(["m03", "m03", "m04"]);
    expect(scored.map(points)).toEqual([3, 1, 4]);
    const summary = summaryOf(scored, loaded.all, "2026-11-30");
    expect(summary).toContain("3 questions, 8 of 12 points.");
    expect(summary.match(/^- M3, 1 of 4: /gm)).toHaveLength(1);
    const none = await mockInterview(cards, loaded.all, 20, scripted([""]), () => 1200);
    expect(none).toEqual([]);
  });
});

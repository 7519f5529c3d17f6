import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { basename, isAbsolute, join, relative, resolve } from "node:path";
import { invalidConfig } from "sololakehouse/errors";
import type { Project } from "../../milestones/index.js";
import { withKitMetadata } from "../file/merge.js";
import { fromPercent } from "../file/percent.js";
import { writeNotebook } from "../file/store.js";

/** What a notebook begins with: it runs as it is, and has one of each thing that a milestone asks for. */
const STARTER = (title: string): string => `// %% [markdown] id="title"
// # ${title}
//
// What this notebook shows, in one sentence.

// %% id="open" tags=["hide-input"]
// Imports, and the lakehouse
import { bars, check, facts, predict, table } from "@sololakehouse/kit";
import { openLakehouse } from "sololakehouse";

const lake = await openLakehouse();

// %% [markdown] id="ask-text"
// ## A question
//
// Ask before you show. The next cell is folded, since it has the answer in it.

// %% id="ask-predict"
predict("How many of the numbers from 1 to 100 are divisible by 3 or by 5?", {
  options: ["33", "47", "53"],
  answer: "B. 33 and 20 are divisible by one of them; 6 of these by both, and they count once.",
});

// %% id="ask"
const numbers = await lake.sql("select n, n % 3 = 0 as by3, n % 5 = 0 as by5 from range(1, 101) t(n)");
const answer = (await numbers.rows<{ by3: boolean; by5: boolean }>()).filter(({ by3, by5 }) => by3 || by5);

// %% id="record" tags=["hide-input"]
// What texts may quote
await facts("numbers", { divisible: answer.length }, { divisible: "numbers" });
const kinds = [
  { by: "3", numbers: answer.filter(({ by3 }) => by3).length },
  { by: "5", numbers: answer.filter(({ by5 }) => by5).length },
];
await table("numbers", kinds, { caption: "Numbers up to 100, by divisor" });
await bars("numbers.by_divisor", kinds, {
  name: "by",
  value: "numbers",
  title: ([three, five]) => \`Divisible by 3: \${three?.numbers}; by 5: \${five?.numbers}\`,
});

// %% [markdown] id="exercise-text"
// ## Exercise
//
// Write the condition yourself. The check says what is off; the solution is folded.

// %% id="exercise"
function counts(n: number): boolean {
  return n < 0; // your turn
}

// %% id="exercise-check"
await check("counts", (t) => {
  t.equal([3, 5, 15].map(counts), [true, true, true], "3, 5 and 15");
  t.equal(counts(7), false, "7");
});

// %% id="exercise-solution" tags=["solution:counts"]
function counts(n: number): boolean {
  return n % 3 === 0 || n % 5 === 0;
}

// %% id="close"
await lake.close();
`;

/** A milestone's declaration. */
const DECLARATION = (number: number, slug: string, title: string): string => `number: ${number}
slug: ${slug}
title: "${title}"
one-line: "What it shows, in one sentence."
profiles: [embedded]
definition-of-done: [notebook, doc]
`;

/** A name as a title: "first-try" is "First try". */
function titleOf(name: string): string {
  const words = name.replace(/[-_]+/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/**
 * Writes a notebook to begin with; for the name of a milestone (`m12-my-topic`) its folder, declaration and notebook.
 *
 * @returns the notebook's path, as it was given or from the root.
 * @throws LakehouseError `INVALID_CONFIG` where there is a file already, or outside the checkout.
 */
export async function newNotebook({ root, milestones }: Project, given: string): Promise<string> {
  const [, digits, slug] = /^m(\d{2})-([a-z0-9]+(?:-[a-z0-9]+)*)$/.exec(given) ?? [];
  const isMilestone = digits !== undefined && slug !== undefined;
  const folder = join(milestones, given);
  const path = isMilestone
    ? relative(process.cwd(), join(folder, "notebook.ipynb"))
    : given.endsWith(".ipynb")
      ? given
      : `${given}.ipynb`;
  if (existsSync(path)) throw invalidConfig(path, `${path} is there already.`, "Choose another name.");
  const inside = relative(root, resolve(path));
  if (inside.startsWith("..") || isAbsolute(inside)) {
    const why = `${path} lies outside the checkout, and cells find their packages only inside.`;
    throw invalidConfig(path, why, `Choose a place below ${root}.`);
  }
  const title = titleOf(isMilestone ? slug : basename(path, ".ipynb"));
  await writeNotebook(resolve(path), withKitMetadata(fromPercent(STARTER(title)), {}));
  if (isMilestone) await writeFile(join(folder, "milestone.yaml"), DECLARATION(Number(digits), slug, title));
  return path;
}

import type { Command } from "commander";
import { printJson, wholeNumber } from "sololakehouse/terminal";
import { findProject } from "../milestones/index.js";

/** `slh interview talk`, `drill`, `mock`, `design` and `estimate`. */
export function interviewCommands(program: Command): void {
  const interview = program
    .command("interview")
    .summary("the talk, the questions and the estimates of a design interview")
    .description("Practises an interview about the whole system: every figure comes from a run.")
    .addHelpText(
      "after",
      `
Examples:
  $ slh interview talk --minutes 5
  $ slh interview drill
  $ slh interview mock --minutes 20`,
    );

  interview
    .command("talk")
    .summary("print the talk with its times")
    .description("Prints what to say in 5 or 10 minutes, with the time at which each slide begins.")
    .option("--minutes <number>", "5 or 10", wholeNumber(1), 10)
    .option("--json", "print it as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh interview talk
  $ slh interview talk --minutes 5`,
    )
    .action(async ({ minutes, json }: { minutes: number; json?: true }) => {
      const { talkFor } = await import("./run.js");
      const { talk, text, older } = await talkFor(findProject(), minutes);
      if (json) return printJson(talk);
      process.stdout.write(text);
      noteOlder(older);
    });

  interview
    .command("drill")
    .argument("[milestone...]", "m03, 3 or writing-iceberg; all when left out")
    .summary("ask the questions that are due")
    .description("Asks questions that are due today, and remembers by your grades when each comes again.")
    .option("--limit <number>", "questions in this session", wholeNumber(1), 10)
    .option("--json", "list the questions that are due as JSON, and ask none")
    .addHelpText(
      "after",
      `
Examples:
  $ slh interview drill
  $ slh interview drill m03 m10 --limit 5`,
    )
    .action(async (words: string[], { limit, json }: { limit: number; json?: true }) => {
      const { drillNow, dueNow } = await import("./run.js");
      if (json) return printJson(await dueNow(findProject(), words, limit));
      const { older, text } = await drillNow(findProject(), words, limit);
      process.stdout.write(`\n${text}\n`);
      noteOlder(older);
    });

  interview
    .command("mock")
    .summary("a mock interview against the clock")
    .description(
      "Asks for some minutes along the path that your answers choose; you score yourself, and get a summary of what to revise.",
    )
    .option("--minutes <number>", "how long", wholeNumber(1), 20)
    .option("--json", "print the subjects and the rubric as JSON, and ask nothing")
    .addHelpText(
      "after",
      `
Examples:
  $ slh interview mock
  $ slh interview mock --minutes 40`,
    )
    .action(async ({ minutes, json }: { minutes: number; json?: true }) => {
      const { mockNow, mockPlan } = await import("./run.js");
      if (json) return printJson(await mockPlan(findProject()));
      const { older, text } = await mockNow(findProject(), minutes);
      process.stdout.write(`\n${text}`);
      noteOlder(older);
    });

  interview
    .command("design")
    .argument("[design]", "which one, by its id; the first when left out")
    .summary("a design to make, with estimates that are checked")
    .description(
      "Gives the numbers of a design, asks for your estimates and for what breaks first, and holds them against the formulas.",
    )
    .option("--json", "list the designs as JSON, and ask nothing")
    .addHelpText(
      "after",
      `
Examples:
  $ slh interview design
  $ slh interview design ledger`,
    )
    .action(async (id: string | undefined, { json }: { json?: true }) => {
      const { designFor, designPlan } = await import("./run.js");
      if (json) return printJson(await designPlan(findProject()));
      const { older, text } = await designFor(findProject(), id);
      process.stdout.write(`\n${text}\n`);
      noteOlder(older);
    });

  interview
    .command("estimate")
    .argument("[assumption...]", "assumptions to move, as rows_a_day=1e9")
    .summary("compute the estimates, with their arithmetic")
    .description(
      "Computes storage, files, requests, load and bill from the assumptions, some of which you can change. The site's page has the same with sliders.",
    )
    .option("--json", "print them as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh interview estimate
  $ slh interview estimate rows_a_day=34e9 writers=500`,
    )
    .action(async (words: string[], { json }: { json?: true }) => {
      const { estimateFor } = await import("./run.js");
      const { estimates, text } = estimateFor(words);
      if (json) return printJson(estimates);
      process.stdout.write(text);
    });
}

/** Figures of a run that is older than the code are said to be. */
function noteOlder(older: readonly string[]): void {
  if (older.length === 0) return;
  process.stderr.write(
    `Figures of ${older.join(", ")} are of runs before the last change. To make them anew: slh run\n`,
  );
}

import { type Command, Option } from "commander";
import { invalidConfig } from "sololakehouse/errors";
import { portNumber, printJson } from "sololakehouse/terminal";
import { findProject, listMilestones, type Milestone, selectMilestones } from "../milestones/index.js";
import type { RunFlags } from "./commands/run.js";
import { ownPlace, placeOf } from "./fresh/place.js";

/** `slh run`, `slh lab` and `slh notebook …`. */
export function notebookCommands(program: Command): void {
  program
    .command("run")
    .summary("run notebooks")
    .description(
      "Runs notebooks headless and keeps the executed copies below .lake/notebooks. Without a name: all whose outputs are not fresh on this machine.",
    )
    .argument("[notebook...]", "m03, 3, writing-iceberg, or the path of an .ipynb of your own")
    .addOption(
      new Option(
        "--profile <name>",
        "on the services of slh stack, each notebook on a lakehouse of its own",
      ).choices(["stack"]),
    )
    .option("--all", "all of them, fresh ones too")
    .option("--force", "the named ones, even when they are fresh")
    .option("--save", "write the outputs back into the committed notebooks")
    .option("--volatile", "with --save: times and the like too, where nothing else has changed")
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh run                  what has changed since it last ran here
  $ slh run m03 --force      one milestone, once more
  $ slh run my/first.ipynb   a notebook of your own
  $ slh run m00 m01 --save   and update the outputs for the commit
  $ slh run m03 --profile stack --save   on the stack, and keep its facts beside the notebook
  $ slh run --all --save --volatile   take every time anew, on a quiet machine`,
    )
    .action(async (words: string[], flags: RunFlags) => {
      const { runCommand } = await import("./commands/run.js");
      const project = findProject();
      const all = await listMilestones(project);
      const own = words.filter((word) => word.endsWith(".ipynb"));
      const named = words.filter((word) => !own.includes(word));
      const chosen = words.length === 0 ? all : selectMilestones(all, named);
      const milestones = flags.profile === "stack" ? onTheStack(chosen, words.length > 0) : chosen;
      const targets = [
        ...milestones.map((milestone) => ({ ...milestone, place: placeOf(milestone, project) })),
        ...own.map((path) => {
          const place = ownPlace(path, project);
          return { id: place.id, slug: "", place };
        }),
      ];
      process.exitCode = await runCommand(project, targets, { ...flags, named: words.length > 0 });
    });

  program
    .command("new")
    .summary("begin a notebook or a milestone of your own")
    .description(
      "Writes a notebook that runs as it is, with a question, a chart and an exercise, anywhere in the checkout.",
    )
    .argument("<path>", "where: my/first.ipynb; or a milestone's name: m12-my-topic")
    .option("--json", "print where it is as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh new my/first.ipynb && slh run my/first.ipynb
  $ slh new m12-my-topic && slh run m12 && slh status m12`,
    )
    .action(async (given: string, { json }: { json?: true }) => {
      const { newNotebook } = await import("./commands/new.js");
      const path = await newNotebook(findProject(), given);
      if (json) printJson({ notebook: path });
      else console.log(`${path}  run it: npx slh run ${path}; open it: npx slh lab`);
    });

  program
    .command("lab")
    .summary("open the notebooks in Jupyter")
    .description(
      "Writes a kernelspec for tslab below .lake/jupyter and starts JupyterLab, or Jupyter Notebook, where one is installed.",
    )
    .argument("[milestone]", "open this one")
    .option("--no-start", "only write the kernelspec")
    .option("--port <number>", "port for Jupyter to listen on", portNumber)
    .addHelpText(
      "after",
      `
Examples:
  $ slh lab
  $ slh lab m03 --port 8890`,
    )
    .action(async (word: string | undefined, { start, port }: { start: boolean; port?: number }) => {
      const project = findProject();
      const [milestone] = word ? selectMilestones(await listMilestones(project), [word]) : [];
      const { lab } = await import("./commands/lab.js");
      process.exitCode = await lab(project, milestone, { start, port });
    });

  const notebook = program
    .command("notebook")
    .summary("convert and check notebooks")
    .description("Notebooks as TypeScript files, for those who write in an editor; and their type check.")
    .addHelpText(
      "after",
      `
Examples:
  $ slh notebook export m03 -o m03.ts
  $ slh notebook import m03.ts
  $ slh notebook check`,
    );

  notebook
    .command("export")
    .summary("make a percent file of a notebook")
    .description("Prints a notebook in the percent format, or writes it into a file. Outputs stay behind.")
    .argument("<milestone>", "a milestone, or a path to an .ipynb")
    .option("-o, --output <file>", "write into this file")
    .option("--json", "print what was written as JSON; where no file is named, with the text in it")
    .addHelpText(
      "after",
      `
Examples:
  $ slh notebook export m03 -o m03.ts
  $ slh notebook export m03 | less`,
    )
    .action(async (what: string, flags: { output?: string; json?: true }) => {
      const { exportNotebook } = await import("./commands/convert.js");
      await exportNotebook(await notebookPath(what), flags);
    });

  notebook
    .command("import")
    .summary("read a percent file back into its notebook")
    .description(
      "Reads a percent file back into its notebook. Outputs of cells whose code is the same stay; run the notebook for the others.",
    )
    .argument("<file>", "written by export; a file named like a milestone (m03.ts) goes into that one")
    .option("--to <notebook>", "a milestone, or a path to an .ipynb")
    .option("--json", "print what was read as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh notebook import m03.ts
  $ slh notebook import draft.ts --to m04`,
    )
    .action(async (file: string, { to, json }: { to?: string; json?: true }) => {
      const stem = /([^/\\]+)\.ts$/.exec(file)?.[1] ?? file;
      const named = to ?? (/^m\d\d(-|$)/.test(stem) ? stem : file.replace(/\.ts$/, ".ipynb"));
      const { importNotebook } = await import("./commands/convert.js");
      await importNotebook(file, await notebookPath(named), json === true);
    });

  notebook
    .command("check")
    .summary("type-check code cells without running them")
    .description("Type-checks code cells without running them: all milestones, or the given ones.")
    .argument("[what...]", "milestones, .ipynb files or percent files")
    .option("--json", "print the complaints as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh notebook check
  $ slh notebook check m03 draft.ts`,
    )
    .action(async (words: string[], { json }: { json?: boolean }) => {
      const project = findProject();
      const paths =
        words.length > 0
          ? await Promise.all(words.map((word) => (word.endsWith(".ts") ? word : notebookPath(word))))
          : (await listMilestones(project)).map((milestone) => milestone.notebookPath);
      const { checkNotebooks } = await import("./commands/typecheck.js");
      process.exitCode = await checkNotebooks(project, paths, words.length > 0, json === true);
    });
}

/** Those that run on the stack; one that was named has to. */
function onTheStack(milestones: readonly Milestone[], named: boolean): readonly Milestone[] {
  const other = milestones.find(({ profiles }) => !profiles.includes("stack"));
  if (other !== undefined && named)
    throw invalidConfig(
      other.id,
      `${other.id} does not run on the stack: its milestone.yaml names the profiles ${other.profiles.join(", ")}.`,
      `Run it without --profile: slh run ${other.id}`,
    );
  return milestones.filter(({ profiles }) => profiles.includes("stack"));
}

/** A path as it is; else that of the milestone's notebook. */
async function notebookPath(word: string): Promise<string> {
  if (word.endsWith(".ipynb")) return word;
  const project = findProject();
  const [milestone] = selectMilestones(await listMilestones(project), [word]);
  return milestone ? placeOf(milestone, project).source : word;
}

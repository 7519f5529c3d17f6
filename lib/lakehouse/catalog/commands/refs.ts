import type { Command } from "commander";
import { invalidArgument, type LakehouseError } from "../../errors.js";
import { columns, ink, printJson, printLine, toRef } from "../../terminal/index.js";
import type { BranchingCatalog } from "../model/branching-catalog.js";
import type { Reference } from "../model/references.js";
import { short, time } from "./describe.js";
import type { WithBranches } from "./with-branches.js";

interface RefOptions {
  readonly from?: string;
  readonly delete?: true;
  readonly json?: true;
}

/** `slh branch` and `slh tag`. */
export function refCommands(program: Command, withBranches: WithBranches): void {
  program
    .command("branch")
    .summary("list, make and delete branches")
    .description(
      "Lists the branches with where they are; with a name, makes one. A branch is a name for a commit: it costs nothing and copies nothing.",
    )
    .argument("[name]", "the branch to make, or with --delete to delete; lists all where not given")
    .option("--from <ref>", "branch, tag or commit to start at", toRef)
    .option("-d, --delete", "delete the branch of that name")
    .option("--json", "print them, or what was done, as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh branch
  $ slh branch etl
  $ slh branch rescued --from 3f2a9c1b77e0
  $ slh branch --delete etl`,
    )
    .action((name: string | undefined, options: RefOptions) =>
      withBranches((catalog) => refs(catalog, "BRANCH", name, options)),
    );

  program
    .command("tag")
    .summary("list, make and delete tags")
    .description("Lists the tags; with a name, gives that name to a commit for good: every table at once.")
    .argument("[name]", "the tag to make, or with --delete to delete; lists all where not given")
    .option("--from <ref>", "branch, tag or commit to name", toRef)
    .option("-d, --delete", "delete the tag of that name")
    .option("--json", "print them, or what was done, as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh tag
  $ slh tag release-2026-11 --from main
  $ slh sql "select count(*) from flights.bronze_flights" --ref release-2026-11`,
    )
    .action((name: string | undefined, options: RefOptions) =>
      withBranches((catalog) => refs(catalog, "TAG", name, options)),
    );
}

async function refs(
  catalog: BranchingCatalog,
  type: Reference["type"],
  name: string | undefined,
  { from, delete: goes, json }: RefOptions,
): Promise<void> {
  const word = type.toLowerCase();
  if (name === undefined) {
    if (goes) throw usage("--delete", `Which ${word} shall go?`, `slh ${word} --delete <name>`);
    if (from !== undefined) {
      throw usage(
        "--from",
        `What shall the ${word} at ${from} be called?`,
        `slh ${word} <name> --from ${from}`,
      );
    }
    return list(catalog, type, json === true);
  }
  if (goes) {
    const { hash } = await requireType(catalog, type, name);
    await catalog.deleteReference(name, { expectedHash: hash });
    if (json) return printJson({ deleted: { type: word, name, hash } });
    printLine(`Deleted the ${word} ${ink(name, "bold")}, which was at ${short(hash)}.`);
    printLine(ink(`slh ${word} ${name} --from ${short(hash)} brings it back, until slh gc.`, "grey"));
    return;
  }
  const options = { from: from ?? catalog.ref };
  await (type === "BRANCH" ? catalog.createBranch(name, options) : catalog.createTag(name, options));
  const hash = await catalog.on(name).hash();
  if (json) printJson({ made: { type: word, name, hash } });
  else printLine(`Made the ${word} ${ink(name, "bold")} at ${short(hash)}.`);
}

async function list(catalog: BranchingCatalog, type: Reference["type"], json: boolean): Promise<void> {
  const found = (await catalog.references()).filter((ref) => ref.type === type);
  const commits = await Promise.all(
    found.map(async ({ name }) => (await catalog.on(name).log({ pageSize: 1 })).items),
  );
  if (json) {
    printJson(
      found.map(({ name, hash }, index) => {
        const [commit] = commits[index] ?? [];
        return {
          name,
          hash,
          current: name === catalog.ref,
          ...(commit && { time: new Date(commit.commitTime).toISOString(), message: commit.message }),
        };
      }),
    );
    return;
  }
  if (found.length === 0) {
    printLine(`There are no ${type === "TAG" ? "tags" : "branches"} yet.`);
    return;
  }
  const rows = found.map(({ name, hash }, index) => {
    const [commit] = commits[index] ?? [];
    const isCurrent = name === catalog.ref;
    return [
      type === "TAG" ? "" : isCurrent ? "*" : " ",
      ink(name, type === "TAG" ? "amber" : isCurrent ? "green" : "bold"),
      short(hash),
      commit ? ink(time(commit.commitTime), "grey") : "",
      commit?.message.split(/\r?\n/, 1)[0] ?? ink("nothing was committed yet", "grey"),
    ];
  });
  for (const line of columns(rows, "<<<<<")) printLine(line);
}

/** A branch is not deleted as a tag, nor a tag as a branch. */
async function requireType(
  catalog: BranchingCatalog,
  type: Reference["type"],
  name: string,
): Promise<Reference> {
  const found = (await catalog.references()).find((ref) => ref.name === name);
  if (found?.type === type) return found;
  const word = type.toLowerCase();
  const { noSuchRef } = await import("../../iceberg/index.js");
  throw noSuchRef(
    name,
    `There is no ${word} ${name}${found ? `: it is a ${found.type.toLowerCase()}` : ""}.`,
    `slh ${found ? found.type.toLowerCase() : word} lists them.`,
  );
}

function usage(subject: string, message: string, form: string): LakehouseError {
  return invalidArgument(subject, message, `Name it: ${form}.`);
}

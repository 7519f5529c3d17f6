import type { Command } from "commander";
import { invalidArgument, type LakehouseError } from "../../errors.js";
import {
  columns,
  count,
  ink,
  layOutGraph,
  printJson,
  printLine,
  toRef,
  wholeNumber,
} from "../../terminal/index.js";
import type { BranchingCatalog } from "../model/branching-catalog.js";
import type { LoggedCommit } from "../model/commits.js";
import { readHistory } from "../model/history.js";
import type { Reference } from "../model/references.js";
import { changedNames, diffLines, diffToJson, named, refsAt, short, time } from "./describe.js";
import { drawRow } from "./graph-text.js";
import type { WithBranches } from "./with-branches.js";

interface LogOptions {
  readonly graph?: true;
  readonly limit: number;
  readonly table?: string;
  readonly author?: string;
  readonly grep?: string;
  readonly json?: true;
}

/** `slh log`. */
export function logCommand(program: Command, withBranches: WithBranches): void {
  program
    .command("log")
    .summary("show what was committed")
    .description(
      "Shows the commits of a branch, newest first: hash, branches and tags, message, time, author and the tables that changed. A merge is one commit there; --graph shows both its sides, of all branches where none is named.",
    )
    .argument("[ref...]", "branch, tag or commit to start from; several with --graph")
    .option("--graph", "draw branches and merges")
    .option("-n, --limit <number>", "show at most this many commits", wholeNumber(1), 20)
    .option("--table <name>", "only commits that changed this table, or something in this namespace")
    .option("--author <name>", "only this author's")
    .option("--grep <text>", "only messages with this text")
    .option("--json", "print them as JSON, with whole hashes")
    .addHelpText(
      "after",
      `
Examples:
  $ slh log
  $ slh log etl --table flights.silver
  $ slh log --graph -n 50
  $ slh log "main~3"`,
    )
    .action((refs: string[], options: LogOptions) =>
      withBranches((catalog) => log(catalog, refs.map(toRef), options)),
    );
}

async function log(catalog: BranchingCatalog, refs: readonly string[], options: LogOptions): Promise<void> {
  const { graph, limit, table, author, grep, json } = options;
  const filter = {
    ...(table === undefined ? {} : { key: table.split(".") }),
    ...(author === undefined ? {} : { author }),
    ...(grep === undefined ? {} : { message: grep }),
  };
  if (graph && Object.keys(filter).length > 0) {
    throw misuse("--graph", "A graph needs every commit.", "Leave out --table, --author and --grep.");
  }
  if (!graph && refs.length > 1) {
    throw misuse(refs.join(" "), "Without --graph a log starts from one ref.", "Add --graph, or name one.");
  }
  const commits = graph
    ? await readHistory(catalog, { limit, refs: refs.length === 0 ? undefined : refs })
    : (await catalog.on(refs[0] ?? catalog.ref).log({ pageSize: limit, ...filter })).items;
  const { BEGINNING } = await import("../model/hash.js");
  if (json) {
    printJson(commits.map((commit) => commitToJson(commit, BEGINNING)));
    return;
  }
  if (commits.length === 0) printLine("Nothing was committed there yet.");
  const named = await catalog.references();
  if (graph) {
    const first = named.find(({ name }) => name === catalog.ref)?.hash;
    const { rows } = layOutGraph(commits, { root: BEGINNING, ...(first === undefined ? {} : { first }) });
    for (const row of rows) {
      const { commit, below } = drawRow(row);
      const [head = "", ...rest] = commitLines(row.commit, named);
      printLine(`${commit}  ${head}`);
      const margin = below.at(-1) ?? "";
      for (let line = 0; line < Math.max(rest.length + 1, below.length); line++)
        printLine(`${below[line] ?? margin}  ${rest[line] ?? ""}`.trimEnd());
    }
    return;
  }
  for (const commit of commits) {
    for (const line of commitLines(commit, named)) printLine(line);
    printLine();
  }
  if (commits.length === limit) printLine(ink(`The newest ${limit}; -n shows more.`, "grey"));
}

function commitLines(commit: LoggedCommit, refs: readonly Reference[]): string[] {
  const { hash, message, authors, commitTime } = commit;
  const [title = "", ...body] = message.split(/\r?\n/);
  const names = changedNames(commit);
  const shown = names.length > 4 ? [...names.slice(0, 4), `and ${names.length - 4} more`] : names;
  const about = [`${time(commitTime)} UTC`, authors.join(", "), shown.join(", ")];
  const head = [ink(short(hash), "amber"), refsAt(refs, hash), ink(title, "bold")];
  return [
    head.filter((part) => part !== "").join("  "),
    `  ${ink(about.filter((part) => part !== "").join("  "), "grey")}`,
    ...body.filter((line) => line.trim() !== "").map((line) => `  ${line}`),
  ];
}

function commitToJson(commit: LoggedCommit, beginning: string): unknown {
  const { hash, parents, message, authors, committer, commitTime, operations, properties } = commit;
  return {
    hash,
    parents: parents.filter((parent) => parent !== beginning),
    message,
    authors,
    committer,
    time: new Date(commitTime).toISOString(),
    properties,
    changes: operations.map(({ type, key }) => ({ type, name: key.join(".") })),
  };
}

/** `slh diff`. */
export function diffCommand(program: Command, withBranches: WithBranches): void {
  program
    .command("diff")
    .summary("show what differs between two refs")
    .description(
      "Shows the tables that two branches, tags or commits hold differently, from the first to the second: snapshots, rows and files gained and lost.",
    )
    .argument("<from>", "branch, tag or commit; from..to names both")
    .argument("[to]", "branch, tag or commit; left out where from..to names both")
    .option("--json", "print it as JSON")
    .addHelpText(
      "after",
      `
Signs: + added, - removed, ~ changed, > renamed.

Examples:
  $ slh diff main etl
  $ slh diff main..etl
  $ slh diff main~1 main`,
    )
    .action((first: string, second: string | undefined, { json }: { json?: true }) =>
      withBranches(async (catalog, diff) => {
        const [from, to] = bothRefs(first, second);
        const diffs = await diff(from, to);
        if (json) {
          printJson(diffToJson(diffs));
          return;
        }
        const between = `${await named(catalog, from)} → ${await named(catalog, to)}`;
        if (diffs.length === 0) printLine(`Nothing differs: ${between}.`);
        else printLine(`${ink(between, "bold")}  ${count(diffs.length, "difference")}`);
        for (const line of diffLines(diffs)) printLine(line);
      }),
    );
}

function bothRefs(first: string, second: string | undefined): [string, string] {
  const [from = "", to, ...more] = second === undefined ? first.split("..") : [first, second];
  if (from !== "" && to !== undefined && to !== "" && more.length === 0) return [toRef(from), toRef(to)];
  throw misuse(first, "A difference has two sides.", `Write slh diff ${from || "main"} <to>.`);
}

/** `slh reflog`. */
export function reflogCommand(program: Command, withBranches: WithBranches): void {
  program
    .command("reflog")
    .summary("show where a branch has been")
    .description(
      "Shows the moves of a branch or tag, newest first, also of a deleted one: how to find a commit that no branch leads to any more.",
    )
    .argument("[name]", "branch or tag; main where not given")
    .option("--json", "print it as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh reflog
  $ slh reflog etl
  $ slh branch rescued --from 3f2a9c1b77e0`,
    )
    .action((name: string | undefined, { json }: { json?: true }) =>
      withBranches(async (catalog) => {
        const entries = await catalog.reflog(name);
        if (entries.length === 0 && name !== undefined) await requireRef(catalog, name);
        if (json) {
          printJson(
            entries.map(({ from, to, operation, author, message, time }) => ({
              from,
              to,
              operation,
              author,
              message,
              time: new Date(time).toISOString(),
            })),
          );
          return;
        }
        if (entries.length === 0) printLine("It has no moves that anyone remembers.");
        const rows = entries.map(({ from, to, operation, message, time: at }) => [
          ink(short(to ?? from ?? ""), "amber"),
          operation.toLowerCase().replace("_", " "),
          ink(time(at), "grey"),
          message.split(/\r?\n/, 1)[0] ?? "",
        ]);
        for (const line of columns(rows, "<<<<")) printLine(line);
      }),
    );
}

/** A ref that never was has no moves either. */
async function requireRef(catalog: BranchingCatalog, name: string): Promise<void> {
  const names = (await catalog.references()).map((ref) => ref.name);
  if (names.includes(name)) return;
  const { noSuchRef } = await import("../../iceberg/index.js");
  const { nearest } = await import("../model/suggestions.js");
  throw noSuchRef(name, `There is no branch or tag ${name}, and none is remembered.`, nearest(name, names));
}

function misuse(subject: string, message: string, remedy: string): LakehouseError {
  return invalidArgument(subject, message, remedy);
}

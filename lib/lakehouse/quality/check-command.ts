import { access, constants, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { allTables, isBranchingCatalog } from "../catalog/index.js";
import { invalidArgument, isLakehouseError, type LakehouseError } from "../errors.js";
import {
  columns,
  count,
  duration,
  type Ink,
  ink,
  printJson,
  printLine,
  reportError,
} from "../terminal/index.js";
import type { QualityContext } from "./check.js";
import type { Check } from "./checks/types.js";
import type { CheckFlags } from "./commands.js";
import { Quality } from "./quality.js";
import type { CheckReport, Outcome } from "./run/report.js";

/** A table, with its checks where a suite brings them. */
interface Job {
  readonly table: string;
  readonly checks?: readonly Check[];
}

/** What `slh check` does. */
export async function runCheckCommand(
  context: QualityContext,
  table: string | undefined,
  flags: CheckFlags,
  signal: AbortSignal,
): Promise<void> {
  const { ref, since, samples, record, html, json } = flags;
  const catalog =
    ref !== undefined && isBranchingCatalog(context.catalog) ? context.catalog.on(ref) : context.catalog;
  if (ref !== undefined && !isBranchingCatalog(context.catalog))
    throw invalidArgument("--ref", "This catalog has no branches.", "Leave --ref out.");
  const quality = new Quality({ ...context, catalog });
  const jobs = await jobsOf({ ...context, catalog }, table, flags);
  if (since !== undefined && table === undefined)
    throw invalidArgument("--since", "A snapshot is one table's, and none is named.", "Name the table.");
  // Not found out when all is checked.
  if (html !== undefined) await access(dirname(html), constants.W_OK).catch(cannotWrite(html));
  const reports: CheckReport[] = [];
  const pages: string[] = [];
  const failed: LakehouseError[] = [];
  for (const job of jobs) {
    signal.throwIfAborted();
    try {
      const checks = job.checks ?? (await quality.checksOf(job.table));
      if (checks.length === 0 && table !== undefined) throw noChecks(table);
      if (checks.length === 0) continue;
      const report = await quality.check(job.table, { checks, since, samples, record, signal });
      reports.push(report);
      if (html !== undefined) pages.push(await quality.html(report));
      if (!json) printReport(report, samples ?? 0);
    } catch (error) {
      // Of many, one that cannot be checked does not keep the others from it.
      if (table !== undefined || signal.aborted || !isLakehouseError(error)) throw error;
      failed.push(error);
    }
  }
  if (reports.length === 0 && failed.length === 0)
    throw invalidArgument(
      "slh check",
      "No table carries checks.",
      "Name a table and a file of checks, as in slh check flights.silver --suite schema.yml.",
    );
  if (html !== undefined) await writePages(html, reports, pages, reports.length + failed.length > 1);
  if (json) printJson(table === undefined ? reports : reports[0]);
  for (const error of failed) reportError(error, json);
  if (failed.length > 0 || reports.some(({ passed }) => !passed)) process.exitCode = 1;
}

async function jobsOf(
  { catalog }: QualityContext,
  table: string | undefined,
  { suite, namespace }: CheckFlags,
): Promise<Job[]> {
  if (suite !== undefined) return suiteJobs(suite, table, namespace);
  if (namespace !== undefined)
    throw invalidArgument(
      "--namespace",
      "It says where the models of a suite are, and there is none.",
      "Add --suite schema.yml.",
    );
  if (table !== undefined) return [{ table }];
  return (await allTables(catalog)).map((each) => ({ table: [...each.namespace, each.name].join(".") }));
}

function noChecks(table: string): LakehouseError {
  return invalidArgument(table, `${table} carries no checks.`, "Add a file of them, by --suite schema.yml.");
}

async function suiteJobs(
  suite: string,
  table: string | undefined,
  namespace: string | undefined,
): Promise<Job[]> {
  const text = await readFile(suite, "utf8").catch((cause: Error) => {
    throw invalidArgument(
      suite,
      `${suite} cannot be read: ${cause.message}.`,
      "Name the schema.yml of a dbt project.",
      cause,
    );
  });
  const own = table?.split(".").slice(0, -1).join(".");
  const where = namespace ?? own;
  if (where === undefined || where === "")
    throw invalidArgument(
      "--namespace",
      "Nothing says where the suite's models are.",
      "Add --namespace flights, say.",
    );
  const { readDbt } = await import("./suites/dbt.js");
  const tables = (await readDbt(text, suite, { namespace: where })).filter(({ checks }) => checks.length > 0);
  const wanted = table === undefined ? tables : tables.filter((each) => each.table === table);
  if (wanted.length > 0) return wanted.map((each) => ({ table: each.table, checks: each.checks }));
  const names = tables.map((each) => each.table).join(", ");
  throw invalidArgument(
    table ?? suite,
    table === undefined ? `${suite} has no tests.` : `${suite} has no tests of ${table}.`,
    names === "" ? "Give one that has." : `It has tests of ${names}.`,
  );
}

/** One page for one table; of several each has its own, named after it. */
async function writePages(
  file: string,
  reports: readonly CheckReport[],
  pages: readonly string[],
  areSeveral: boolean,
): Promise<void> {
  for (const [i, page] of pages.entries()) {
    const name = (reports[i] as CheckReport).table.replace(/[^\w.-]+/g, "-");
    const own = areSeveral ? file.replace(/(\.html?)?$/i, `-${name}$1`) : file;
    await writeFile(own, page).catch(cannotWrite(own));
  }
}

function cannotWrite(file: string): (cause: Error) => never {
  return (cause) => {
    throw invalidArgument(
      file,
      `${file} cannot be written: ${cause.message}.`,
      "Name a file in a folder that is there.",
      cause,
    );
  };
}

const MARKS: Readonly<Record<Outcome, readonly [string, Ink]>> = {
  pass: ["pass", "green"],
  warn: ["warn", "amber"],
  fail: ["fail", "red"],
};

/** @param samples as many rows of what failed are shown below it, where they were asked for. */
function printReport({ table, ref, results, milliseconds }: CheckReport, samples: number): void {
  const at = ref === undefined ? "" : ` on ${ref}`;
  printLine(`${ink(table, "bold")}${at}: ${count(results.length, "check")} in ${duration(milliseconds)}`);
  const lines = results.map(({ outcome, check, message }) => [ink(...MARKS[outcome]), check.name, message]);
  for (const [i, line] of columns(lines, "<<<").entries()) {
    printLine(`  ${line}`);
    for (const row of results[i]?.samples.slice(0, samples) ?? [])
      printLine(`        ${JSON.stringify(row)}`);
  }
}

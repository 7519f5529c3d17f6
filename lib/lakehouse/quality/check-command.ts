import { readFile, writeFile } from "node:fs/promises";
import { allTables, isBranchingCatalog } from "../catalog/index.js";
import { invalidArgument } from "../errors.js";
import { columns, count, duration, type Ink, ink, printJson, printLine } from "../terminal/index.js";
import type { QualityContext } from "./check.js";
import type { Check } from "./checks/types.js";
import type { CheckFlags } from "./commands.js";
import { Quality } from "./quality.js";
import type { CheckReport, Outcome } from "./run/report.js";

/** A table with its checks. */
interface Job {
  readonly table: string;
  readonly checks: readonly Check[];
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
  const jobs = await jobsOf(quality, { ...context, catalog }, table, flags);
  if (since !== undefined && jobs.length > 1)
    throw invalidArgument("--since", "A snapshot is one table's, and there are several.", "Name the table.");
  const reports: CheckReport[] = [];
  const pages: string[] = [];
  for (const { table: name, checks } of jobs) {
    signal.throwIfAborted();
    const report = await quality.check(name, { checks, since, samples, record, signal });
    reports.push(report);
    if (html !== undefined) pages.push(await quality.html(report));
    if (!json) printReport(report);
  }
  if (html !== undefined) await writePages(html, reports, pages);
  if (json) printJson(table === undefined ? reports : reports[0]);
  if (reports.some(({ passed }) => !passed)) process.exitCode = 1;
}

async function jobsOf(
  quality: { checksOf(table: string): Promise<readonly Check[]> },
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
  if (table !== undefined) return [{ table, checks: await checksOf(quality, table) }];
  const names = (await allTables(catalog)).map((each) => [...each.namespace, each.name].join("."));
  const jobs: Job[] = [];
  for (const name of names) {
    const checks = await quality.checksOf(name);
    if (checks.length > 0) jobs.push({ table: name, checks });
  }
  if (jobs.length > 0) return jobs;
  throw invalidArgument(
    "slh check",
    "No table carries checks.",
    "Name a table and a file of checks, as in slh check flights.silver --suite schema.yml.",
  );
}

async function checksOf(
  quality: { checksOf(table: string): Promise<readonly Check[]> },
  table: string,
): Promise<readonly Check[]> {
  const checks = await quality.checksOf(table);
  if (checks.length > 0) return checks;
  throw invalidArgument(table, `${table} carries no checks.`, "Add a file of them, by --suite schema.yml.");
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
): Promise<void> {
  for (const [i, page] of pages.entries()) {
    const name = (reports[i] as CheckReport).table.replace(/[^\w.-]+/g, "-");
    await writeFile(pages.length === 1 ? file : file.replace(/(\.html?)?$/i, `-${name}$1`), page);
  }
}

const MARKS: Readonly<Record<Outcome, readonly [string, Ink]>> = {
  pass: ["pass", "green"],
  warn: ["warn", "amber"],
  fail: ["fail", "red"],
};

function printReport({ table, ref, results, milliseconds }: CheckReport): void {
  const at = ref === undefined ? "" : ` on ${ref}`;
  printLine(`${ink(table, "bold")}${at}: ${count(results.length, "check")} in ${duration(milliseconds)}`);
  const lines = results.map(({ outcome, check, message }) => [ink(...MARKS[outcome]), check.name, message]);
  for (const line of columns(lines, "<<<")) printLine(`  ${line}`);
}

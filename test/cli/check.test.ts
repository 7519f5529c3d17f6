import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineSchema, long, openLakehouse, string } from "sololakehouse";
import { notNull, unique } from "sololakehouse/quality";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { slhInProcess } from "./in-process.js";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "slh-check-"));
  vi.stubEnv("SLH_PROFILE", "embedded");
  vi.stubEnv("SLH_LAKE", join(folder, "lake"));
  const lake = await openLakehouse();
  const schema = defineSchema({ id: long(), origin: string().optional() });
  await (await lake.createTable("s.good", { schema })).append([{ id: 1, origin: "ATL" }]);
  await lake.quality.setChecks("s.good", [notNull("origin")]);
  await (await lake.createTable("s.bad", { schema })).append([{ id: 1 }, { id: 1 }]);
  await lake.createTable("s.none", { schema });
  const etl = await lake.branch("etl");
  await etl.sql("delete from s.good");
  await etl.quality.setChecks("s.bad", [unique("id"), notNull("origin", { severity: "warn" })]);
  await lake.close();
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  vi.unstubAllEnvs();
});

const slh = (...args: string[]) => slhInProcess(["check", ...args], folder);

test("tells what the checks of tables found, and exits with 1 when one that blocks has failed", async () => {
  expect(await slh()).toMatchObject({ code: 0, out: expect.stringMatching(/^s\.good on main: 1 check in/) });
  const failed = await slh("--ref", "etl");
  expect(failed.code).toBe(1);
  expect(failed.out).toMatch(
    /s\.bad on etl: 2 checks in .*\n {2}fail {2}id unique {8}1 of 2 rows\n {2}warn {2}origin not null {2}2 of 2 rows/,
  );
  expect((await slh("s.none")).err).toMatch(/s\.none carries no checks/);
});

test("reads a dbt suite, writes a page, and prints JSON", async () => {
  const suite = join(folder, "schema.yml");
  await writeFile(
    suite,
    "models:\n  - name: bad\n    columns:\n      - name: origin\n        data_tests: [not_null]\n",
  );
  const page = join(folder, "report.html");
  const ran = await slh("s.bad", "--suite", suite, "--html", page, "--json", "--samples", "1");
  expect(ran.code).toBe(1);
  expect(JSON.parse(ran.out)).toMatchObject({
    table: "s.bad",
    passed: false,
    results: [{ failing: 2, samples: [{ id: 1, origin: null }] }],
  });
  expect(await readFile(page, "utf8")).toContain("The one check failed");
  expect((await slh("--suite", suite, "--namespace", "s", "--no-record")).code).toBe(1);
  expect((await slh("s.good", "--suite", suite)).err).toMatch(
    /has no tests of s\.good\.\s+It has tests of s\.bad/,
  );
  expect((await slh("--suite", suite)).err).toMatch(/Nothing says where the suite's models are/);
});

test("one table that cannot be checked does not keep the others from it", async () => {
  const lake = await openLakehouse();
  await lake.quality.setChecks("s.bad", [notNull("origin")]);
  await lake.sql("alter table s.bad drop column origin");
  await lake.close();
  const page = join(folder, "report.html");
  const ran = await slh("--html", page);
  expect(ran.code).toBe(1);
  expect(ran.out).toMatch(/^s\.good on main: 1 check/);
  expect(ran.err).toMatch(/INVALID_CHECK: .*origin.*\n\s+The columns are id\./);
  expect(await readFile(join(folder, "report-s.good.html"), "utf8")).toContain("The one check passed");
  const asJson = await slh("--json");
  expect([asJson.code, JSON.parse(asJson.out), JSON.parse(asJson.err)]).toMatchObject([
    1,
    [{ table: "s.good" }],
    { error: { code: "INVALID_CHECK", remedy: "The columns are id." } },
  ]);
});

test("rows that failed are shown where they are asked for", async () => {
  expect((await slh("--ref", "etl")).out).not.toContain("{");
  expect((await slh("--ref", "etl", "--samples", "1")).out).toMatch(
    /fail {2}id unique .*\n {8}\{"id":1,"\(copies\)":2\}\n {2}warn .*\n {8}\{"id":1,"origin":null\}\n/,
  );
});

test("a page that cannot be written is told of before anything is checked", async () => {
  const ran = await slh("--html", join(folder, "none", "report.html"));
  expect(ran).toMatchObject({ code: 1, out: "" });
  expect(ran.err).toMatch(/report\.html cannot be written: .*\n\s+Name a file in a folder that is there\./);
});

test("the query that its help shows is one that can be run", async () => {
  await slh();
  const [, query = ""] = /\$ slh sql '(.*)'/.exec((await slh("--help")).out) ?? [];
  const ran = await slhInProcess(["sql", query, "--json"], folder);
  expect(JSON.parse(ran.out)).toMatchObject([{ check_name: "origin not null", outcome: "pass" }]);
});

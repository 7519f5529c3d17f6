import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineSchema, int, type Lakehouse, openLakehouse, string } from "sololakehouse";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { slhInProcess } from "./in-process.js";

const schema = defineSchema({ delay: int(), origin: string() });

let root: string;
let lake: Lakehouse;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "slh-branch-"));
  vi.stubEnv("SLH_LAKE", root);
  vi.stubEnv("SLH_PROFILE", "embedded");
  vi.stubEnv("USER", "ada");
  lake = await openLakehouse();
  await append(await lake.createTable("flights.silver", { schema }), 2, "Load January");
});
afterEach(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
  vi.unstubAllEnvs();
});

const slh = (...args: string[]) => slhInProcess(args);

type Appendable = Awaited<ReturnType<typeof lake.table<{ delay: number; origin: string }>>>;
const append = (table: Appendable, rows: number, message: string) =>
  table.append(
    Array.from({ length: rows }, (_, delay) => ({ delay, origin: "ATL" })),
    { message },
  );
const load = async (on: Lakehouse, rows: number, message: string) =>
  append(await on.table<{ delay: number; origin: string }>("flights.silver"), rows, message);
const hash = async (ref: string) => (await lake.on(ref).hash()).slice(0, 12);

describe("slh branch and slh tag", () => {
  test("make, list and delete, and mark the branch that commands work on", async () => {
    expect((await slh("tag")).out).toBe("There are no tags yet.\n");
    expect(await slh("branch", "etl")).toMatchObject({
      code: 0,
      out: `Made the branch etl at ${await hash("main")}.\n`,
    });
    await load(lake.on("etl"), 1, "Load February");
    const [first, second, ...none] = (await slh("branch")).out.trimEnd().split("\n");
    expect(none).toEqual([]);
    expect(first).toMatch(
      new RegExp(`^ {3}etl {3}${await hash("etl")} {2}[\\d-]{10} [\\d:]{8} {2}Load February$`),
    );
    expect(second).toMatch(new RegExp(`^\\* {2}main {2}${await hash("main")} .*Load January$`));

    await slh("tag", "v1", "--from", "etl~1");
    expect((await slh("tag")).out).toContain(`v1  ${await hash("main")}`);
    expect(JSON.parse((await slh("branch", "--json")).out)).toMatchObject([
      { name: "etl", current: false, message: "Load February" },
      { name: "main", current: true },
    ]);

    const head = await hash("etl");
    expect((await slh("branch", "-d", "etl")).out).toContain(`slh branch etl --from ${head} brings it back`);
    await slh("branch", "etl", "--from", head);
    expect(await hash("etl")).toBe(head);
  });

  test("ask for the name of what is to be made or deleted", async () => {
    expect((await slh("branch", "--from", "main")).err).toContain("Name it: slh branch <name> --from main.");
    expect((await slh("tag", "--delete")).err).toContain("Name it: slh tag --delete <name>.");
  });

  test("say what is wrong, and what there is", async () => {
    await slh("tag", "v1");
    expect(await slh("branch", "main")).toMatchObject({
      code: 1,
      err: expect.stringContaining("REF_EXISTS"),
    });
    expect((await slh("branch", "x", "--from", "mian")).err).toContain("Did you mean main?");
    expect((await slh("branch", "-d", "v1")).err).toContain("There is no branch v1: it is a tag.");
    expect((await slh("branch", "-d")).err).toContain("slh branch --delete <name>");
    expect((await slh("branch", "-d", "main")).err).toContain("is the default branch");
  });
});

describe("slh log and slh diff", () => {
  test("show hash, refs, message, time, author and changed tables", async () => {
    await slh("tag", "v1");
    const { out } = await slh("log", "-n", "1");
    expect(out).toMatch(
      new RegExp(
        `^${await hash("main")} {2}\\(main, tag v1\\) {2}Load January\n {2}[\\d-]{10} [\\d:]{8} UTC {2}ada {2}flights.silver\n`,
      ),
    );
    expect(out).toContain("The newest 1; -n shows more.");
    const all = JSON.parse((await slh("log", "--json")).out);
    expect(all.map(({ message }: { message: string }) => message)).toEqual([
      "Load January",
      "Create table flights.silver",
      "Create namespace flights",
    ]);
    expect(all[0]).toMatchObject({ authors: ["ada"], changes: [{ type: "PUT", name: "flights.silver" }] });
    expect(all.at(-1).parents).toEqual([]);
  });

  test("filter a log, and start it anywhere", async () => {
    await lake.createTable("flights.gold", { schema });
    const titles = async (...args: string[]) =>
      JSON.parse((await slh("log", "--json", ...args)).out).map(
        ({ message }: { message: string }) => message,
      );
    expect(await titles("--table", "flights.silver")).toEqual([
      "Load January",
      "Create table flights.silver",
    ]);
    expect(await titles("--grep", "january")).toEqual(["Load January"]);
    expect(await titles("--author", "bob")).toEqual([]);
    expect(await titles("main~1", "-n", "1")).toEqual(["Load January"]);
    expect(await titles(await hash("main~1"), "-n", "1")).toEqual(["Load January"]);
    expect((await slh("log", "main", "main~1")).err).toContain("Add --graph");
    expect((await slh("log", "--graph", "--grep", "x")).code).toBe(1);
    expect((await slh("log", "-n", "0")).code).toBe(2);
  });

  test("draw branches and merges", async () => {
    const etl = await lake.branch("etl");
    await load(etl, 1, "Load February");
    await lake.createTable("flights.gold", { schema });
    await lake.merge("etl");
    const drawn = (await slh("log", "--graph")).out
      .split("\n")
      .map((line) => line.replace(/\b[0-9a-f]{12}\b/, "#"));
    expect(drawn.filter((line) => line.includes("#"))).toEqual([
      "●    #  (main)  Merge etl into main",
      "● │  #  Create table flights.gold",
      "│ ●  #  (etl)  Load February",
      "●  #  Load January",
      "●  #  Create table flights.silver",
      "●  #  Create namespace flights",
    ]);
    expect(drawn[1]).toMatch(/^├─╮ {5}.*flights\.silver$/);
    const ofBranch = (await slh("log", "--graph", "etl")).out;
    expect(ofBranch).not.toContain("Merge");
  });

  test("count what differs, in either direction and as JSON", async () => {
    const etl = await lake.branch("etl");
    await load(etl, 1000, "Load February");
    await lake.createTable("flights.gold", { schema });
    const { out } = await slh("diff", "main", "etl");
    expect(out).toContain(`main (${await hash("main")}) → etl (${await hash("etl")})  2 differences\n`);
    expect(out).toMatch(/^ {2}- {2}flights\.gold +empty$/m);
    expect(out).toMatch(/^ {2}~ {2}flights\.silver {2}\+1 snapshot {2}\+1,000 rows {2}\+1 file$/m);
    expect((await slh("diff", "etl..main")).out).toMatch(/−1 snapshot {2}−1,000 rows {2}−1 file$/m);
    expect(JSON.parse((await slh("diff", "main", "etl", "--json")).out)).toMatchObject([
      { name: "flights.gold", change: "removed", before: { rows: 0 } },
      { name: "flights.silver", change: "changed", before: { rows: 2 }, after: { rows: 1002 } },
    ]);
    expect((await slh("diff", "etl", "etl")).out).toMatch(/^Nothing differs/);
    expect((await slh("diff", "etl")).err).toContain("A difference has two sides.");
  });
});

describe("slh merge, cherry-pick, revert and rollback", () => {
  test("merge, after a dry run that changes nothing", async () => {
    const etl = await lake.branch("etl");
    await load(etl, 3, "Load February");
    const before = await hash("main");
    const dry = await slh("merge", "etl", "--dry-run");
    expect(dry.out).toMatch(/^No conflict\. main would take 1 change:\n.*flights\.silver.*\+3 rows/);
    expect(await hash("main")).toBe(before);
    const merged = await slh("merge", "etl", "-m", "Take February");
    expect(merged.out).toMatch(new RegExp(`^Merged etl into main: ${await hash("main")}\n.*\\+3 rows`));
    expect((await lake.commits({ limit: 1 }))[0]?.message).toBe("Take February");
    expect((await slh("merge", "etl")).out).toBe("There is nothing to do: main has it already.\n");
  });

  test("name each conflict with both sides and the ways out, and take the one that is chosen", async () => {
    const etl = await lake.branch("etl");
    const base = await hash("main");
    await load(etl, 3, "Load February");
    await (await lake.table("flights.silver")).truncate({ message: "Correct January" });
    const before = await hash("main");
    for (const dry of [[], ["--dry-run"]]) {
      const { code, err, out } = await slh("merge", "etl", ...dry);
      expect({ code, out }).toEqual({ code: 1, out: "" });
      expect(err).toMatch(/^conflict {2}flights\.silver {2}VALUE_DIFFERS {2}/);
      expect(err).toContain(`slh diff ${base} main, slh diff ${base} etl`);
      expect(err).toContain("--take flights.silver");
      expect(err).toContain("--keep flights.silver");
    }
    const asJson = await slh("merge", "etl", "--json");
    expect(asJson.code).toBe(1);
    expect(JSON.parse(asJson.out)).toMatchObject({ applied: false, conflicts: [{ name: "flights.silver" }] });
    expect(await hash("main")).toBe(before);
    await slh("branch", "copy");
    expect((await slh("merge", "etl", "--into", "copy", "--keep", "flights.silver")).code).toBe(0);
    expect((await slh("merge", "etl", "--take", "flights.silver")).code).toBe(0);
    expect(Number((await lake.table("flights.silver")).currentSnapshot?.summary?.["total-records"])).toBe(5);
  });

  test("name every table in conflict in the way out", async () => {
    await append(await lake.createTable("flights.gold", { schema }), 1, "Load gold");
    const etl = await lake.branch("etl");
    await load(etl, 1, "Load February");
    await append(await etl.table("flights.gold"), 1, "Load gold");
    for (const name of ["flights.gold", "flights.silver"]) await (await lake.table(name)).truncate();
    expect((await slh("merge", "etl")).err).toContain("--take flights.gold flights.silver, or leave");
    expect((await slh("merge", "etl", "--take", "flights.gold", "flights.silver")).code).toBe(0);
  });

  test("refuse to take and to keep the same table", async () => {
    await load(await lake.branch("etl"), 1, "Load February");
    const before = await hash("main");
    const { code, err } = await slh("merge", "etl", "--take", "flights.silver", "--keep", "flights.silver");
    expect(code).toBe(1);
    expect(err).toContain("INVALID_ARGUMENT: flights.silver cannot both be taken and be kept");
    expect(await hash("main")).toBe(before);
  });

  test("move a branch that has nothing of its own", async () => {
    await load(await lake.branch("etl"), 3, "Load February");
    expect((await slh("merge", "etl", "--fast-forward", "only")).code).toBe(0);
    expect(await hash("main")).toBe(await hash("etl"));
  });

  test("take single commits, undo them, and set a branch back", async () => {
    const etl = await lake.branch("etl");
    await etl.createTable("flights.gold", { schema });
    await etl.createTable("flights.more", { schema });
    const picked = await slh("cherry-pick", await hash("etl~1"));
    expect(picked.out).toMatch(/^Applied [0-9a-f]{12} into main: [0-9a-f]{12}\n {2}\+ {2}flights\.gold/);
    const there = await hash("main");
    const reverted = await slh("revert", "main");
    expect(reverted.out).toMatch(/^Reverted main in main: .*\n {2}- {2}flights\.gold/);
    const back = await slh("rollback", there);
    expect(back.out).toMatch(new RegExp(`^main is back at ${there}\\.\n {2}\\+ {2}flights\\.gold`));
    expect(back.out).toMatch(/slh branch <name> --from [0-9a-f]{12} keeps that/);
    expect((await slh("rollback", "main")).out).toBe(`main is at ${there} already.\n`);
    expect((await slh("rollback", "etl")).err).toContain("is not in the history of main");
    expect((await slh("reflog")).out).toMatch(
      /^[0-9a-f]{12} {2}assign .*\n[0-9a-f]{12} {2}revert .*\n[0-9a-f]{12} {2}transplant /,
    );
  });
});

describe("slh gc", () => {
  test("waits for the grace period, says what would go, and deletes it", async () => {
    const etl = await lake.branch("etl");
    const table = await etl.createTable("flights.gold", { schema });
    const lost = await hash("etl");
    await lake.deleteRef("etl");
    expect((await slh("gc")).out).toBe("There is no garbage that is old enough.\n");
    await new Promise((passed) => setTimeout(passed, 5));
    const dry = await slh("gc", "--dry-run", "--grace-period", "0s");
    expect(dry.out).toMatch(/^Would delete 1 commit, 1 file, \d+ objects of the catalog \([\d.]+ kB\)\.$/m);
    expect(dry.out).toContain(`  commit  ${lost}\n  file    ${table.metadataLocation}\n`);
    expect(await lake.store.head(table.metadataLocation)).toBeDefined();
    expect((await slh("gc", "--grace-period", "0s")).out).toMatch(/^Deleted 1 commit, 1 file,/);
    expect(await lake.store.head(table.metadataLocation)).toBeUndefined();
    expect(JSON.parse((await slh("gc", "--json")).out)).toMatchObject({ dryRun: false, commits: [] });
    expect((await slh("gc", "--grace-period", "soon")).code).toBe(2);
  });
});

describe("what tells a terminal something", () => {
  const HOSTILE = "Load\u001b]0;owned\u0007 \u001b[2Jall\u009b1m\u202e\r\nbody\u001b[1A\u001b[2K";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be sent
  const SENT = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

  test("is shown by each command that prints messages, authors and names, and is not sent", async () => {
    vi.stubEnv("USER", "ada\u001b[2J");
    const other = await openLakehouse();
    await other.branch("etl");
    const name = "flights.a\u202eb";
    await append(await other.on("etl").createTable(name, { schema }), 1, HOSTILE);
    await other.close();
    for (const words of [
      ["log", "etl"],
      ["log", "--graph"],
      ["branch"],
      ["reflog", "etl"],
      ["diff", "main", "etl"],
      ["merge", "etl", "--dry-run"],
      ["merge", "etl"],
      ["rollback", "main~1"],
      ["tables"],
    ]) {
      const { code, out, err } = await slh(...words);
      expect({ words, code, err }).toEqual({ words, code: 0, err: "" });
      expect(out, words.join(" ")).not.toMatch(SENT);
    }
    const { out } = await slh("log", "etl");
    expect(out).toContain("Load\\u001b]0;owned\\u0007 \\u001b[2Jall\\u009b1m\\u202e\n");
    expect(out).toContain("ada\\u001b[2J");
    expect(out).toContain("flights.a\\u202eb");
  });
});

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { open, readdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Table } from "../../lib/lakehouse/iceberg/index.js";
import { AdoptedTables, field, schemaOf } from "../query/support/adopted-tables.js";
import { needs } from "../support/needs.js";
import { type Ran, slhInProcess } from "./in-process.js";

const SLH = fileURLToPath(new URL("../../lib/lakehouse/bin/slh.js", import.meta.url));

let tables: AdoptedTables;
let table: Table;
let folder: string;

beforeAll(async () => {
  tables = await AdoptedTables.open();
  const schema = schemaOf(
    field(1, "id", "long"),
    field(2, "name", "string"),
    field(3, "at", "timestamptz"),
    field(4, "bytes", "binary"),
  );
  table = await (await tables.create(schema)).append([
    { id: 1n, name: 'say "a, b"', at: "2024-03-01T13:33:20Z", bytes: new Uint8Array([0, 255]) },
    { id: 2n ** 60n, name: null, at: null, bytes: null },
  ]);
  table = await table.append([{ id: 3n, name: "later", at: null, bytes: null }]);
  folder = table.location.slice("file://".length);
});
afterAll(() => tables.close());

const slh = (args: readonly string[]) => slhInProcess(["table", ...args]);

/** In a process of its own, whose reader closes the pipe after so many characters. */
function slhCutShort(args: readonly string[], enough: number): Promise<Ran> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [SLH, "table", ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let [out, err] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
      if (out.length >= enough) child.stdout.destroy();
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      err += text;
    });
    child.on("close", (code) => done({ code, out, err }));
  });
}

const first = '{"id":1,"name":"say \\"a, b\\"","at":"2024-03-01T13:33:20.000000+00:00","bytes":"00ff"}\n';
const second = '{"id":"1152921504606846976","name":null,"at":null,"bytes":null}\n';

describe("slh table read", () => {
  test("prints a line of JSON a row, and the rows of an older snapshot", async () => {
    const [snapshot] = table.metadata.snapshots;
    const read = await slh(["read", folder, "--snapshot", String(snapshot?.snapshotId)]);
    expect(read).toEqual({ code: 0, out: first + second, err: "" });
    const asOf = new Date(Number(snapshot?.timestampMs)).toISOString();
    expect((await slh(["read", folder, "--as-of", asOf])).out).toBe(first + second);
    expect((await slh(["read", folder, "--ref", "main", "--limit", "3"])).out.split("\n")).toHaveLength(4);
  });

  test("selects columns, filters by SQL, and prints CSV and tables", async () => {
    const some = await slh(["read", folder, "--select", "id,name", "--filter", "id < 2", "--format", "csv"]);
    expect(some).toEqual({ code: 0, out: 'id,name\n1,"say ""a, b"""\n', err: "" });
    const table = await slh([
      "read",
      folder,
      "--select",
      "id",
      "--filter",
      "id % 3 = 0",
      "--format",
      "table",
    ]);
    expect(table.out).toBe("id\n──\n 3\n(1 row)\n");
  });

  test("prints nothing of a table that it cannot read whole, and says why", async () => {
    const [file] = (await readdir(`${folder}/data`)).sort();
    const path = `${folder}/data/${file}`;
    const whole = await readFile(path);
    await writeFile(path, whole.subarray(0, whole.length - 20));
    try {
      const read = await slh(["read", folder]);
      expect(read).toMatchObject({ code: 1, out: "" });
      expect(read.err).toContain("error  CORRUPT_FILE: ");
    } finally {
      await writeFile(path, whole);
    }
    expect(await slh(["read", folder, "--filter", "nosuch = 1"])).toMatchObject({ code: 1, out: "" });
    expect((await slh(["read", folder, "--select", "nosuch"])).err).toContain("error  INVALID_SCHEMA: ");
    expect((await slh(["read", `${folder}/data`])).err).toContain("error  NO_SUCH_TABLE: ");
    expect((await slh(["read", folder, "--snapshot", "7"])).err).toContain("error  NO_SUCH_SNAPSHOT: ");
    expect((await slh(["read", folder, "--snapshot", "x"])).code).toBe(2);
  });

  const needsFull = needs(existsSync("/dev/full"), "/dev/full (Linux)");
  test("says in a line that its output cannot be written", needsFull, async () => {
    const full = await open("/dev/full", "w");
    const child = spawn(process.execPath, [SLH, "table", "read", folder], {
      stdio: ["ignore", full.fd, "pipe"],
    });
    let err = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      err += text;
    });
    const code = await new Promise((done) => child.on("close", done));
    await full.close();
    expect(code).toBe(1);
    expect(err).toMatch(/^error {2}The output cannot be written: ENOSPC.*\n$/);
  });

  test.each([
    ["--select", "", "Name at least one column."],
    ["--as-of", "2026-02-30", "Write it as 2026-11-01T12:00:00Z"],
    ["--as-of", "2026-13-01T12:00:00Z", "Write it as 2026-11-01T12:00:00Z"],
  ])("refuses %s %j", async (option, value, remedy) => {
    const { code, out, err } = await slh(["read", folder, option, value]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(remedy);
  });

  test("prints what is too large to hold, as far as it is wanted", async () => {
    const many = await tables.parquet(
      "select i::bigint as id, repeat('x', 100) as name from range(100000) t(i)",
      "field_ids {id: 1, name: 2}",
    );
    const large = await tables.with(
      await tables.create(schemaOf(field(1, "id", "long"), field(2, "name", "string"))),
      many,
    );
    const all = await slh(["read", large.metadataLocation]);
    expect(all.code).toBe(0);
    const ids = all.out
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { id: number }).id);
    expect(ids).toEqual(Array.from({ length: 100_000 }, (_, i) => i));
    expect(await slhCutShort(["read", large.metadataLocation], 1000)).toMatchObject({ code: 0, err: "" });
  });
});

describe("slh table inspect", () => {
  test("prints the table's metadata under the names of Iceberg's metadata tables", async () => {
    const lines = async (what: string) =>
      (await slh(["inspect", folder, what])).out
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(await lines("snapshots")).toMatchObject([
      { operation: "append", parent_id: null },
      { operation: "append" },
    ]);
    expect(await lines("files")).toMatchObject([
      { content: "data", record_count: 1, readable_metrics: { name: { lower_bound: "later" } } },
      { content: "data", record_count: 2 },
    ]);
    expect(await lines("schema")).toMatchObject([
      { id: 1, name: "id", type: "long", required: false },
      { id: 2 },
      { id: 3, type: "timestamptz" },
      { id: 4 },
    ]);
    for (const what of ["manifests", "partitions", "history", "refs"])
      expect((await lines(what)).length, what).toBeGreaterThan(0);
    expect((await slh(["inspect", folder, "nonsense"])).code).toBe(2);
  });
});

describe("slh table verify", () => {
  test("says of each file whether its pages are what was written, and fails where one is not", async () => {
    const good = await slh(["verify", folder]);
    const lines = (out: string) =>
      out
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as { file_path: string; problem: string | null });
    expect(good).toMatchObject({ code: 0, err: "" });
    expect(lines(good.out)).toMatchObject([
      { content: "data", pages: 4, checked_pages: 4, problem: null },
      { content: "data", checked_pages: expect.any(Number), problem: null },
    ]);
    const [file] = lines(good.out);
    const path = file?.file_path.slice("file://".length) ?? "";
    const before = await readFile(path);
    const after = Buffer.from(before);
    after[30]! ^= 1;
    await writeFile(path, after);
    const bad = await slh(["verify", folder]);
    await writeFile(path, before);
    expect(bad.code).toBe(1);
    expect(lines(bad.out)).toMatchObject([
      { problem: expect.stringMatching(/damaged|cannot|metadata/) },
      { problem: null },
    ]);
  });
});

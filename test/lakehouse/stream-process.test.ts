import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  defineSchema,
  int,
  type Lakehouse,
  openLakehouse,
  updateProperties,
} from "../../lib/lakehouse/index.js";
import { type ChildProgram, childProgram } from "../storage/child.js";

/** Writes one row after another, from where the table is, `count` of them; then does what it is told. */
const PROGRAM = `
const [root, count, then] = args;
const lake = await lakehouse.openLakehouse({ root });
const table = await lake.table("raw.t");
const writer = await table.stream({ source: "s" });
let next = (writer.position ?? -1n) + 1n;
const end = next + BigInt(count);
for (; next < end; next++) {
  await writer.write({ n: Number(next) }, { offset: next });
  if (next === end - BigInt(count)) {
    await writer.flush();
    console.log("started");
  }
  if (next % 50n === 0n) await new Promise((go) => setTimeout(go, 1));
}
console.log("written");
if (then === "close") await lake.close();
`;

describe("a stream in a process of its own", () => {
  let program: ChildProgram;
  let root: string;
  let lake: Lakehouse;
  beforeAll(async () => {
    program = await childProgram(PROGRAM, ["lakehouse"]);
  });
  afterAll(() => program.dispose());

  async function inLake(ageMs: number, use: () => Promise<void>): Promise<void> {
    root = await mkdtemp(join(tmpdir(), "stream-"));
    lake = await openLakehouse({ root });
    try {
      const properties = { "write.target-file-age-ms": String(ageMs) };
      await lake.createTable("raw.t", { schema: defineSchema({ n: int() }), properties });
      await use();
    } finally {
      await lake.close();
      await rm(root, { recursive: true, force: true });
    }
  }
  const numbers = async () =>
    (await lake.sql<{ n: number }>("select n from raw.t order by n").rows()).map(({ n }) => n);
  const firstOf = (count: number) => Array.from({ length: count }, (_, n) => n);

  test("waits for its last rows' commit where nobody closes it, and ends at once where there are none", () =>
    inLake(400, async () => {
      await program.start(root, "10", "end").done;
      expect(await numbers()).toEqual(firstOf(10));
      // An hour, for nothing.
      const hour = updateProperties({ set: { "write.target-file-age-ms": "3600000" } });
      await (await lake.table("raw.t")).update([hour]);
      await program.start(root, "0", "end").done;
      await program.start(root, "5", "close").done;
      expect(await numbers()).toEqual(firstOf(15));
    }));

  test("killed again and again, it has each row once", () =>
    inLake(10, async () => {
      let before = 0;
      for (let round = 0; round < 4; round++) {
        const child = program.start(root, "1000000", "end");
        const gone = child.done.catch(() => {});
        await child.printed("started");
        await new Promise((go) => setTimeout(go, 50 + Math.random() * 500));
        child.process.kill("SIGKILL");
        await gone;
        const now = await numbers();
        expect(now).toEqual(firstOf(now.length));
        expect(now.length).toBeGreaterThanOrEqual(before);
        before = now.length;
        const writer = await (await lake.table("raw.t")).stream({ source: "s" });
        expect(writer.position ?? -1n).toBe(BigInt(now.length - 1));
        await writer.close();
      }
    }));
});

test("a lakehouse that is closed commits what its streams hold, and says so where it cannot", async () => {
  const root = await mkdtemp(join(tmpdir(), "stream-"));
  try {
    const lake = await openLakehouse({ root });
    const table = await lake.createTable<{ n: number }>("raw.t", { schema: defineSchema({ n: int() }) });
    const [writer, lost] = [await table.stream({ source: "a" }), await table.stream({ source: "b" })];
    await writer.write({ n: 1 }, { offset: 1n });
    await lost.write({ n: 2 }, { offset: 1n });
    const other = await table.stream({ source: "b" });
    await other.write({ n: 2 }, { offset: 1n });
    await other.close();
    await expect(lake.close()).rejects.toMatchObject({ code: "COMMIT_CONFLICT" });
    await expect(writer.write({ n: 3 }, { offset: 2n })).rejects.toMatchObject({ code: "CLOSED" });
    await using again = await openLakehouse({ root });
    expect(await again.sql("select n from raw.t order by n").rows()).toEqual([{ n: 1 }, { n: 2 }]);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

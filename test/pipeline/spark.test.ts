import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineSchema, int, type Lakehouse, openLakehouse } from "sololakehouse";
import { append, task } from "sololakehouse/pipeline";
import { contract } from "sololakehouse/quality";
import { afterAll, beforeAll, expect, test } from "vitest";

/** Spark that does not start, or ends. What it does when it runs is in test/interop/spark-pipelines.test.ts. */
let root: string;
let lake: Lakehouse;
const schema = defineSchema({ i: int() });
const copy = task({
  into: contract({ name: "n.copy", schema, owner: "test" }),
  changes: { rows: "n.rows" },
  sql: "SELECT i FROM rows",
  write: append(),
});

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "no-spark-"));
  lake = await openLakehouse({ root });
  const rows = await lake.createTable("n.rows", { schema });
  await rows.append([{ i: 1 }]);
});
afterAll(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

async function program(name: string, text: string): Promise<string> {
  const path = join(root, name);
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
  return path;
}

async function expectNothing(): Promise<void> {
  expect((await lake.refs()).map(({ name }) => name)).toEqual(["main"]);
  expect((await lake.tables()).map(({ name }) => name)).toEqual(["rows"]);
}

test("that does not start says what to do, and leaves nothing", async () => {
  const missing = lake.pipeline.spark({ command: join(root, "nowhere") });
  await expect(lake.pipeline.run([copy], { engine: missing })).rejects.toMatchObject({
    code: "SPARK_FAILED",
    message: expect.stringContaining("SPARK_HOME"),
  });
  await expectNothing();
});

test("that ends says what it said last", async () => {
  const command = await program("ends", "echo 'no such master' >&2; exit 3");
  const engine = lake.pipeline.spark({ command });
  for (const _ of [1, 2])
    await expect(lake.pipeline.run([copy], { engine })).rejects.toMatchObject({
      code: "SPARK_FAILED",
      message: expect.stringContaining("no such master"),
    });
  await expectNothing();
});

test("is told apart from others who find the port, and may end in the middle of a call", async () => {
  const talk = `const socket = require("node:net").connect(Number(process.env.SLH_SPARK_PORT), "127.0.0.1");
    socket.write(process.argv[1] + "\\n");
    socket.on("data", () => process.exit(4));
    socket.on("close", () => process.exit(5));`;
  const wrong = await program("wrong", `exec "${process.execPath}" -e '${talk}' "a guess"`);
  const right = await program("right", `exec "${process.execPath}" -e '${talk}' "$SLH_SPARK_SECRET"`);
  for (const command of [wrong, right]) {
    const engine = lake.pipeline.spark({ command });
    await expect(lake.pipeline.run([copy], { engine })).rejects.toMatchObject({ code: "SPARK_FAILED" });
    await engine.close();
  }
  await expectNothing();
});

test("is not started where there is nothing to do, for another lakehouse, or after it was closed", async () => {
  const engine = lake.pipeline.spark({ command: join(root, "nowhere") });
  await lake.pipeline.run([copy]);
  expect(await lake.pipeline.run([copy], { engine })).toMatchObject([{ outcome: "unchanged" }]);
  await using other = await openLakehouse({ root: join(root, "other") });
  await expect(other.pipeline.run([copy], { engine })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  await (await lake.table<{ i: number }>("n.rows")).append([{ i: 2 }]);
  await engine.close();
  await expect(lake.pipeline.run([copy], { engine })).rejects.toMatchObject({ code: "CLOSED" });
});

test("runs as a client", () => {
  const cluster = () => lake.pipeline.spark({ submit: ["--deploy-mode", "cluster"] });
  expect(cluster).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
});

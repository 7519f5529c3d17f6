// Spark on the stack, attached as the catalog's front page says: tables on SeaweedFS that it writes and we read, and the
// other way around.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SERVICES } from "../../../../lib/kit/stack/index.js";
import { home } from "../../../interop/installed.js";
import { ourRows } from "../../../interop/plain.js";
import { inSparkShell } from "../../../interop/spark-shell.js";
import { needs } from "../../../support/needs.js";
import { openReader } from "../reader.js";
import { type OwnStack, ownStack } from "../support.js";

const needsSpark = needs(existsSync(join(home, "installed")), "Spark, which npm run test:interop installs");

describe("Spark", needsSpark, () => {
  let stack: OwnStack;
  const { seaweedfs, etcd, catalog: server } = SERVICES;
  beforeAll(async () => {
    stack = await ownStack();
    await stack.start(seaweedfs, etcd, server);
  });
  afterAll(() => stack?.dispose());

  /** The front page's text, filled in. */
  async function text(): Promise<string> {
    const page = await fetch(`http://127.0.0.1:${stack.home.port("catalog", "http")}`);
    const { attach } = (await page.json()) as { attach: { spark: string } };
    const { accessKeyId, secretAccessKey } = stack.s3("S3_ENGINES").credentials;
    return attach.spark
      .replace("<token>", stack.home.place("catalog")?.secret("SLH_STACK_CATALOG_TOKEN") ?? "")
      .replace("<S3 access key>", accessKeyId)
      .replace("<S3 secret key>", secretAccessKey);
  }

  test("writes tables that we read, and reads those that we write", async () => {
    const { out, code } = await stack.slh(
      [
        "sql",
        "create schema s; create table s.ours as select i::bigint as id, 'row ' || i as name from range(3) r(i)",
      ],
      await stack.env(),
    );
    expect(code, out).toBe(0);
    const statements = [
      "create table lakehouse.s.theirs (id bigint, day date) using iceberg partitioned by (days(day))",
      "insert into lakehouse.s.theirs values (1, date '2001-01-01'), (2, date '2001-01-02'), (3, null)",
      "delete from lakehouse.s.theirs where id = 1",
      "insert into lakehouse.s.ours values (7, 'spark')",
      "select id, name from lakehouse.s.ours order by id",
    ];
    const said = await inSparkShell(await text(), statements.join("; "), stack.home.folder);
    // Ivy, which finds the packages, prints there as well.
    expect(said.split("\n").filter((line) => line.includes("\t"))).toEqual([
      "0\trow 0",
      "1\trow 1",
      "2\trow 2",
      "7\tspark",
    ]);
    const { catalog, engine, close } = await openReader(stack, "lake");
    const rows = async (name: string) => ourRows(engine, await catalog.loadTable(name));
    expect(await rows("s.theirs")).toEqual([
      { id: 2, day: "2001-01-02" },
      { id: 3, day: null },
    ]);
    expect(await rows("s.ours")).toEqual([
      ...[0, 1, 2].map((id) => ({ id, name: `row ${id}` })),
      { id: 7, name: "spark" },
    ]);
    await close();
  });
});

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import {
  bucket,
  defineSchema,
  gt,
  isIn,
  isLakehouseError,
  type Lakehouse,
  long,
  openLakehouse,
  string,
} from "sololakehouse";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Random } from "../query/support/random-tables/random.js";
import { FAULTS, type FaultProxy, openFaultProxy } from "../storage/support/fault-proxy.js";
import { startS3Server } from "../storage/support/s3-server.js";
import { needs } from "../support/needs.js";
import { runs } from "../support/runs.js";

const schema = defineSchema({ id: long(), v: string().optional() });

type Rows = ReadonlyMap<number, string>;
const textOf = (rows: Rows) => [...rows].map(([id, v]) => `${id} ${v}`).sort();

/** All rows, each of which is there once. */
async function read(lake: Lakehouse): Promise<Rows> {
  const rows = await lake.sql("select id, v from n.t").rows();
  const found = new Map(rows.map(({ id, v }) => [Number(id), String(v)]));
  expect(found.size).toBe(rows.length);
  return found;
}

/** A statement, and the rows that there are once it is done. */
interface Step {
  readonly name: string;
  readonly after: Rows;
  readonly run: (lake: Lakehouse) => Promise<unknown>;
}

function anyStep(random: Random, rows: Rows, next: number): Step {
  const mode = random.one(["copy-on-write", "merge-on-read"] as const);
  const some = random.some([...rows.keys(), next]).slice(0, 3);
  const v = `v${next}`;
  const changed = [...new Set([...some, next])].map((id) => ({ id: BigInt(id), v }));
  const put = (ids: readonly number[]): Rows => new Map([...rows, ...ids.map((id) => [id, v] as const)]);
  return random.one<Step>([
    {
      name: "append",
      after: put([next, next + 1]),
      run: async (lake) =>
        (await lake.table("n.t")).append([next, next + 1].map((id) => ({ id: BigInt(id), v }))),
    },
    {
      name: "insert",
      after: put([next]),
      run: async (lake) => lake.sql("insert into n.t values (?, ?)", { params: [next, v] }),
    },
    {
      name: "upsert",
      after: put([...some, next]),
      run: async (lake) => (await lake.table("n.t")).upsert(changed, { on: ["id"], mode }),
    },
    {
      name: "delete",
      after: new Map([...rows].filter(([id]) => !some.includes(id))),
      run: async (lake) => (await lake.table("n.t")).deleteRows(isIn("id", some.map(BigInt)), { mode }),
    },
    {
      name: "update",
      after: put([...rows.keys()].filter((id) => id > 4)),
      run: async (lake) => (await lake.table("n.t")).updateRows(gt("id", 4n), { v }, { mode }),
    },
    { name: "gc", after: rows, run: (lake) => lake.gc({ gracePeriodMs: 0 }) },
    {
      name: "scan",
      after: rows,
      run: async (lake) => expect(textOf(await read(lake))).toEqual(textOf(rows)),
    },
  ]);
}

/** What is the matter with the service, or that nobody knows what became of the commit. */
const TROUBLE = new Set(["STORAGE_FAILED", "CATALOG_UNAVAILABLE", "COMMIT_STATE_UNKNOWN"]);

const server = await startS3Server();
const isThere = !("unavailable" in server);

describe("over a network and a service that fail", needs(isThere, isThere ? "" : server.unavailable), () => {
  if (!isThere) return;
  const { accessKeyId, secretAccessKey } = server;
  let folder: string;
  let proxy: FaultProxy;
  let lakes = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "s3-faults-"));
    proxy = await openFaultProxy(server.endpoint);
  });
  afterAll(async () => {
    await proxy.close();
    await server.stop();
    await rm(folder, { recursive: true });
  });

  /** A lakehouse whose tables and catalog are at a prefix, which remembers nothing of any other. */
  function open(prefix: string, endpoint: string, retryLimitMs = 1_000): Promise<Lakehouse> {
    const credentials = { accessKeyId, secretAccessKey };
    return openLakehouse({
      profile: "stack",
      root: join(folder, `${lakes++}`),
      warehouse: `${prefix}/warehouse`,
      catalog: `${prefix}/catalog`,
      storage: {
        s3: { endpoint, credentials, retryLimitMs, retryDelayMs: 2, retryMaxDelayMs: 10, timeoutMs: 5_000 },
      },
    });
  }

  /** Takes a step while requests fail, and gives the rows that there are then, as one finds them to whom none does. */
  async function take(rough: Lakehouse, calm: Lakehouse, step: Step, random: Random, rows: Rows) {
    const percent = random.one([5, 20, 50]);
    const kinds = random.some(FAULTS);
    proxy.strike = () => (random.chance(percent) ? random.one(kinds) : undefined);
    const failure: unknown = await step.run(rough).then(
      () => undefined,
      (error: unknown) => error,
    );
    proxy.strike = () => undefined;
    const told = `${step.name} under ${percent}% of ${kinds.join(", ")}: ${String(failure)}`;
    if (failure !== undefined && !(isLakehouseError(failure) && TROUBLE.has(failure.code)))
      throw new Error(told, { cause: failure });
    const found = await read(calm);
    const possible = [
      ...(failure === undefined || isLakehouseError(failure, "COMMIT_STATE_UNKNOWN") ? [step.after] : []),
      ...(failure === undefined ? [] : [rows]),
    ];
    expect(possible.map(textOf), told).toContainEqual(textOf(found));
    return found;
  }

  test("a commit is there whole or not at all, what is read is right, and what is refused says why", async () => {
    const seeds = fc.array(fc.nat(), { minLength: 6, maxLength: 12, size: "max" });
    await fc.assert(
      fc.asyncProperty(fc.nat(5), seeds, async (kind, steps) => {
        const prefix = `s3://${server.bucket}/faults-${lakes}`;
        const calm = await open(prefix, server.endpoint);
        const rough = await open(prefix, proxy.endpoint, kind % 3 === 2 ? 30 : 0);
        try {
          await calm.createTable("n.t", {
            schema,
            partitionSpec: [bucket("id", 2)],
            formatVersion: kind % 2 === 0 ? 2 : 3,
          });
          let rows: Rows = new Map();
          for (const [i, seed] of steps.entries()) {
            const random = new Random(seed);
            rows = await take(rough, calm, anyStep(random, rows, 2 * i), random, rows);
          }
          for (const sweep of [true, false]) {
            const later = await open(prefix, server.endpoint);
            expect(textOf(await read(later))).toEqual(textOf(rows));
            if (sweep) await later.gc({ gracePeriodMs: 0 });
            await later.close();
          }
        } finally {
          await rough.close();
          await calm.close();
        }
      }),
      { numRuns: runs(4) },
    );
  });

  test.each<readonly [string, (lake: Lakehouse, signal: AbortSignal) => Promise<unknown>]>([
    ["append", async (lake, signal) => (await lake.table("n.t")).append([{ id: 1n, v: "a" }], { signal })],
    ["INSERT", async (lake, signal) => lake.sql("insert into n.t values (1, 'a')", { signal })],
    ["CREATE TABLE AS", async (lake, signal) => lake.sql("create table n.u as select 1 as a", { signal })],
  ])("%s ends with its signal while its files get no answer, and has done nothing", async (_, write) => {
    const prefix = `s3://${server.bucket}/silent-${lakes}`;
    const calm = await open(prefix, server.endpoint);
    const rough = await open(prefix, proxy.endpoint, 60_000);
    await calm.createTable("n.t", { schema });
    await read(rough);
    const hash = await calm.hash();
    const stop = new AbortController();
    proxy.strike = (method, path) => {
      if (method !== "PUT" || !/\.(parquet|avro)\?/.test(path)) return undefined;
      stop.abort();
      return "no answer";
    };
    await expect(write(rough, stop.signal)).rejects.toMatchObject({ code: "ABORTED" });
    proxy.strike = () => undefined;
    expect(await calm.hash()).toBe(hash);
    await rough.close();
    await calm.close();
  });
});

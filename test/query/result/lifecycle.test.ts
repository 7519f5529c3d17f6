import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { alwaysTrue, eq, type Lakehouse, openLakehouse, Table } from "../../../lib/lakehouse/index.js";
import { pathOfFile } from "../../../lib/lakehouse/storage/index.js";

let root: string;
let lake: Lakehouse;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "lifecycle-"));
  lake = await openLakehouse({ root, profile: "embedded" });
});
afterEach(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

const LONG = "SELECT i FROM range(3000000) t(i)";
/** Runs for minutes, and gives no row before. */
const ENDLESS =
  "SELECT count(*) AS n FROM range(1000000) a(i), range(1000000) b(j) WHERE hash(i + j) % 7 = 3";

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "no error",
    (error: { code?: unknown }) => error.code ?? error,
  );

describe("a query", () => {
  test("gives its rows at once, one by one, or its result", async () => {
    interface One {
      one: number;
    }
    const rows: One[] = await lake.sql("SELECT 1 AS one").rows<One>();
    expect(rows).toEqual([{ one: 1 }]);
    const seen: number[] = [];
    for await (const row of lake.sql<One>("SELECT 1 AS one UNION ALL SELECT 2 ORDER BY 1"))
      seen.push(row.one);
    expect(seen).toEqual([1, 2]);
    expect((await lake.sql("SELECT 1 AS one")).columns).toEqual(["one"]);
    const query = lake.sql("SELECT random() AS x");
    expect(await query.rows()).toEqual(await query.rows());
  });

  test("that nobody asks for does nothing, and its errors come to who asks", async () => {
    const unhandled: unknown[] = [];
    const listen = (error: unknown) => unhandled.push(error);
    process.on("unhandledRejection", listen);
    lake.sql("SELECT nonsense");
    const wrong = lake.sql("SELECT nonsense");
    expect(await codeOf(wrong.rows())).toBe("INVALID_SQL");
    expect(await codeOf(wrong.toArrow())).toBe("INVALID_SQL");
    expect(await codeOf(Promise.all([wrong, wrong.text("csv").next()]))).toBe("INVALID_SQL");
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off("unhandledRejection", listen);
    expect(unhandled).toEqual([]);
  });

  test("gives a column called __proto__ as a value", async () => {
    const [row] = await lake.sql(`SELECT 5 AS "__proto__", 6 AS b`).rows();
    expect(Object.entries(row ?? {})).toEqual([
      ["__proto__", 5],
      ["b", 6],
    ]);
  });
});

describe("a result", () => {
  test("left by break lets go, and cannot be read again", async () => {
    const result = await lake.sql(LONG);
    for await (const row of result) {
      expect(row).toEqual({ i: 0n });
      break;
    }
    expect(await codeOf(result.rows())).toBe("INVALID_ARGUMENT");
  });

  test("that was closed says so, also to who is reading it", async () => {
    for (const sql of [LONG, "SELECT 1 AS i"]) {
      const result = await lake.sql(sql);
      await result.close();
      await result.close();
      expect(await codeOf(result.rows())).toBe("CLOSED");
    }
    const read = await lake.sql(LONG);
    const batches = read.batches();
    await batches.next();
    await batches.next();
    const reading = batches.next();
    await read.close();
    expect(await codeOf(reading.then(() => batches.next()))).toBe("CLOSED");
    const kept = await lake.sql("SELECT 1 AS i");
    expect(await kept.rows()).toEqual([{ i: 1 }]);
    await kept.close();
    expect(await kept.rows()).toEqual([{ i: 1 }]);
  });

  test("is closed by what disposes of it", async () => {
    const result = await lake.sql(LONG);
    await result[Symbol.asyncDispose]();
    expect(await codeOf(result.toArrow())).toBe("CLOSED");
  });

  test("reads what was there when it began, whatever is committed meanwhile", async () => {
    const table = await lake.createTableAs<{ i: bigint }>("a.t", LONG);
    const result = await lake.sql("SELECT i FROM a.t");
    const rows = result[Symbol.asyncIterator]();
    await rows.next();
    await table.overwrite([{ i: -1n }], { where: alwaysTrue });
    await lake.catalog.dropTable("a.t");
    let count = 1;
    for await (const row of { [Symbol.asyncIterator]: () => rows }) {
      count++;
      if (row.i === -1n) throw new Error("a row of later");
    }
    expect(count).toBe(3_000_000);
  });

  test("whose files go away while it is read fails, and does not end early", async () => {
    const table = await lake.createTableAs("a.t", "SELECT 0::BIGINT AS i WHERE false");
    let last = table;
    for (let n = 0; n < 12; n++)
      last = await last.append(lake.sql("SELECT i FROM range(150000) t(i)").batches());
    const result = await lake.sql("SELECT i FROM a.t");
    const batches = result.batches();
    await batches.next();
    const folder = `${pathOfFile(last.metadata.location)}/data`;
    for (const name of await readdir(folder)) await rm(`${folder}/${name}`, { recursive: true });
    let count = 0;
    const code = await codeOf(
      (async () => {
        for await (const batch of batches) count += batch.numRows;
      })(),
    );
    expect(code).not.toBe("no error");
    expect(count).toBeLessThan(12 * 150_000);
  });

  test("that is forgotten gives back its connection", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    let ended = 0;
    const registry = new FinalizationRegistry(() => {
      ended++;
    });
    await (async () => {
      for (let n = 0; n < 5; n++) registry.register(await lake.sql(LONG), n);
    })();
    while (ended < 5) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(await lake.sql("SELECT 1 AS one").rows()).toEqual([{ one: 1 }]);
  });
});

describe("a signal", () => {
  test("that is none, as a format or a path that is none, is refused with a code", async () => {
    const wrong = "x" as never;
    expect(await codeOf(lake.sql("SELECT 1", { signal: wrong }).rows())).toBe("INVALID_ARGUMENT");
    expect(await codeOf(lake.sql("SELECT 1").format(wrong))).toBe("INVALID_ARGUMENT");
    expect(await codeOf(lake.sql("SELECT 1").toCsv(5 as never))).toBe("INVALID_ARGUMENT");
    expect(await codeOf(lake.sql("SELECT 1").toParquet(""))).toBe("INVALID_ARGUMENT");
  });

  test("that was aborted lets nothing begin", async () => {
    const signal = AbortSignal.abort();
    expect(await codeOf(lake.sql("SELECT 1", { signal }).rows())).toBe("ABORTED");
  });

  test("stops a statement that runs, and the lakehouse goes on", async () => {
    for (const wait of [0, 1, 5, 50]) {
      const stop = new AbortController();
      const running = codeOf(lake.sql(ENDLESS, { signal: stop.signal }).rows());
      setTimeout(() => stop.abort(new Error("enough")), wait);
      expect(await running).toBe("ABORTED");
    }
    expect(await lake.sql("SELECT 1 AS one").rows()).toEqual([{ one: 1 }]);
  });

  test("stops a result that streams, and leaves one that is held whole", async () => {
    const stop = new AbortController();
    const result = await lake.sql(LONG, { signal: stop.signal });
    const held = await lake.sql("SELECT 1 AS one", { signal: stop.signal });
    const code = await codeOf(
      (async () => {
        for await (const batch of result.batches()) if (batch.numRows > 0) stop.abort();
      })(),
    );
    expect(code).toBe("ABORTED");
    expect(await held.rows()).toEqual([{ one: 1 }]);
  });

  test("stops reads of tables and of changes", async () => {
    const table = await lake.createTableAs("a.t", LONG);
    const stop = new AbortController();
    const read = await lake.read(table, table.scan(), { signal: stop.signal });
    const changes = await lake.changes(table, { signal: stop.signal });
    stop.abort();
    expect(await codeOf(read.rows())).toBe("ABORTED");
    expect(await codeOf(changes.rows())).toBe("ABORTED");
  });
});

describe("a signal of a write", () => {
  const files = async (): Promise<string[]> => {
    const uris: string[] = [];
    for await (const { uri } of lake.store.list(`${lake.store.root}/`)) uris.push(uri);
    return uris;
  };

  test("aborts it before its commit, and leaves nothing", async () => {
    const table = await lake.createTableAs<{ i: bigint }>("a.t", LONG);
    const before = await files();
    const writes: Record<string, (signal: AbortSignal, abort: () => void) => Promise<unknown>> = {
      aborted: (signal, abort) => {
        abort();
        return table.append([{ i: 1n }], { signal });
      },
      append: (signal, abort) => {
        async function* rows() {
          for (let i = 0n; i < 300_000n; i++) {
            if (i === 250_000n) abort();
            yield { i };
          }
        }
        return table.append(rows(), { signal });
      },
      overwrite: (signal, abort) => {
        function* rows() {
          abort();
          yield { i: 1n };
        }
        return table.overwrite(rows(), { where: alwaysTrue, signal });
      },
      delete: (signal, abort) => {
        const work = table.deleteRows(eq("i", 5n), { signal });
        abort();
        return work;
      },
      upsert: (signal, abort) => {
        const work = table.upsert([{ i: 5n }], { on: ["i"], signal });
        abort();
        return work;
      },
    };
    for (const [name, write] of Object.entries(writes)) {
      const stop = new AbortController();
      expect([name, await codeOf(write(stop.signal, () => stop.abort()))]).toEqual([name, "ABORTED"]);
      expect(await files()).toEqual(before);
    }
    expect((await table.refresh()).currentSnapshot).toEqual(table.currentSnapshot);
  });

  test("comes too late once the commit is sent: the call tells that it was made", async () => {
    const table = await lake.createTableAs<{ i: bigint }>("a.t", "SELECT 1::BIGINT AS i");
    const stop = new AbortController();
    const committer = Object.create(table.committer, {
      commit: {
        value: (request: never) => {
          stop.abort();
          return table.committer.commit(request);
        },
      },
    }) as typeof table.committer;
    const watched = new Table<{ i: bigint }>({ ...table, committer, keepsMetadata: true } as never);
    const after = await watched.append([{ i: 2n }], { signal: stop.signal });
    expect(stop.signal.aborted).toBe(true);
    expect(after.metadata.currentSnapshotId).not.toBe(table.metadata.currentSnapshotId);
    expect(await lake.sql("SELECT count(*)::INTEGER AS n FROM a.t").rows()).toEqual([{ n: 2 }]);
  });
});

describe("close()", () => {
  test("ends what runs, what streams and what comes after it with CLOSED", async () => {
    const streaming = await lake.sql(LONG);
    const batches = streaming.batches();
    await batches.next();
    const running = codeOf(lake.sql(ENDLESS).rows());
    const reading = codeOf(
      (async () => {
        for await (const batch of batches) expect(batch.numRows).toBeGreaterThan(0);
      })(),
    );
    const table = lake.table("a.none").catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 30));
    await lake.close();
    await table;
    expect(await running).toBe("CLOSED");
    expect(await reading).toBe("CLOSED");
    expect(await codeOf(lake.sql("SELECT 1").rows())).toBe("CLOSED");
    expect(await codeOf(streaming.rows())).toMatch(/CLOSED|INVALID_ARGUMENT/);
  });

  test("leaves only coded errors behind it", async () => {
    await lake.createTableAs("a.t", "SELECT 1 AS i");
    const table = await lake.table("a.t");
    await lake.close();
    const calls: Record<string, () => Promise<unknown>> = {
      table: () => lake.table("a.t"),
      tables: () => lake.tables(),
      append: () => table.append([{ i: 2 }]),
      read: () => lake.read(table).rows(),
      refs: () => lake.refs(),
      branch: () => lake.branch("b"),
      commits: () => lake.commits(),
      diff: () => lake.diff("main"),
      merge: () => lake.merge("main"),
      gc: () => lake.gc(),
      reflog: () => lake.reflog(),
      createTableAs: () => lake.createTableAs("a.u", "SELECT 1 AS i"),
      refresh: () => table.refresh(),
      countRows: () => lake.countRows(table),
      close: () => lake.close(),
    };
    const codes: Record<string, unknown> = {};
    for (const [name, call] of Object.entries(calls)) codes[name] = await codeOf(call());
    expect(codes).toEqual({
      ...Object.fromEntries(Object.keys(calls).map((name) => [name, "CLOSED"])),
      close: "no error",
    });
  });
});

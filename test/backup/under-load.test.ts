import { join } from "node:path";
import fc from "fast-check";
import {
  defineSchema,
  eq,
  int,
  type Lakehouse,
  long,
  openLakehouse,
  restoreLakehouse,
  string,
  type Table,
  UpdateSchema,
} from "sololakehouse";
import { describe, expect, test } from "vitest";
import { runs } from "../support/runs.js";
import { places } from "./support/places.js";

const here = places();

type Rows = ReadonlyMap<bigint, string>;
type Mode = "copy-on-write" | "merge-on-read";
type Step =
  | { readonly do: "append"; readonly rows: number }
  | { readonly do: "delete" | "update"; readonly pick: number; readonly mode: Mode }
  | { readonly do: "delete-by-key"; readonly pick: number }
  | { readonly do: "branch" | "tag" | "switch" | "drop"; readonly pick: number }
  | { readonly do: "compact" | "expire" | "gc" | "evolve" | "other-table" };

const pick = fc.nat(1000);
const mode = fc.constantFrom<Mode>("copy-on-write", "merge-on-read");
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("append" as const), rows: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom("delete" as const, "update" as const), pick, mode }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("delete-by-key" as const), pick }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("branch" as const, "tag" as const, "switch" as const, "drop" as const),
      pick,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom(
        "compact" as const,
        "expire" as const,
        "gc" as const,
        "evolve" as const,
        "other-table" as const,
      ),
    }),
  },
);

/** One writer, and what a naive model has of each commit that it made, and of each snapshot. */
class Load {
  /** Rows of `s.t`, by the commit's hash. */
  readonly commits = new Map<string, Rows>();
  readonly snapshots = new Map<bigint, Rows>();
  readonly #branches = new Map<string, Rows>([["main", new Map()]]);
  #branch = "main";
  #next = 1n;
  #names = 0;
  #evolved = 0;

  constructor(readonly lake: Lakehouse) {}

  async #table(): Promise<Table> {
    return (await this.lake.on(this.#branch).table("s.t")) as unknown as Table;
  }

  async record(rows: Rows): Promise<void> {
    this.#branches.set(this.#branch, rows);
    const { currentSnapshotId } = (await this.#table()).metadata;
    if (currentSnapshotId !== undefined) this.snapshots.set(currentSnapshotId, rows);
    this.commits.set(await this.lake.on(this.#branch).hash(), rows);
  }

  async do(step: Step): Promise<void> {
    const rows = new Map(this.#branches.get(this.#branch));
    const picked = <T>(of: Iterable<T>): T | undefined => {
      const all = [...of];
      return "pick" in step ? all[step.pick % Math.max(1, all.length)] : undefined;
    };
    switch (step.do) {
      case "append": {
        const added = Array.from({ length: step.rows }, () => ({ k: this.#next++, v: "new" }));
        await (await this.#table()).append(added);
        for (const { k, v } of added) rows.set(k, v);
        return this.record(rows);
      }
      case "delete":
      case "update":
      case "delete-by-key": {
        const k = picked(rows.keys());
        if (k === undefined) return;
        const table = await this.#table();
        if (step.do === "delete-by-key") await table.rowDelta({ on: ["k"], deletes: [{ k }], rows: [] });
        else if (step.do === "delete") await table.deleteRows(eq("k", k), { mode: step.mode });
        else await table.updateRows(eq("k", k), { v: `of ${k}` }, { mode: step.mode });
        if (step.do === "update") rows.set(k, `of ${k}`);
        else rows.delete(k);
        return this.record(rows);
      }
      case "branch": {
        const name = `b${this.#names++}`;
        await this.lake.branch(name, { from: this.#branch });
        this.#branches.set(name, rows);
        return;
      }
      case "tag":
        await this.lake.tag(`t${this.#names++}`, { from: this.#branch });
        return;
      case "switch":
        this.#branch = picked(this.#branches.keys()) ?? "main";
        return;
      case "drop": {
        const name = picked([...this.#branches.keys()].filter((one) => one !== "main"));
        if (name === undefined) return;
        await this.lake.deleteRef(name);
        this.#branches.delete(name);
        if (this.#branch === name) this.#branch = "main";
        return;
      }
      case "compact":
        await this.lake.on(this.#branch).maintenance.compact("s.t", { rewriteAll: true });
        return this.record(rows);
      case "expire":
        await (await this.#table()).expireSnapshots({
          retainLast: 1,
          olderThan: new Date(Date.now() + 1000),
        });
        return this.record(rows);
      case "evolve":
        await (await this.#table()).update([
          new UpdateSchema().addColumn(`c${this.#evolved++}`, int().optional()),
        ]);
        return this.record(rows);
      case "other-table": {
        const name = `s.other${this.#names++}`;
        const there = this.lake.on(this.#branch);
        await ((await there.createTable(name, { schema })) as unknown as Table).append([
          { k: 1n, v: "other" },
        ]);
        await there.dropTable(name, { purge: true });
        return this.record(rows);
      }
      case "gc":
        // Nobody else writes, so that no file is young.
        await this.lake.gc({ gracePeriodMs: 0 });
    }
  }
}

const schema = defineSchema({ k: long(), v: string() });

async function found(lake: Lakehouse, table: Table, snapshotId?: bigint): Promise<string[]> {
  const rows = await lake.read(table, table.scan({ snapshotId, select: ["k", "v"] })).rows();
  return rows.map(({ k, v }) => `${k} ${v}`).sort();
}

const texts = (rows: Rows | undefined) => [...(rows ?? [])].map(([k, v]) => `${k} ${v}`).sort();

describe.each([2, 3] as const)(
  "backups of v%s tables that are written, compacted and collected meanwhile",
  (formatVersion) => {
    test("have the rows of their commits, on every branch and tag, and of every snapshot", async () => {
      let round = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 15, maxLength: 30 }), async (steps) => {
          round += 1;
          const lake = await here.open(`lake${round}`);
          const to = join(here.folder, `backups${round}`);
          await lake.createTable("s.t", { schema, formatVersion });
          const load = new Load(lake);
          await load.record(new Map());
          await load.do({ do: "append", rows: 4 });
          let isOver = false;
          const working = (async () => {
            for (const each of steps) await load.do(each);
          })().finally(() => {
            isOver = true;
          });
          const reader = await openLakehouse(here.at(`lake${round}`));
          const ids: string[] = [];
          while (!isOver) ids.push((await reader.backup({ to })).id);
          await working;
          ids.push((await reader.backup({ to })).id);
          await reader.close();
          await here.close(lake);
          for (const id of new Set([ids[0], ids[ids.length >> 1], ids.at(-1)])) {
            const name = `restored${round}-${id}`;
            await restoreLakehouse({ from: to, asOf: id, ...here.at(name) });
            const restored = await here.open(name);
            for (const { name: ref, hash } of await restored.refs()) {
              const table = (await restored.on(ref).table("s.t")) as unknown as Table;
              // A step of several commits changes nothing of this table by those before its last.
              const log = (await restored.on(ref).commits({ limit: 4 })).map((commit) => commit.hash);
              const known = log.find((one) => load.commits.has(one));
              expect(log[0]).toBe(hash);
              expect(await found(restored, table)).toEqual(texts(load.commits.get(known as string)));
              expect(known).toBeDefined();
              for (const { snapshotId } of table.metadata.snapshots)
                expect(await found(restored, table, snapshotId)).toEqual(
                  texts(load.snapshots.get(snapshotId)),
                );
            }
            await here.close(restored);
          }
        }),
        { numRuns: runs(3) },
      );
    });
  },
);

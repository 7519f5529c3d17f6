import { cp, mkdtemp, readdir, rename, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import {
  defineSchema,
  eq,
  type Lakehouse,
  long,
  lt,
  openLakehouse,
  openTable,
  relocateLakehouse,
  string,
  type Table,
} from "sololakehouse";
import { openQueryEngine } from "sololakehouse/query";
import { describe, expect, test } from "vitest";
import { runs } from "../support/runs.js";

/** One branch's table as a naive model holds it: values by key. */
type Model = Map<bigint, string>;

type Mode = "copy-on-write" | "merge-on-read";

type Step =
  | { readonly do: "append"; readonly rows: number }
  | { readonly do: "delete" | "update"; readonly pick: number; readonly mode: Mode }
  | { readonly do: "delete-below"; readonly pick: number; readonly mode: Mode }
  | { readonly do: "delete-by-key"; readonly pick: number }
  | { readonly do: "branch" | "switch" | "drop" | "tag"; readonly pick: number }
  | { readonly do: "gc" | "move" | "copy" | "relocate" | "reopen" };

const mode = fc.constantFrom<Mode>("copy-on-write", "merge-on-read");
const pick = fc.nat(1000);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("append" as const), rows: fc.integer({ min: 1, max: 5 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom("delete" as const, "update" as const), pick, mode }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("delete-below" as const), pick, mode }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("delete-by-key" as const), pick }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("branch" as const, "switch" as const, "drop" as const, "tag" as const),
      pick,
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "gc" as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("move" as const, "copy" as const, "relocate" as const, "reopen" as const),
    }),
  },
);

/** Names of the places that the lake goes to: some begin as others, and some need care in a URI. */
const PLACES = ["lake", "lake2", "a b%20c", "ä/lake", "lake3/lake"];

const schema = defineSchema({ k: long(), v: string() });

/** A lake and what it should hold. */
class Run {
  readonly models = new Map<string, Model>([["main", new Map()]]);
  readonly tags = new Map<string, Model>();
  branch = "main";
  lake: Lakehouse;
  #place = PLACES[0] as string;
  #moves = 0;
  #next = 1n;
  #refs = 0;
  #isRelocated = true;

  constructor(
    readonly folder: string,
    lake: Lakehouse,
  ) {
    this.lake = lake;
  }

  get model(): Model {
    return this.models.get(this.branch) as Model;
  }

  table(): Promise<Table> {
    return this.lake.on(this.branch).table("s.t") as Promise<Table>;
  }

  async do(step: Step): Promise<void> {
    const { model } = this;
    const picked = <T>(of: Iterable<T>): T | undefined => {
      const all = [...of];
      return "pick" in step ? all[step.pick % Math.max(1, all.length)] : undefined;
    };
    switch (step.do) {
      case "append": {
        const rows = Array.from({ length: step.rows }, () => ({ k: this.#next++, v: "new" }));
        await (await this.table()).append(rows);
        for (const { k, v } of rows) model.set(k, v);
        return;
      }
      case "delete":
      case "update": {
        const k = picked(model.keys());
        if (k === undefined) return;
        const table = await this.table();
        if (step.do === "delete") await table.deleteRows(eq("k", k), { mode: step.mode });
        else await table.updateRows(eq("k", k), { v: `of ${k}` }, { mode: step.mode });
        if (step.do === "delete") model.delete(k);
        else model.set(k, `of ${k}`);
        return;
      }
      case "delete-below": {
        const k = picked(model.keys());
        if (k === undefined) return;
        await (await this.table()).deleteRows(lt("k", k), { mode: step.mode });
        for (const other of [...model.keys()]) if (other < k) model.delete(other);
        return;
      }
      case "delete-by-key": {
        const k = picked(model.keys());
        if (k === undefined) return;
        await (await this.table()).rowDelta({ on: ["k"], deletes: [{ k }], rows: [] });
        model.delete(k);
        return;
      }
      case "branch": {
        const name = `b${this.#refs++}`;
        await this.lake.branch(name, { from: this.branch });
        this.models.set(name, new Map(model));
        return;
      }
      case "switch":
        this.branch = picked(this.models.keys()) ?? "main";
        return;
      case "drop":
        if (this.branch === "main") return;
        await this.lake.deleteRef(this.branch);
        this.models.delete(this.branch);
        this.branch = "main";
        return;
      case "tag": {
        const name = `t${this.#refs++}`;
        await this.lake.tag(name, { from: this.branch });
        this.tags.set(name, new Map(model));
        return;
      }
      case "gc":
        await this.lake.gc({ gracePeriodMs: 0 });
        return;
      case "reopen":
        return this.#reopen(async () => {});
      case "relocate":
        this.#isRelocated = true;
        return this.#reopen(async () => {
          await relocateLakehouse({ root: join(this.folder, this.#place), profile: "embedded" });
        });
      case "move":
      case "copy": {
        const from = join(this.folder, this.#place);
        this.#place = PLACES[++this.#moves % PLACES.length] as string;
        const to = join(this.folder, this.#place);
        this.#isRelocated = false;
        return this.#reopen(async () => {
          await rm(to, { recursive: true, force: true });
          if (step.do === "copy") {
            await cp(from, to, { recursive: true });
            await spoil(from);
          } else {
            await cp(from, `${to}.moving`, { recursive: true });
            await rm(from, { recursive: true });
            await rename(`${to}.moving`, to);
          }
        });
      }
    }
  }

  async #reopen(between: () => Promise<void>): Promise<void> {
    await this.lake.close();
    await between();
    this.lake = await openLakehouse({ root: join(this.folder, this.#place), profile: "embedded" });
  }

  async check(): Promise<void> {
    for (const [ref, model] of [...this.models, ...this.tags]) {
      const found = await (await this.lake.sql(`select k, v from s.t@${ref}`)).rows();
      expect(sorted(found.map(({ k, v }) => [BigInt(k as bigint), String(v)]))).toEqual(sorted([...model]));
    }
    if (!this.#isRelocated) return;
    // After a relocation any reader that follows locations sees the same.
    for (const [ref, model] of this.models) {
      const { metadataLocation } = await this.lake.on(ref).table("s.t");
      const engine = await openQueryEngine({ resolve: async () => undefined });
      const table = await openTable(metadataLocation);
      const found = await (await engine.scan(table, table.scan())).rows();
      await engine.close();
      expect(sorted(found.map(({ k, v }) => [BigInt(k as bigint), String(v)]))).toEqual(sorted([...model]));
    }
  }
}

function sorted(rows: (readonly [bigint, string])[]): string[] {
  return rows.map(([k, v]) => `${k} ${v}`).sort();
}

/** Empties every file of an original: a copy that reads one of them fails. */
async function spoil(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) await truncate(join(entry.parentPath, entry.name), 0);
  }
}

describe.each([2, 3] as const)(
  "a lake of v%s tables that is moved, copied and relocated at any time",
  (formatVersion) => {
    test("has the rows that a model has, on every branch and tag", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 16 }), async (steps) => {
          const folder = await mkdtemp(join(tmpdir(), "moved-model-"));
          const lake = await openLakehouse({ root: join(folder, PLACES[0] as string), profile: "embedded" });
          const run = new Run(folder, lake);
          try {
            await run.lake.createTable("s.t", { schema, formatVersion });
            await run.do({ do: "append", rows: 5 });
            for (const each of steps) await run.do(each);
            await run.check();
          } finally {
            await run.lake.close();
            await rm(folder, { recursive: true, force: true });
          }
        }),
        { numRuns: runs(6) },
      );
    });
  },
);

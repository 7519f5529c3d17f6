import { mkdtemp, readdir, readFile, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type BranchingCatalog, openCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { isLakehouseError } from "../../../lib/lakehouse/errors.js";
import {
  type DataFile,
  readLiveEntries,
  readManifests,
  readTableMetadata,
  specsById,
  type Table,
  updateLocation,
  updateProperties,
} from "../../../lib/lakehouse/iceberg/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { runs } from "../../support/runs.js";
import { records, schema } from "../support/contents.js";

const HOUR_MS = 3_600_000;
const LONG_AGO = new Date(Date.now() - 240 * HOUR_MS);

let directory: string;
let store: LocalStore;
let catalog: BranchingCatalog;

async function begin(): Promise<void> {
  directory = await mkdtemp(join(tmpdir(), "orphans-"));
  store = new LocalStore(join(directory, "warehouse"));
  catalog = await openCatalog({ backend: join(directory, "catalog.db"), store });
  await catalog.createNamespace("ns");
}
async function end(): Promise<void> {
  await catalog.close();
  await rm(directory, { recursive: true, force: true });
}

/** Every file of the warehouse. */
async function files(): Promise<string[]> {
  const all = await readdir(join(directory, "warehouse"), { recursive: true, withFileTypes: true });
  return all
    .filter((entry) => entry.isFile() && !entry.parentPath.endsWith(".slh"))
    .map((entry) => `file://${join(entry.parentPath, entry.name)}`)
    .sort();
}

/** Makes all files old, but for those of writers that are at work. */
async function age(young: ReadonlySet<string> = new Set()): Promise<void> {
  for (const uri of await files()) {
    if (!young.has(uri)) await utimes(uri.slice("file://".length), LONG_AGO, LONG_AGO);
  }
}

async function plant(table: Table, name = `00000-${Math.random()}-dead.parquet`): Promise<string> {
  const uri = `${table.location}/data/${name}`;
  await store.put(uri, new Uint8Array([1]));
  return uri;
}

/** Whatever a metadata file leads to, one thing after the other. */
async function ledTo(metadataLocation: string): Promise<string[]> {
  const metadata = await readTableMetadata(store, metadataLocation);
  const json = JSON.parse(await readFile(metadataLocation.slice("file://".length), "utf8"));
  const all = [metadataLocation, ...metadata.metadataLog.map(({ metadataFile }) => metadataFile)];
  for (const snapshot of json.snapshots ?? []) all.push(snapshot["manifest-list"]);
  for (const snapshot of metadata.snapshots) {
    for (const manifest of await readManifests(store, snapshot)) {
      all.push(manifest.manifestPath);
      const entries = await readLiveEntries(store, manifest, specsById(metadata));
      all.push(...entries.map(({ dataFile }) => dataFile.filePath));
    }
  }
  return all;
}

describe("orphans", () => {
  beforeEach(begin);
  afterEach(end);

  test("of a killed writer go, after the grace period, and nothing else does", async () => {
    const table = await (await catalog.createTable("ns.t", { schema })).append(records(1));
    const orphan = await plant(table);
    const others = [`${table.location}/README.md`, `${table.location}/data/_temporary.parquet`];
    for (const uri of others) await store.put(uri, new Uint8Array([1]));
    await age();
    const young = await plant(table);
    const before = await files();
    const found = { files: [orphan], bytes: 1 };
    expect(await table.removeOrphans({ dryRun: true })).toEqual({ dryRun: true, ...found });
    expect(await files()).toEqual(before);
    expect(await table.removeOrphans({ gracePeriodMs: 241 * HOUR_MS })).toMatchObject({ files: [] });
    expect(await table.removeOrphans()).toEqual({ dryRun: false, ...found });
    expect(await files()).toEqual(before.filter((uri) => uri !== orphan));
    expect(await files()).toContain(young);
    expect(await table.removeOrphans()).toEqual({ dryRun: false, files: [], bytes: 0 });
  });

  test("are not what an expired snapshot had while a commit still shows it", async () => {
    const table = await (await catalog.createTable("ns.t", { schema })).append(records(1));
    const after = await (await table.truncate()).expireSnapshots({ olderThan: BigInt(Date.now() + 1) });
    expect(after.metadata.snapshots).toHaveLength(1);
    await age();
    const before = await files();
    expect(await after.removeOrphans()).toMatchObject({ files: [] });
    expect(await files()).toEqual(before);
    expect((await (await catalog.on("main~2").loadTable("ns.t")).scan().planAll()).tasks).toHaveLength(1);
  });

  test("are not what a deleted branch had, while it can be brought back", async () => {
    const table = await catalog.createTable("ns.t", { schema });
    await catalog.createBranch("etl");
    await (await catalog.on("etl").loadTable("ns.t")).append(records(1));
    const { hash } = await catalog.deleteReference("etl");
    await age();
    expect(await table.removeOrphans({ gracePeriodMs: 0 })).toMatchObject({ files: [] });
    await catalog.createBranch("etl", { from: `@${hash}` });
    const { tasks } = await (await catalog.on("etl").loadTable("ns.t")).scan().planAll();
    expect(await store.head(tasks[0]?.dataFile.filePath as string)).toBeDefined();
  });

  test("are not what another table has adopted, be it on another branch, or while they are looked for", async () => {
    const table = await catalog.createTable("ns.t", { schema });
    const planted = [await plant(table), await plant(table), await plant(table)];
    const other = await catalog.createTable("ns.other", { schema });
    const adopt = async (to: Table, filePath: string | undefined = "") =>
      to.commitFiles({ operation: "append", addedDataFiles: [{ ...ADOPTED, filePath }] });
    await catalog.createBranch("etl");
    await adopt(await catalog.on("etl").loadTable("ns.other"), planted[0]);
    await age();
    const { list } = store;
    store.list = async function* (prefix) {
      yield* list.call(store, prefix);
      store.list = list;
      await adopt(other, planted[1]);
    };
    expect((await table.removeOrphans()).files).toEqual([planted[2]]);
    for (const uri of planted.slice(0, 2)) expect(await store.head(uri)).toBeDefined();
  });

  test("of a table that was unregistered may be another catalog's", async () => {
    const table = await (await catalog.createTable("ns.t", { schema })).append(records(1));
    await catalog.unregisterTable("ns.t");
    const uri = await plant(table);
    await age();
    expect((await catalog.collectGarbage({ gracePeriodMs: 0 })).files).toEqual([]);
    await catalog.rollback("main~1");
    expect((await catalog.collectGarbage({ gracePeriodMs: 0, dryRun: true })).files).toEqual([uri]);
  });

  test("purging a table leaves what is another's: in the same folder, or adopted", async () => {
    const table = await (await catalog.createTable("ns.t", { schema })).append(records(1));
    const [mine] = (await table.scan().planAll()).tasks;
    const other = await catalog.createTable("ns.other", { schema });
    await other.commitFiles({
      operation: "append",
      addedDataFiles: mine === undefined ? [] : [mine.dataFile],
    });
    await catalog.registerTable("ns.copy", table.metadataLocation);
    const ours = (await files()).filter((file) => file.startsWith(table.location));
    await catalog.dropTable("ns.other", { purge: true });
    expect(await files()).toEqual(ours);
    await catalog.dropTable("ns.t", { purge: true });
    expect(await files()).toEqual(ours);
    await catalog.dropTable("ns.copy", { purge: true });
    expect(await files()).toEqual([]);
  });

  test.each<[string, (table: Table) => Promise<Table>]>([
    ["gc.enabled is false", (t) => t.update([updateProperties({ set: { "gc.enabled": "False" } })])],
    ["registered", async (t) => catalog.registerTable("ns.copy", t.metadataLocation)],
    [
      "another table has files in",
      async (t) => {
        await catalog.createTable("ns.nested", { schema, location: `${t.location}/data/nested` });
        return t;
      },
    ],
    [
      "another table has files in",
      async (t) => {
        await catalog.createTable("ns.same", { schema, location: `${t.location}/` });
        return t;
      },
    ],
    [
      "on another branch the table is in",
      async (t) => {
        await catalog.createBranch("etl");
        const etl = await catalog.on("etl").loadTable("ns.t");
        await (await etl.update([updateLocation(`${store.root}/elsewhere`)])).append(records(2));
        return t;
      },
    ],
    [
      "is missing",
      async (t) => {
        await store.delete(t.metadata.metadataLog.map(({ metadataFile }) => metadataFile));
        return t;
      },
    ],
  ])("are not looked for where it is not certain: %s", async (why, make) => {
    const table = await (await catalog.createTable("ns.t", { schema })).append(records(1));
    await plant(table);
    const unsure = await make(table);
    await age();
    const before = await files();
    const refused = { code: "UNSUPPORTED_FEATURE", message: expect.stringContaining(why) };
    await expect(unsure.removeOrphans()).rejects.toMatchObject(refused);
    await expect(unsure.removeOrphans({ dryRun: true })).rejects.toMatchObject(refused);
    expect(await files()).toEqual(before);
  });

  test.each([
    { dryrun: true },
    { dryRun: 0 },
    { gracePeriodMs: "0" },
    { gracePeriodMs: -1 },
    { gracePeriodMs: Number.NaN },
    null,
    3,
  ])("stay where the options are %j", async (options) => {
    const table = await catalog.createTable("ns.t", { schema });
    await plant(table);
    await age();
    const invalid = { code: "INVALID_ARGUMENT" };
    await expect(table.removeOrphans(options as never)).rejects.toMatchObject(invalid);
    await expect(catalog.collectGarbage(options as never)).rejects.toMatchObject(invalid);
    expect((await table.removeOrphans({ dryRun: true })).files).toHaveLength(1);
  });
});

const ADOPTED: Omit<DataFile, "filePath"> = {
  content: "data",
  fileFormat: "parquet",
  partition: [],
  specId: 0,
  recordCount: 1n,
  fileSizeInBytes: 1n,
};

type Step = { readonly does: string; readonly a: number; readonly b: number };

const DOES = [
  ...["append", "append", "truncate", "expire", "create", "createIn", "drop", "purge", "rename", "register"],
  ...["branch", "tag", "unref", "merge", "rollback", "plant", "plant", "adopt", "write", "commit", "gc"],
];

/** A history of everything that makes files, and what the naive model remembers of it. */
class History {
  readonly hashes = new Set<string>();
  readonly #branches = ["main"];
  readonly #planted: string[] = [];
  readonly #open: { readonly commit: () => Promise<unknown> }[] = [];
  /** What writers at work have written. */
  readonly young = new Set<string>();
  #names = 0;

  async #tables(branch: string): Promise<string[]> {
    return (await catalog.on(branch).listTables("ns")).map(({ name }) => `ns.${name}`);
  }

  branch(a: number): string {
    return this.#branches[a % this.#branches.length] as string;
  }

  async table(a: number, b: number): Promise<Table | undefined> {
    const tables = await this.#tables(this.branch(a));
    const name = tables[b % tables.length];
    if (name === undefined) return undefined;
    return catalog
      .on(this.branch(a))
      .loadTable(name)
      .catch((error: unknown) => {
        if (isLakehouseError(error, "OBJECT_NOT_FOUND")) return undefined; // rolled back to where it was purged
        throw error;
      });
  }

  async run({ does, a, b }: Step): Promise<void> {
    const branch = this.branch(a);
    const on = catalog.on(branch);
    const name = `ns.t${this.#names++}`;
    const table = await this.table(a, b);
    if (does === "create" || table === undefined) await on.createTable(name, { schema });
    else if (does === "createIn") await on.createTable(name, { schema, location: `${table.location}/in` });
    else if (does === "append") await table.append(records(a, b));
    else if (does === "truncate") await table.truncate();
    else if (does === "expire") await table.expireSnapshots({ olderThan: BigInt(Date.now() + 1) });
    else if (does === "drop") await on.dropTable(table.identifier);
    else if (does === "purge") await on.dropTable(table.identifier, { purge: true });
    else if (does === "rename") await on.renameTable(table.identifier, name);
    else if (does === "register") await on.registerTable(name, table.metadataLocation);
    else if (does === "branch") {
      await on.createBranch(name);
      this.#branches.push(name);
    } else if (does === "tag") await on.createTag(name);
    else if (does === "unref" && branch !== "main") {
      await catalog.deleteReference(branch);
      this.#branches.splice(this.#branches.indexOf(branch), 1);
    } else if (does === "merge") await on.merge(this.branch(b));
    else if (does === "rollback") await on.rollback(`${branch}~1`);
    else if (does === "plant") this.#planted.push(await plant(table));
    else if (does === "adopt") {
      // A file that a killed writer left, or that is of another table.
      const { tasks } = await ((await this.table(b, a)) ?? table).scan().planAll();
      const filePath = tasks[0]?.dataFile.filePath ?? this.#planted.at(-1);
      if (filePath === undefined || (await store.head(filePath)) === undefined) return;
      const dataFile = { ...ADOPTED, filePath };
      await table.commitFiles({ operation: "append", addedDataFiles: [dataFile] });
    } else if (does === "write") {
      const before = new Set(await files());
      const transaction = table.begin();
      await transaction.append(records(a, b));
      for (const file of await files()) if (!before.has(file)) this.young.add(file);
      this.#open.push({ commit: () => transaction.commit() });
    } else if (does === "commit") await this.#open.pop()?.commit();
    else if (does === "gc") await catalog.collectGarbage({ gracePeriodMs: 24 * HOUR_MS });
  }

  async step(step: Step): Promise<void> {
    // What cannot be done here (a merge that conflicts, a commit to a table that was dropped) is not done.
    await this.run(step).catch((error) => {
      if (!isLakehouseError(error)) throw error;
    });
    for (const { hash } of await catalog.references()) this.hashes.add(hash);
    await age(this.young);
  }

  /** The files that any commit that is still there leads to, as far as there are any. */
  async needed(): Promise<Set<string>> {
    const needed = new Set<string>();
    const seen = new Set<string>();
    for (const hash of this.hashes) {
      const at = catalog.on(`@${hash}`);
      let tables: readonly { readonly metadataLocation: string }[];
      try {
        const entries = (await at.entries()).items;
        tables = entries.flatMap(({ content }) => (content.type === "ICEBERG_TABLE" ? content : []));
      } catch (error) {
        if (isLakehouseError(error, "NO_SUCH_REF")) continue;
        throw error;
      }
      for (const { metadataLocation } of tables) {
        if (seen.has(metadataLocation)) continue;
        seen.add(metadataLocation);
        try {
          for (const file of await ledTo(metadataLocation)) needed.add(file);
        } catch (error) {
          if (!isLakehouseError(error, "OBJECT_NOT_FOUND")) throw error; // of a table that was purged
        }
      }
    }
    return needed;
  }
}

test("orphans are what no commit leads to, after any history", async () => {
  const step = fc.record({ does: fc.constantFrom(...DOES), a: fc.nat(30), b: fc.nat(30) });
  const removed = { files: 0, refusals: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 18 }), async (steps) => {
      await begin();
      try {
        const history = new History();
        for (const each of steps) {
          await history.step(each);
          const table = await history.table(each.b, each.a);
          if (table === undefined) continue;
          const [before, needed] = [await files(), await history.needed()];
          const folder = `${table.location}/`;
          const isOld = (file: string) => !history.young.has(file);
          const orphans = before.filter(
            (file) => file.startsWith(folder) && isOld(file) && !needed.has(file) && !/\/[._]/.test(file),
          );
          try {
            expect((await table.removeOrphans({ dryRun: true })).files).toEqual(orphans);
            expect((await table.removeOrphans()).files).toEqual(orphans);
            removed.files += orphans.length;
          } catch (error) {
            if (!isLakehouseError(error, "UNSUPPORTED_FEATURE")) throw error;
            orphans.length = 0;
            removed.refusals += 1;
          }
          expect(await files()).toEqual(before.filter((file) => !orphans.includes(file)));
        }
      } finally {
        await end();
      }
    }),
    { numRuns: runs(12) },
  );
  expect(Math.min(removed.files, removed.refusals)).toBeGreaterThan(0);
});

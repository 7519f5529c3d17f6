import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type BranchingCatalog, openCatalog } from "../../../lib/lakehouse/catalog/index.js";
import type { RowOf, Table } from "../../../lib/lakehouse/iceberg/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { records, schema } from "../support/contents.js";

/** A store whose puts the test can hold back, each before its object is there, and let go or fail. */
class HeldStore extends LocalStore {
  readonly held = new Map<string, { go(): void; fail(error: Error): void }>();
  holds = (_uri: string): boolean => false;

  override async put(...[uri, body, condition]: Parameters<LocalStore["put"]>) {
    if (this.holds(uri))
      await new Promise<void>((resolve, reject) => this.held.set(uri, { go: resolve, fail: reject }));
    return super.put(uri, body, condition);
  }
}

let directory: string;
let store: HeldStore;
let catalog: BranchingCatalog;
let table: Table<RowOf<typeof schema>>;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "stored-"));
  store = new HeldStore(join(directory, "warehouse"), { durable: false });
  catalog = await openCatalog({ backend: join(directory, "catalog.db"), store });
  await catalog.createNamespace("ns");
  table = await catalog.createTable("ns.t", { schema });
});
afterEach(async () => {
  await catalog.close();
  await rm(directory, { recursive: true, force: true });
});

const files = async () => {
  const found: string[] = [];
  for await (const { uri } of store.list(`${store.root}/`)) found.push(uri);
  return found;
};
/** The files of an append, by what their names end in; a manifest list's begins with `snap-`. */
const KINDS = [".parquet", "-m0.avro", "list", ".metadata.json"];

const isKind = (uri: string, kind: string) => (kind === "list" ? uri.includes("/snap-") : uri.endsWith(kind));

test("a commit puts its files side by side, and nobody sees it before the last of them is there", async () => {
  // The last to come differs, and so does the moment at which the commit would be seen too soon.
  for (const last of KINDS) {
    const before = await catalog.hash();
    store.held.clear();
    store.holds = () => true;
    const appending = (await catalog.loadTable<RowOf<typeof schema>>("ns.t")).append(records(1));
    await expect.poll(() => store.held.size).toBe(4);
    store.holds = () => false;
    for (const [uri, { go }] of store.held) if (!isKind(uri, last)) go();
    const waited = [...store.held.keys()].filter((uri) => isKind(uri, last));
    expect(waited).toHaveLength(1);
    // Whatever is not waited for goes on, as far as it can.
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(await catalog.hash()).toBe(before);
    store.held.get(waited[0]!)?.go();
    const after = await appending;
    expect(await catalog.hash()).not.toBe(before);
    const there = new Set(await files());
    expect([...store.held.keys()].filter((uri) => !there.has(uri))).toEqual([]);
    expect(after.metadata.snapshots.at(-1)?.summary?.["added-records"]).toBe("1");
  }
});

test("where one of the files cannot be put, nothing is committed and nothing stays", async () => {
  const there = await files();
  const before = await catalog.hash();
  for (const failing of KINDS) {
    store.held.clear();
    store.holds = () => true;
    const appending = table.append(records(1));
    appending.catch(() => {});
    await expect.poll(() => store.held.size).toBe(4);
    store.holds = () => false;
    const [uri] = [...store.held.keys()].filter((each) => isKind(each, failing));
    store.held.get(uri!)?.fail(new Error(`no room for ${failing}`));
    // The others end later: what they leave is to go as well.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    for (const { go } of store.held.values()) go();
    await expect(appending).rejects.toThrow(`no room for ${failing}`);
    expect(await files()).toEqual(there);
    expect(await catalog.hash()).toBe(before);
  }
  await table.append(records(2));
});

test("steps of one transaction see what the steps before them have put", async () => {
  const delayed = store.put.bind(store);
  store.put = async (...put) => {
    await new Promise((resolve) => setTimeout(resolve, 3));
    return delayed(...put);
  };
  const tx = table.begin();
  await tx.append(records(1));
  await tx.append(records(2));
  const after = await tx.commit();
  expect((await after.scan().planAll()).tasks).toHaveLength(2);
});

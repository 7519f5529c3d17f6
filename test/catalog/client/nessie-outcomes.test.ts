import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type BranchingCatalog, openNessieCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { BadNetwork, first, isChange } from "../support/bad-network.js";
import { code, records, schema } from "../support/contents.js";
import { type Served, serve } from "../support/served.js";

let served: Served;
let network: BadNetwork;
let client: BranchingCatalog;
beforeEach(async () => {
  served = await serve();
  network = new BadNetwork(served.server.uri);
  const uri = `${await network.start()}/api/v2`;
  client = await openNessieCatalog({ uri, store: served.store, maxAttempts: 2 });
});
afterEach(async () => {
  await network.stop();
  await served.stop();
});

const isCommit = (request: Parameters<typeof isChange>[0]) => request.url?.endsWith("/commit") === true;
const lose = (fate: "lose answer" | "lose request", count = 1) => {
  network.fate = first(count, fate, isCommit);
};

test("an address where no Nessie answers is named as what to check", async () => {
  const opening = openNessieCatalog({ uri: served.server.uri, store: served.store }).then((c) =>
    c.references(),
  );
  await expect(opening).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    remedy: "Check the address: Nessie's API is at http://host:port/api/v2.",
  });
});

describe("a Nessie client whose answers get lost", () => {
  test.each(["lose answer", "lose request"] as const)("makes each change once (%s)", async (fate) => {
    lose(fate);
    await client.createNamespace("ns");
    lose(fate);
    const table = await client.createTable("ns.t", { schema });
    lose(fate, 2);
    const appended = await table.append(records(1));
    expect(appended.currentSnapshot?.summary?.["total-records"]).toBe("1");
    lose(fate);
    await client.renameTable("ns.t", "ns.u");
    lose(fate);
    await client.updateNamespace("ns", { set: { owner: "ada" } });
    lose(fate);
    await client.dropTable("ns.u");
    network.fate = () => "pass";
    expect((await served.catalog.log()).items.map(({ message }) => message)).toEqual([
      "Drop table ns.u",
      "Update properties of namespace ns",
      "Rename table ns.t to ns.u",
      "Append to ns.t",
      "Create table ns.t",
      "Create namespace ns",
    ]);
  });

  test("says that it does not know, when it never hears anything, and keeps the file", async () => {
    await client.createNamespace("ns");
    const table = await client.createTable("ns.t", { schema });
    lose("lose answer", 100);
    expect(await code(table.append(records(1)))).toBe("COMMIT_STATE_UNKNOWN");
    const loaded = await served.catalog.loadTable("ns.t");
    expect(loaded.metadata.snapshots).toHaveLength(1);
    expect(await served.store.head(loaded.metadataLocation)).toBeDefined();
  });

  test("calls a change of a reference unknown, and leaves it to be looked at", async () => {
    network.fate = first(1, "lose answer", isChange);
    expect(await code(client.createBranch("etl"))).toBe("COMMIT_STATE_UNKNOWN");
    expect((await client.references()).map(({ name }) => name)).toEqual(["etl", "main"]);
  });

  test("takes another's change to the same table for a conflict, not for its own", async () => {
    await client.createNamespace("ns");
    const table = await client.createTable("ns.t", { schema });
    const request = {
      requirements: [{ type: "assert-ref-snapshot-id" as const, ref: "main", snapshotId: null }],
      updates: [{ action: "set-properties" as const, updates: { mine: "1" } }],
    };
    await (await served.catalog.loadTable("ns.t")).append(records(1));
    lose("lose answer");
    expect(await code(table.committer.commit(request))).toBe("COMMIT_CONFLICT");
  });
});

test("a client that is no Nessie's says so", async () => {
  const uri = `${served.server.uri}/v1`;
  expect(await code(openNessieCatalog({ uri, store: served.store }))).toBe("INVALID_METADATA");
  const nowhere = openNessieCatalog({
    uri: "http://127.0.0.1:9/api/v2",
    store: served.store,
    maxAttempts: 1,
  });
  expect(await code(nowhere)).toBe("CATALOG_UNAVAILABLE");
  const credential = { uri, store: served.store, credential: "ada:lovelace" };
  expect(await code(openNessieCatalog(credential))).toBe("INVALID_ARGUMENT");
});

import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  BEGINNING,
  openCatalog,
  openNessieCatalog,
  serveRestCatalog,
} from "../../lib/lakehouse/catalog/index.js";
import { newTableMetadata, writeTableMetadata } from "../../lib/lakehouse/iceberg/index.js";
import { LocalStore } from "../../lib/lakehouse/storage/index.js";
import { type BranchingFixture, branchingConformance } from "../catalog/support/branching-conformance.js";
import { type CatalogFixture, catalogConformance } from "../catalog/support/catalog-conformance.js";
import { schema } from "../catalog/support/contents.js";
import { viewConformance } from "../catalog/support/view-conformance.js";
import { type NessieServer, startNessie } from "./nessie-server.js";
import { Twin } from "./nessie-twin.js";

let nessie: NessieServer;
beforeAll(async () => {
  nessie = await startNessie();
});
afterAll(() => nessie?.stop());

async function warehouse(): Promise<{ store: LocalStore; dispose: () => Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), "nessie-"));
  const store = new LocalStore(join(directory, "warehouse"), { durable: false });
  return { store, dispose: () => rm(directory, { recursive: true, force: true }) };
}

/** A branch of its own for each test, without history. */
async function onBranch(): Promise<CatalogFixture> {
  const { store, dispose } = await warehouse();
  const ref = `test/${randomUUID()}`;
  const uri = `${nessie.uri}/api/v2`;
  const admin = await openNessieCatalog({ uri, store });
  await admin.versions.createReference("BRANCH", ref, BEGINNING);
  return { open: () => openNessieCatalog({ uri, store, ref }), dispose };
}

/** The server as it was at first. */
async function emptied(): Promise<BranchingFixture> {
  const { store, dispose } = await warehouse();
  const uri = `${nessie.uri}/api/v2`;
  const admin = await openNessieCatalog({ uri, store });
  for (const { name } of await admin.references()) if (name !== "main") await admin.deleteReference(name);
  await admin.versions.assignReference("main", BEGINNING);
  return { open: () => openNessieCatalog({ uri, store, author: "ada" }), dispose };
}

/** First of all, while Nessie's `main` has no past. */
describe("our Nessie API", () => {
  test("answers as Nessie does, request by request", async () => {
    const { store, dispose } = await warehouse();
    const catalog = await openCatalog({ backend: ":memory:", store });
    const server = await serveRestCatalog({ catalog, store, port: 0 });
    try {
      const metadata = newTableMetadata({ schema, location: `${store.root}/t` });
      const [one, two] = [
        await writeTableMetadata(store, metadata, 0),
        await writeTableMetadata(store, metadata, 1),
      ];
      const twin = new Twin([`${nessie.uri}/api/v2`, `${server.uri}/api/v2`]);
      const key = (...elements: string[]) => ({ elements });
      const namespace = (...elements: string[]) => ({
        type: "PUT",
        key: key(...elements),
        content: { type: "NAMESPACE", elements, properties: { a: "b" } },
      });
      const ids = { schemaId: 0, specId: 0, sortOrderId: 0 };
      const table = (name: string, metadataLocation: string, id?: string) => ({
        type: "PUT",
        key: key("ns", name),
        content: { type: "ICEBERG_TABLE", id, metadataLocation, snapshotId: -1, ...ids },
      });
      const commit = (ref: string, message: string, ...operations: object[]) =>
        twin.post(`trees/${ref}/history/commit`, {
          commitMeta: { message, authors: ["ada", "bob"] },
          operations,
        });

      await twin.get("trees/main");
      await twin.get("trees/-");
      await twin.get("trees/nope");
      await twin.get(`trees/main@${BEGINNING}`);
      await commit("main", "no hash", namespace("ns"));
      const first = await commit(`main@${BEGINNING}`, "first", namespace("ns"));
      await commit(`main@${BEGINNING}`, "again", namespace("ns"));
      await commit(`main@${BEGINNING}`, "nowhere", { ...table("t", one), key: key("nope", "t") });
      await commit(`main@${BEGINNING}`, "unknown", { type: "DELETE", key: key("ns", "t") });
      await commit("main@{1}", "empty message and no operations");
      const second = await commit("main@{1}", "second", table("t.x", one), table("u", one));
      expect(second).toMatchObject({ status: 200, body: { addedContents: [{}, {}] } });
      expect(first.status).toBe(200);

      // The id of ns.u is the third that was given: ns, ns.t.x, ns.u.
      await commit("main@{2}", "third", table("u", two, "<id 3>"));
      await commit("main@{2}", "stale", table("u", one, "<id 3>"));
      await commit("main@{3}", "unchanged", { type: "UNCHANGED", key: key("ns", "u") }, table("v", one));
      await commit("main@{3}", "not empty", { type: "DELETE", key: key("ns") });

      for (const path of [
        "contents/ns",
        "contents/ns.u",
        "contents/.ns.t*.x",
        "contents/ns.nope",
        "contents?key=ns.u&key=ns.nope&key=ns",
        "entries",
        "entries?content=true",
        "entries?max-records=2",
        "entries?min-key=ns.u",
        "entries?max-key=ns.u",
        "entries?prefix-key=ns",
        "entries?prefix-key=ns&min-key=ns.u",
        "entries?key=ns&key=ns.u&key=ns.nope",
        `entries?filter=${encodeURIComponent("entry.contentType == 'ICEBERG_TABLE' && entry.name.startsWith('u')")}`,
        `entries?filter=${encodeURIComponent("size(entry.keyElements) == 2 && entry.encodedKey.startsWith('ns.')")}`,
        `entries?filter=${encodeURIComponent("entry.namespace in ['ns', 'x'] || entry.contentType == 'NAMESPACE'")}`,
        `entries?filter=${encodeURIComponent("entry.")}`,
        `entries?filter=${encodeURIComponent("nobody == 1")}`,
        "history",
        "history?fetch=ALL",
        "history?max-records=1",
        "history?limit-hash={3}",
        `history?filter=${encodeURIComponent("commit.message == 'third' || commit.author == 'nobody'")}`,
        `history?filter=${encodeURIComponent("commit.author == 'ada' && timestamp(commit.commitTime) > timestamp('2020-01-01T00:00:00Z')")}`,
        `history?filter=${encodeURIComponent("operations.exists(op, op.type == 'PUT' && op.key.endsWith('v'))")}&fetch=ALL`,
        "recent-changes",
      ]) {
        await twin.get(`trees/main/${path}`);
      }
      await twin.post("trees/main/contents", {
        requestedKeys: [key("ns"), key("ns", "nope"), key("ns", "u")],
      });
      for (const ref of ["main~1", "main@{2}", "@{2}", "main@{4}~2", "main^1", "-@{2}", "@{2}~1"]) {
        await twin.get(`trees/${encodeURIComponent(ref)}/entries`);
      }
      await twin.get(`trees/main@${"0".repeat(64)}/entries`);
      await twin.get("trees/main/diff/main~2");
      await twin.get("trees/main~2/diff/main?max-records=1");
      await twin.get(`trees/main~2/diff/main?filter=${encodeURIComponent("key.name == 'u'")}`);

      // Branches, tags, merges
      const at = (hash: string) => ({ type: "BRANCH", name: "main", hash });
      await twin.post("trees?name=etl/x&type=BRANCH", at("{4}"));
      await twin.post("trees?name=etl/x&type=BRANCH", at("{4}"));
      await twin.post("trees?name=v1&type=TAG", { type: "DETACHED", hash: "{2}" });
      await twin.post("trees?name=HEAD&type=BRANCH", at("{4}"));
      await twin.post("trees?name=bad&type=nonsense", at("{4}"));
      await twin.get("trees");
      await twin.get("trees?max-records=1");
      await twin.get("trees/etl%2Fx%40");
      await commit(`${encodeURIComponent("etl/x@")}{4}`, "on etl", table("w", one));
      await commit("v1@{2}", "on a tag", table("w", one));
      await commit("main@{4}", "on main", table("y", one));
      const merge = (ref: string, body: object) => twin.post(`trees/${ref}/history/merge`, body);
      const commitMeta = { message: "", authors: ["ada"] };
      const source = { fromRefName: "etl/x", fromHash: "{5}", commitMeta };
      await merge("main@{6}", { ...source, isDryRun: true });
      await merge("main@{6}", { fromRefName: "etl/x" });
      await merge("main@{6}", source);
      await merge("main@{6}", source);
      await twin.get("trees/main/history?max-records=1&fetch=ALL");
      await commit(`${encodeURIComponent("etl/x@")}{5}`, "u on etl", table("u", one, "<id 3>"));
      await commit("main@{7}", "u on main", { type: "DELETE", key: key("ns", "u") });
      await merge("main@{9}", { fromRefName: "etl/x", fromHash: "{8}" });
      await merge("main@{9}", { fromRefName: "etl/x", fromHash: "{8}", isReturnConflictAsResult: true });
      const forced = [{ key: key("ns", "u"), mergeBehavior: "FORCE" }];
      await merge("main@{9}", {
        fromRefName: "etl/x",
        fromHash: "{8}",
        keyMergeModes: forced,
        message: "Take u",
        commitMeta,
      });
      await twin.get("trees/main/history?max-records=1&fetch=ALL");
      const pick = { fromRefName: "etl/x", hashesToTransplant: ["{5}"] };
      await twin.post("trees/v2x@{9}/history/transplant", pick);
      await twin.post("trees?name=old&type=BRANCH", at("{2}"));
      await twin.post("trees/old@{2}/history/transplant", { ...pick, isDryRun: true });
      await twin.post("trees/old@{2}/history/transplant", pick);
      await twin.get("trees/old/history?max-records=1&fetch=ALL");

      await twin.put("trees/old@{2}", at("{4}"));
      await twin.put("trees/old", at("{4}"));
      await twin.put("trees/old@{11}?type=TAG", at("{4}"));
      await twin.put("trees/old@{11}", at("{4}"));
      await twin.delete("trees/old@{11}");
      await twin.delete("trees/old@{4}?type=BRANCH");
      await twin.delete("trees/main@{10}");
      await twin.get("trees");
      expect(twin.differences).toEqual([]);
      expect(twin.requests).toBeGreaterThan(80);
    } finally {
      await server.close();
      await catalog.close();
      await dispose();
    }
  });
});

for (const conformance of [catalogConformance, viewConformance]) conformance("Nessie server's", onBranch);
branchingConformance("Nessie server's", emptied);

import { afterAll, beforeAll, expect, test } from "vitest";
import { eq, fieldByName, openTable, readManifests } from "../../lib/lakehouse/iceberg/index.js";
import { pathOfFile } from "../../lib/lakehouse/storage/index.js";
import { Engine } from "./engine.js";
import { ourEntries, ourRows } from "./plain.js";
import { openWorld, type World } from "./world.js";
import { ZOO } from "./zoo.js";

let world: World;
let fastavro: Engine;
beforeAll(async () => {
  fastavro = new Engine("bigquery_manifests.py");
  world = await openWorld();
});
afterAll(async () => {
  await fastavro.close();
  await world.close();
});

test.each(ZOO)("$name is read alike when its manifests are as BigQuery writes them", async ({ make }) => {
  const table = await make(world);
  const rows = await ourRows(world.engine, table);
  const entries = await ourEntries(table);
  const paths = new Set<string>();
  for (const snapshot of table.metadata.snapshots) {
    if (snapshot.manifestList !== undefined) paths.add(pathOfFile(snapshot.manifestList));
    for (const { manifestPath } of await readManifests(table.store, snapshot)) {
      paths.add(pathOfFile(manifestPath));
    }
  }
  expect(await fastavro.call("rewrite", { paths: [...paths] })).toBe(paths.size);
  // Opened anew: what was read before is remembered.
  const again = await openTable(table.metadataLocation);
  expect(await ourEntries(again)).toEqual(entries);
  expect(await ourRows(world.engine, again)).toEqual(rows);
  if (fieldByName(again.schema, "id") === undefined) return;
  const one = await (await world.engine.scan(again, again.scan({ filter: eq("id", 1) }))).rows();
  expect(one).toHaveLength(rows.filter(({ id }) => id === 1).length);
});

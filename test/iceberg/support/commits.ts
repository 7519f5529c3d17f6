import { readManifests } from "../../../lib/lakehouse/iceberg/files/manifest/list.js";
import { and, gtEq, lt } from "../../../lib/lakehouse/iceberg/model/expressions/builders.js";
import {
  defineSchema,
  int,
  string,
  timestamp,
} from "../../../lib/lakehouse/iceberg/model/schema/builders.js";
import type { Table } from "../../../lib/lakehouse/iceberg/table/table.js";
import type { ObjectStore } from "../../../lib/lakehouse/storage/index.js";
export const SCHEMA = defineSchema({ at: timestamp(), delay: int().optional(), origin: string() });
export const row = (day: number, origin: string, delay = 1) => ({
  at: `2001-01-${String(day).padStart(2, "0")}T12:00:00`,
  delay,
  origin,
});

export async function records(table: Table): Promise<bigint> {
  const { tasks } = await table.scan().planAll();
  return tasks.reduce((sum, task) => sum + task.dataFile.recordCount, 0n);
}

export async function stored(store: ObjectStore, prefix: string): Promise<Set<string>> {
  const uris = new Set<string>();
  for await (const object of store.list(prefix)) uris.add(object.uri);
  return uris;
}

/** The files below metadata/ and data/ that no snapshot of the table refers to. */
export async function orphans<Row>(table: Table<Row>): Promise<string[]> {
  const referenced = new Set<string>([
    table.metadataLocation,
    ...table.metadata.metadataLog.map((log) => log.metadataFile),
  ]);
  for (const snapshot of table.metadata.snapshots) {
    if (snapshot.manifestList !== undefined) referenced.add(snapshot.manifestList);
    for (const manifest of await readManifests(table.store, snapshot)) referenced.add(manifest.manifestPath);
    for (const file of await table.inspect.entries({ snapshotId: snapshot.snapshotId }))
      referenced.add(file.dataFile.filePath);
  }
  const all = [
    ...(await stored(table.store, `${table.location}/metadata/`)),
    ...(await stored(table.store, `${table.location}/data/`)),
  ];
  return all.filter((uri) => !referenced.has(uri));
}

export const theSecond = and(gtEq("at", "2001-01-02T00:00:00"), lt("at", "2001-01-03T00:00:00"));

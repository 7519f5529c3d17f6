import type { Catalog } from "../../../lib/lakehouse/catalog/index.js";
import { defineSchema, long } from "../../../lib/lakehouse/iceberg/index.js";
import { type ChildProgram, childProgram } from "../../storage/child.js";
import { type Call, type CatalogCall, catalogModel, findViolation } from "./linearizability.js";

export const TABLES = ["ns.a", "ns.b", "ns.c"];

/**
 * A client in a process of its own: reads tables, and moves one or two of them at a time from the snapshots that it
 * saw last to new ones, until it is told to stop. Prints what it is about to do, and what came of it, by the one
 * clock that all processes share. `jumping`: its wall clock goes back and forth by up to an hour.
 */
const CLIENT = `
const [place, warehouse, client, milliseconds, clock] = args;
if (clock === "jumping") {
  const right = Date.now;
  let wrongBy = 0;
  setInterval(() => { wrongBy = Math.round((Math.random() - 0.5) * 7_200_000); }, 50).unref();
  Date.now = () => right() + wrongBy;
}
const store = new storage.LocalStore(warehouse);
const open = () => place.startsWith("http")
  ? catalog.openRestCatalog({ uri: place, store })
  : catalog.openCatalog({ backend: place, store });
const lake = await open();
const tables = ${JSON.stringify(TABLES)};
const seen = new Map();
const now = () => String(process.hrtime.bigint());
const any = (items) => items[Math.floor(Math.random() * items.length)];
const print = (call) => console.log(JSON.stringify({ client, ...call }));

async function read(table) {
  const invoked = now();
  const { metadata } = await lake.loadTable(table);
  seen.set(table, metadata);
  const found = String(metadata.currentSnapshotId ?? "none");
  print({ invoked, returned: now(), operation: { type: "read", table, found } });
}

async function commit(chosen, id) {
  const operation = { type: "commit", from: {}, to: {} };
  const changes = chosen.map((table) => {
    const { currentSnapshotId, lastSequenceNumber, lastUpdatedMs, currentSchemaId, location } = seen.get(table);
    const snapshotId = BigInt(Math.floor(Math.random() * 2 ** 52)) + 1n;
    operation.from[table] = String(currentSnapshotId ?? "none");
    operation.to[table] = String(snapshotId);
    const snapshot = {
      snapshotId,
      ...(currentSnapshotId === undefined ? {} : { parentSnapshotId: currentSnapshotId }),
      sequenceNumber: lastSequenceNumber + 1n,
      timestampMs: lastUpdatedMs + 1n,
      manifestList: location + "/metadata/" + snapshotId + ".avro",
      summary: { operation: "append" },
      schemaId: currentSchemaId,
    };
    return {
      table,
      requirements: [{ type: "assert-ref-snapshot-id", ref: "main", snapshotId: currentSnapshotId ?? null }],
      updates: [
        { action: "add-snapshot", snapshot },
        { action: "set-snapshot-ref", refName: "main", ref: { type: "branch", snapshotId } },
      ],
    };
  });
  const token = client + "-" + id;
  const invoked = now();
  print({ id, invoked, operation: { ...operation, outcome: "unknown" } });
  let outcome = "committed";
  try {
    if (changes.length === 1) await lake.committer(chosen[0]).commit({ ...changes[0], token });
    else await lake.commitTransaction(changes, { token });
  } catch (error) {
    if (error.code === "COMMIT_STATE_UNKNOWN") return;
    if (error.code === "CATALOG_UNAVAILABLE") outcome = "never sent";
    else if (error.code === "COMMIT_CONFLICT") outcome = "conflict";
    else throw error;
  }
  print({ id, invoked, returned: now(), operation: { ...operation, outcome } });
}

const end = performance.now() + Number(milliseconds);
// A hundred at least, so that there is a history also where the machine is slow.
for (let id = 0; id < 100 || performance.now() < end; id++) {
  const chosen = [any(tables)];
  const other = any(tables);
  if (Math.random() < 0.4 && other !== chosen[0]) chosen.push(other);
  try {
    if (Math.random() < 0.4 || chosen.some((table) => !seen.has(table))) await read(any(chosen.filter((table) => !seen.has(table)).concat(chosen)));
    else await commit(chosen, id);
  } catch (error) {
    if (error.code !== "CATALOG_UNAVAILABLE" && error.code !== "STORAGE_FAILED") throw error;
  }
}
await lake.close();
`;

export function historyClient(): Promise<ChildProgram> {
  return childProgram(CLIENT, ["storage", "parquet", "iceberg", "catalog"]);
}

/** Makes the tables that the clients work on. */
export async function prepare(catalog: Catalog): Promise<void> {
  await catalog.createNamespace("ns");
  for (const table of TABLES) await catalog.createTable(table, { schema: defineSchema({ id: long() }) });
}

/** What clients printed, as calls: those that never returned have an unknown outcome. */
export function toHistory(outputs: readonly string[]): Call<CatalogCall>[] {
  const calls = new Map<string, Call<CatalogCall>>();
  // What comes behind the last line break is a line of which not all is there: the client was killed, or still writes.
  for (const line of outputs.flatMap((output) => output.split("\n").slice(0, -1))) {
    const { id, client, invoked, returned, operation } = JSON.parse(line);
    const key = id === undefined ? `${client} read ${invoked}` : `${client} ${id}`;
    calls.set(key, {
      client,
      operation,
      invoked: BigInt(invoked),
      ...(returned === undefined ? {} : { returned: BigInt(returned) }),
    });
    if (operation.outcome === "never sent") calls.delete(key);
  }
  return [...calls.values()];
}

/** Closes a history: what each table is in the end, as a client finds it that comes after all others. */
export async function finalReads(catalog: Catalog): Promise<Call<CatalogCall>[]> {
  const reads: Call<CatalogCall>[] = [];
  for (const table of TABLES) {
    const invoked = process.hrtime.bigint();
    const { metadata } = await catalog.loadTable(table);
    const found = String(metadata.currentSnapshotId ?? "none");
    reads.push({
      client: "last",
      operation: { type: "read", table, found },
      invoked,
      returned: process.hrtime.bigint(),
    });
  }
  return reads;
}

/** What a history of the clients breaks; `undefined` where it is linearizable. */
export function violationOf(history: readonly Call<CatalogCall>[]): Call<CatalogCall> | undefined {
  return findViolation(catalogModel(TABLES), history);
}

/** How many commits of a history ended in each way: a test of a history without conflicts would prove little. */
export function outcomes(
  history: readonly Call<CatalogCall>[],
): Record<"committed" | "conflict" | "unknown", number> {
  const count = { committed: 0, conflict: 0, unknown: 0 };
  for (const { operation } of history) if (operation.type === "commit") count[operation.outcome] += 1;
  return count;
}

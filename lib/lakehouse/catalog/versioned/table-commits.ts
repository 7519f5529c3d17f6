import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import {
  applyUpdates,
  COMMIT_TOKEN,
  type CommitRequest,
  type Committer,
  checkRequirements,
  commitStateUnknown,
  type LoadedTable,
  metadataFileVersion,
  type OrphanOptions,
  snapshotsBeyondBound,
  type TableMetadata,
  type TableUpdate,
} from "../../iceberg/index.js";
import { type ObjectStore, recordedLocation } from "../../storage/index.js";
import type { TableChange, TransactionOptions, UnchangedTable } from "../model/catalog.js";
import { type Conflict, ConflictError } from "../model/conflicts.js";
import { type ContentKey, encodeKey, type IcebergTableContent, keyName } from "../model/content.js";
import { tableKey } from "../model/identifiers.js";
import type { Operation } from "../model/operations.js";
import { checkPropertySize } from "../model/property-limits.js";
import { inTurnOfAll } from "../model/turns.js";
import type { Place } from "../model/versions.js";
import type { Checkout } from "./checkout.js";
import { checkLocation, loadEntry, requireEntry } from "./entries.js";
import { discard } from "./files.js";
import { explained } from "./namespaces.js";
import { recordedProperties } from "./recorded.js";
import { TABLE } from "./tables.js";

/** How often a commit is built again because others changed its tables in ways that its requirements allow. */
const ATTEMPTS = 100;

/** The committer of one table: what `Table` commits through. */
export function committerOf(checkout: Checkout, key: ContentKey): Committer {
  const { removeOrphans } = checkout.shared;
  return {
    // Commits of the catalog's history lead to them, and branches may start there: garbage collection knows which do.
    keepsMetadata: true,
    awaitsStored: true,
    load: () => loadEntry(checkout, TABLE, key),
    commit: async (request: CommitRequest): Promise<LoadedTable> => {
      const { requirements, updates, message, token = tokenIn(request.updates), stored } = request;
      const own = token === undefined ? undefined : tokenOfTable(token, requirements);
      const [loaded] = await commitTables(checkout, [{ key, requirements, updates }], {
        message,
        token: own,
        stored,
      });
      return loaded ?? loadEntry(checkout, TABLE, key);
    },
    ...(removeOrphans && {
      removeOrphans: async (options: OrphanOptions) =>
        removeOrphans(await requireEntry(checkout, TABLE, await checkout.head(), key), options),
    }),
  };
}

/** A client's token comes with its snapshot alone, which the table does not keep for as long as the log shows the commit. */
function tokenIn(updates: readonly TableUpdate[]): string | undefined {
  for (const update of updates) {
    const token = update.action === "add-snapshot" ? update.snapshot.summary?.[COMMIT_TOKEN] : undefined;
    if (token !== undefined) return token;
  }
  return undefined;
}

/**
 * A caller's token names a change of one table. The log is one for all tables, so another table may use the token too, and
 * so may one of the same name that was made after this one was dropped.
 */
function tokenOfTable(token: string, requirements: CommitRequest["requirements"]): string {
  const identity = requirements.find((requirement) => requirement.type === "assert-table-uuid");
  return identity === undefined ? token : `${identity.uuid} ${token}`;
}

export async function commitTransaction(
  checkout: Checkout,
  changes: readonly TableChange[],
  options: TransactionOptions,
): Promise<void> {
  const keyed = changes.map(({ table, requirements, updates }) => ({
    key: tableKey(table),
    requirements,
    updates,
  }));
  await commitTables(checkout, keyed, options);
}

type Step = Pick<TableChange, "requirements" | "updates">;

interface KeyedChange extends Step {
  readonly key: ContentKey;
}

/** All that one transaction does to a table, in the order given. */
interface TableSteps {
  readonly key: ContentKey;
  readonly steps: readonly Step[];
}

function stepsByTable(changes: readonly KeyedChange[]): TableSteps[] {
  const tables = new Map<string, { key: ContentKey; steps: Step[] }>();
  for (const change of changes) {
    const encoded = encodeKey(change.key);
    const table = tables.get(encoded) ?? { key: change.key, steps: [] };
    tables.set(encoded, table);
    table.steps.push(change);
  }
  return [...tables.values()];
}

interface Prepared {
  readonly operation: Operation;
  readonly loaded: LoadedTable;
  /** False where the updates changed nothing, and the metadata file is the one that was there. */
  readonly isNew: boolean;
}

/**
 * Checks the requirements, writes each table's next metadata file, and commits all entries at once. When another
 * commit changed one of the tables meanwhile, everything is checked and built again on top of it: only a
 * requirement that no longer holds is a `COMMIT_CONFLICT`. Files of an attempt that lost are deleted; while it is
 * not known whether an attempt won, they stay.
 */
async function commitTables(
  checkout: Checkout,
  changes: readonly KeyedChange[],
  options: TransactionOptions & Pick<CommitRequest, "stored">,
): Promise<LoadedTable[]> {
  const branch = checkout.branch();
  const names = changes.map(({ key }) => `${branch}\n${encodeKey(key)}`);
  return inTurnOfAll(checkout.shared.inTurn, names, () => commitInTurn(checkout, changes, options));
}

async function commitInTurn(
  checkout: Checkout,
  changes: readonly KeyedChange[],
  {
    unchanged = [],
    message,
    token = checkout.token,
    stored,
  }: TransactionOptions & Pick<CommitRequest, "stored">,
): Promise<LoadedTable[]> {
  const { versions, store } = checkout.shared;
  for (let attempt = 1; ; attempt++) {
    const head = await checkout.head();
    const made = token === undefined ? undefined : await versions.findToken(head, token);
    if (made !== undefined)
      return Promise.all(changes.map(({ key }) => loadEntry(checkout, TABLE, key, made)));
    const expected = await expectations(checkout, head, unchanged);
    const prepared = await prepareAll(checkout, head, changes);
    const written = prepared.filter(({ isNew }) => isNew);
    try {
      await stored;
      if (written.length === 0) return prepared.map(({ loaded }) => loaded);
      const operations = [...prepared.map(({ operation }) => operation), ...expected];
      await checkout.commit(operations, {
        message: message ?? defaultMessage(changes),
        expectedHash: head.hash,
        seen: head.seen,
        token,
      });
    } catch (error) {
      // Whether it happened is not known: a file that may be current stays.
      if (commitStateUnknown.is(error)) throw error;
      const unused = written.map(({ loaded }) => loaded.metadataLocation);
      await discard(store, unused);
      const shown = await explained(checkout, [], error);
      if (shown !== error || !(error instanceof ConflictError) || attempt === ATTEMPTS) throw shown;
      await sleep(Math.random() * Math.min(50, 2 ** attempt));
      continue;
    }
    return prepared.map(({ loaded }) => loaded);
  }
}

async function prepareAll(
  checkout: Checkout,
  head: Place,
  changes: readonly KeyedChange[],
): Promise<Prepared[]> {
  const planned = [];
  // All requirements first: nothing is written for a transaction that one table refuses.
  for (const table of stepsByTable(changes)) planned.push(await plan(checkout, head, table));
  return Promise.all(planned.map((write) => write()));
}

/**
 * Checks one table's requirements and applies its updates, each step on what the ones before it make of the table; the
 * function that it returns writes the result.
 */
async function plan(
  checkout: Checkout,
  head: Place,
  { key, steps }: TableSteps,
): Promise<() => Promise<Prepared>> {
  const { versions, store, metadata } = checkout.shared;
  const current = await versions.content(head, key);
  const isCreate = steps[0]?.requirements.some(({ type }) => type === "assert-create") === true;
  if (isCreate && current !== undefined) throw checkout.taken(key, current);
  if (!isCreate && current?.type !== "ICEBERG_TABLE") throw await checkout.noSuchTable(key, head);
  const content = current as IcebergTableContent | undefined;
  const base = content && (await metadata.read(content.metadataLocation));
  const updates: TableUpdate[] = [];
  let made: TableMetadata | undefined = base;
  for (const step of steps) {
    checkRequirements(made, step.requirements);
    updates.push(...step.updates.map((update) => asRecorded(store, update)));
    // From the base: what is between is no version of the table, and has no place in its log.
    made = applyUpdates(base, updates, { previousMetadataLocation: content?.metadataLocation });
  }

  let next = made as TableMetadata;
  // Of the version that is committed, so that a reference which another commit made meanwhile is among those that count.
  const snapshotIds = updates.some(({ action }) => action === "add-snapshot")
    ? snapshotsBeyondBound(next)
    : [];
  if (snapshotIds.length > 0) {
    const all: TableUpdate[] = [...updates, { action: "remove-snapshots", snapshotIds }];
    next = applyUpdates(base, all, { previousMetadataLocation: content?.metadataLocation });
  }
  if (content !== undefined && next === base) {
    const loaded = { metadata: base, metadataLocation: content.metadataLocation };
    return async () => ({ operation: { type: "UNCHANGED", key, expected: content }, loaded, isNew: false });
  }
  checkLocation(store.root, next.location);
  if (next.properties !== base?.properties) checkPropertySize("table", keyName(key), next.properties);
  const version = content === undefined ? 0 : (metadataFileVersion(content.metadataLocation) ?? 0) + 1;
  return async () => {
    const metadataLocation = await TABLE.write(checkout, next, version);
    const put = TABLE.toContent(content?.id ?? randomUUID(), metadataLocation, next);
    const operation: Operation = { type: "PUT", key, content: put, expected: content ?? null };
    return { operation, loaded: { metadata: next, metadataLocation }, isNew: true };
  };
}

/** An update with its locations as they are recorded, in a lake that was moved. */
function asRecorded(store: ObjectStore, update: TableUpdate): TableUpdate {
  if (update.action === "set-location")
    return { ...update, location: recordedLocation(store, update.location) };
  if (update.action !== "set-properties") return update;
  return { ...update, updates: recordedProperties(store, update.updates) };
}

/** The tables that were read must be where they were read: checked now, and again with the commit. */
async function expectations(
  checkout: Checkout,
  head: Place,
  unchanged: readonly UnchangedTable[],
): Promise<Operation[]> {
  const operations: Operation[] = [];
  const conflicts: Conflict[] = [];
  for (const { identifier, metadataLocation } of unchanged) {
    const key = tableKey(identifier);
    const content = await checkout.shared.versions.content(head, key);
    if (content?.type === "ICEBERG_TABLE" && content.metadataLocation === metadataLocation) {
      operations.push({ type: "UNCHANGED", key, expected: content });
    } else if (content === undefined) {
      conflicts.push({
        type: "KEY_DOES_NOT_EXIST",
        key,
        message: `${keyName(key)}, which was read, is gone`,
      });
    } else {
      conflicts.push({ type: "VALUE_DIFFERS", key, message: `${keyName(key)}, which was read, has changed` });
    }
  }
  if (conflicts.length === 0) return operations;
  const remedy = "Read the tables again and decide anew.";
  throw new ConflictError(checkout.ref, "The transaction was refused", conflicts, remedy);
}

function defaultMessage(changes: readonly KeyedChange[]): string {
  const names = changes.map(({ key }) => keyName(key)).join(", ");
  const snapshots = changes.flatMap(({ updates }) =>
    updates.flatMap((update) => (update.action === "add-snapshot" ? update.snapshot : [])),
  );
  const operation = snapshots.length === 1 ? snapshots[0]?.summary?.operation : undefined;
  const verb = {
    append: "Append to",
    overwrite: "Overwrite in",
    delete: "Delete from",
    replace: "Rewrite files of",
  };
  return `${operation === undefined ? "Update" : verb[operation]} ${names}`;
}

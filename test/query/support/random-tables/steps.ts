import { isLakehouseError } from "../../../../lib/lakehouse/errors.js";
import { writeDataFiles } from "../../../../lib/lakehouse/iceberg/files/data/writer.js";
import {
  alwaysFalse,
  bucket,
  fieldByName,
  identity,
  LAST_UPDATED_SEQUENCE_NUMBER,
  month,
  type PartitionFieldInit,
  ROW_ID,
  type RowEngine,
  rowsToBatches,
  storedSchema,
  type Table,
  type Transaction,
  truncate,
  UpdatePartitionSpec,
  UpdateSchema,
  upgradeFormatVersion,
} from "../../../../lib/lakehouse/iceberg/index.js";
import { compact } from "../../../../lib/lakehouse/maintenance/compaction/compact.js";
import { anyFilter } from "./filters.js";
import {
  type Column,
  columnValue,
  inputOf,
  type Leaf,
  leavesOf,
  type Model,
  type Row,
  sameKey,
  type Value,
} from "./model.js";
import type { Random } from "./random.js";
import { anyKey, anyRow, type Input, KEY, ROW_STEPS, type Target, truncateAll } from "./row-steps.js";
import { anyScalar, columnOf, type Kind, type Scalar, toInput, typeOf, WIDER } from "./values.js";

/** A table and what it should hold. */
export interface State {
  table: Table<Input>;
  readonly model: Model;
  random: Random;
  /** Rows by snapshot, to go back to. */
  readonly history: Map<bigint, readonly Row[]>;
  nextId: number;
  readonly engine: RowEngine;
  /** The changes of rows so far, by name: for whoever reads a failure. */
  readonly story: string[];
}

/** One change of a table and of its model; false when it means nothing in this state. */
export type Step = (state: State) => Promise<boolean>;

async function oneChange(state: State): Promise<boolean> {
  const { random, model, story } = state;
  const step = random.chance(2) ? truncateAll : random.one(ROW_STEPS);
  story.push(step.name);
  await step(state.table, model, random);
  state.table = await state.table.refresh();
  return true;
}

async function transaction(state: State): Promise<boolean> {
  const { random, model, story } = state;
  const transaction: Transaction<Input> = state.table.begin();
  for (const step of random.many(3, () => random.one(ROW_STEPS))) {
    story.push(step.name);
    await step(transaction as unknown as Target, model, random);
  }
  state.table = await transaction.commit();
  return true;
}

/** A stream's deletes with the whole row beside the key: what the other columns hold says nothing. */
async function deleteWithWholeRows(state: State): Promise<boolean> {
  const { random, model, table } = state;
  if (table.metadata.formatVersion < 2 || table.metadata.partitionSpecs.length > 1) return false;
  if (table.spec.fields.length > 0) return false;
  const key = anyKey(random, model.columns);
  const columns = new Set(key.map(({ column }) => column));
  const deletes = random.many(3, () => {
    const row = anyRow(random, model.columns);
    if (model.rows.length === 0 || random.chance(30)) return row;
    const hit = random.one(model.rows);
    return new Map([
      ...row,
      ...[...columns].map((column): [number, Value] => [column.id, columnValue(hit, column)]),
    ]);
  });
  const inputs = deletes.map((row) => inputOf(row, model.columns));
  const files = await writeDataFiles(table.store, table.metadata, rowsToBatches(table.schema, inputs));
  const equalityIds = key.map(({ path }) => fieldByName(table.schema, path.join("."))?.id as number);
  const addedDeleteFiles = files.map((file) => ({
    ...file,
    content: "equality-deletes" as const,
    equalityIds,
  }));
  state.table = await table.commitFiles({ operation: "delete", addedDeleteFiles });
  model.rows = model.rows.filter((row) => !deletes.some((each) => sameKey(row, each, key)));
  return true;
}

/** Writes some files' rows again, as compaction does: what was deleted stays so, and what will be goes from them too. */
async function rewriteSome(state: State): Promise<boolean> {
  const { random, table, engine } = state;
  const { tasks } = await table.scan({ filter: anyFilter(random, state.model.columns).expression }).planAll();
  const { currentSnapshot: snapshot, metadata, store } = table;
  if (snapshot === undefined || tasks.length === 0) return false;
  const some = random.some(tasks);
  const stored = storedSchema(table.schema);
  const rows = engine.remainingRows({ store, metadata, tasks: some, where: alwaysFalse, schema: stored });
  const lineage = metadata.formatVersion >= 3 ? [ROW_ID, LAST_UPDATED_SEQUENCE_NUMBER] : [];
  const schema = { ...stored, fields: [...stored.fields, ...lineage] };
  state.table = await table.rewriteFiles({
    removedDataFiles: some.map((task) => task.dataFile),
    addedDataFiles: await writeDataFiles(store, metadata, rows, { schema }),
    dataSequenceNumber: random.chance(70) ? snapshot.sequenceNumber : undefined,
  });
  return true;
}

/** The upkeep of a table, by what of it the random choice makes worth it. */
async function upkeep(state: State): Promise<boolean> {
  const { random, table, model } = state;
  if (random.chance(25)) {
    state.table = await table.rewriteManifests();
    return true;
  }
  if (random.chance(30)) {
    state.table = await table.rewritePositionDeletes();
    return true;
  }
  const strategy = random.one(["bin-pack", "sort", "z-order"] as const);
  const columns = model.columns.filter(({ members }) => members === undefined).map(({ name }) => name);
  if (strategy === "z-order" && columns.length < 2) return false;
  const { groups, conflicts } = await compact(table as unknown as Table, {
    strategy,
    by:
      strategy === "bin-pack"
        ? undefined
        : random.some(columns.slice(2)).concat(columns.slice(0, 2)).slice(0, 8),
    rewriteAll: random.chance(60),
    minInputFiles: random.one([1, 2, 5]),
    maxDeletedShare: random.one([0, 0.2, 1]),
    maxCommits: random.one([1, 2, 10]),
    maxGroupSizeBytes: random.one([1, 2_000, 1_000_000_000]),
    targetFileSizeBytes: random.one([1, 1_000, 1_000_000_000]),
    ...(random.chance(30) && { where: anyFilter(random, model.columns).expression }),
  });
  if (conflicts > 0) throw new Error("Nobody was in the way.");
  state.table = await table.refresh();
  return groups > 0;
}

// Schema and partitioning

async function evolve(state: State, update: UpdateSchema, columns: readonly Column[]): Promise<boolean> {
  try {
    state.table = await state.table.update([update]);
  } catch (error) {
    // A column that partitions the table is not dropped.
    if (isLakehouseError(error, "INVALID_SCHEMA")) return false;
    throw error;
  }
  state.model.columns = columns;
  return true;
}

const NAMES = ["a", "b", "c", "d", "e"];
const ADDED_KINDS: readonly Kind[] = ["int", "string", "decimal4", "date", "long", "double"];

/** A new column, or a member of the struct; in v3 it may have a default. */
async function addColumn(state: State): Promise<boolean> {
  const { random, model, table } = state;
  const struct = random.chance(40) ? model.columns.find(({ members }) => members !== undefined) : undefined;
  const names = new Set((struct?.members ?? model.columns).map(({ name }) => name));
  const free = NAMES.filter((name) => !names.has(name));
  if (free.length === 0) return false;
  const name = random.one(free);
  const kind = random.one(ADDED_KINDS);
  const withDefault = table.metadata.formatVersion >= 3 && random.chance(60);
  const initial: Scalar = withDefault ? anyScalar(random, kind, 0) : null;
  const known = Number.isNaN(initial) ? 0 : initial;
  const optional = columnOf(kind).optional();
  const column = known === null ? optional : optional.default(toInput(kind, known));
  const added: Column = { id: state.nextId++, name, kind, initial: known };
  const columns =
    struct === undefined
      ? [...model.columns, added]
      : model.columns.map((each) =>
          each === struct ? { ...each, members: [...(each.members ?? []), added] } : each,
        );
  const path = struct === undefined ? [name] : [struct.name, name];
  return evolve(state, new UpdateSchema().addColumn(path, column), columns);
}

/** Gives each column that `change` leaves out or changes back changed. */
function edited(
  columns: readonly Column[],
  leaf: Leaf,
  change: (field: Column) => Column | undefined,
): readonly Column[] {
  const edit = <T extends Column>(fields: readonly T[]): T[] =>
    fields.flatMap((field) =>
      field.id === leaf.field.id ? ((change(field) as T | undefined) ?? []) : [field],
    );
  if (leaf.column === leaf.field) return edit(columns);
  return columns.map((column) =>
    column === leaf.column ? { ...column, members: edit(column.members ?? []) } : column,
  );
}

async function dropColumn(state: State): Promise<boolean> {
  const { random, model } = state;
  const leaves = leavesOf(model.columns).filter(({ column, field }) => {
    return column.id !== KEY && (column === field || (column.members?.length ?? 0) > 1);
  });
  if (leaves.length === 0) return false;
  const leaf = random.one(leaves);
  const update = new UpdateSchema().dropColumn(leaf.path.join("."));
  return evolve(
    state,
    update,
    edited(model.columns, leaf, () => undefined),
  );
}

async function renameColumn(state: State): Promise<boolean> {
  const { random, model } = state;
  const leaves = leavesOf(model.columns).filter(({ column }) => column.id !== KEY);
  if (leaves.length === 0) return false;
  const leaf = random.one(leaves);
  const siblings = leaf.column === leaf.field ? model.columns : (leaf.column.members ?? []);
  const free = NAMES.filter((name) => !siblings.some((each) => each.name === name));
  if (free.length === 0) return false;
  const name = random.one(free);
  const update = new UpdateSchema().renameColumn(leaf.path.join("."), name);
  return evolve(
    state,
    update,
    edited(model.columns, leaf, (field) => ({ ...field, name })),
  );
}

async function widenColumn(state: State): Promise<boolean> {
  const { random, model, table } = state;
  const leaves = leavesOf(model.columns).filter(({ field }) => {
    if (field.kind === "date" && table.metadata.formatVersion < 3) return false;
    return WIDER[field.kind] !== undefined;
  });
  if (leaves.length === 0) return false;
  const leaf = random.one(leaves);
  const kind = WIDER[leaf.field.kind] as Kind;
  const type = typeOf(kind) as Parameters<UpdateSchema["updateType"]>[1];
  const update = new UpdateSchema().updateType(leaf.path.join("."), type);
  return evolve(
    state,
    update,
    edited(model.columns, leaf, (field) => ({ ...field, kind })),
  );
}

const PARTITIONS: Readonly<Record<string, readonly ((name: string) => PartitionFieldInit)[]>> = {
  long: [(name) => bucket(name, 2, `by_${name}`), (name) => identity(name, `by_${name}`)],
  int: [(name) => identity(name, `by_${name}`)],
  string: [(name) => identity(name, `by_${name}`), (name) => truncate(name, 1, `by_${name}`)],
  date: [(name) => month(name, `by_${name}`)],
  decimal4: [(name) => bucket(name, 2, `by_${name}`)],
};

async function repartition(state: State): Promise<boolean> {
  const { random, model, table } = state;
  const update = new UpdatePartitionSpec();
  for (const { name } of table.spec.fields) update.removeField(name);
  const leaves = leavesOf(model.columns).filter(({ field }) => PARTITIONS[field.kind] !== undefined);
  for (const { path, field } of random.chance(30) ? [] : random.some(leaves).slice(0, 2)) {
    update.addField(random.one(PARTITIONS[field.kind] ?? [])(path.join(".")));
  }
  try {
    state.table = await table.update([update]);
  } catch (error) {
    // The name of an older field, say, which has another meaning.
    if (isLakehouseError(error, "INVALID_ARGUMENT")) return false;
    throw error;
  }
  return true;
}

async function upgrade(state: State): Promise<boolean> {
  if (state.table.metadata.formatVersion >= 3) return false;
  state.table = await state.table.update([upgradeFormatVersion(3)]);
  return true;
}

async function rollBack(state: State): Promise<boolean> {
  const ids = [...state.history.keys()];
  if (ids.length === 0) return false;
  const id = state.random.one(ids);
  state.table = await state.table.setBranch(id);
  state.model.rows = state.history.get(id) ?? [];
  return true;
}

export interface Choice {
  readonly name: string;
  readonly step: Step;
  /** How often it is chosen, beside the others. */
  readonly weight: number;
}

export const STEPS: readonly Choice[] = [
  { name: "a change of rows", step: oneChange, weight: 12 },
  { name: "a transaction", step: transaction, weight: 2 },
  { name: "deletes with whole rows", step: deleteWithWholeRows, weight: 2 },
  { name: "a rewrite of some files", step: rewriteSome, weight: 2 },
  { name: "upkeep", step: upkeep, weight: 4 },
  { name: "a new column", step: addColumn, weight: 3 },
  { name: "a dropped column", step: dropColumn, weight: 1 },
  { name: "a renamed column", step: renameColumn, weight: 1 },
  { name: "a wider column", step: widenColumn, weight: 2 },
  { name: "another partitioning", step: repartition, weight: 2 },
  { name: "a newer format version", step: upgrade, weight: 1 },
  { name: "a roll-back", step: rollBack, weight: 1 },
];

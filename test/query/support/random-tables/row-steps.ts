import { isLakehouseError } from "../../../../lib/lakehouse/errors.js";
import type { RowDelta, RowMergeOptions, Table, WriteMode } from "../../../../lib/lakehouse/iceberg/index.js";
import { anyFilter } from "./filters.js";
import {
  type Column,
  inputOf,
  type Leaf,
  leavesOf,
  type Model,
  type Row,
  sameKey,
  type Value,
} from "./model.js";
import type { Random } from "./random.js";
import { anyScalar, isFloating } from "./values.js";

export type Input = Record<string, unknown>;
/** What takes changes of rows: a table, or a transaction on it. */
export type Target = Pick<
  Table<Input>,
  "append" | "overwrite" | "deleteRows" | "updateRows" | "merge" | "rowDelta" | "truncate"
>;

const MODES: readonly WriteMode[] = ["copy-on-write", "merge-on-read"];

export function anyRow(random: Random, columns: readonly Column[]): Row {
  return new Map(
    columns.map((column): [number, Value] => {
      const { members, kind, id } = column;
      if (members === undefined) return [id, id === KEY ? random.below(6) : anyScalar(random, kind)];
      if (random.chance(20)) return [id, null];
      return [id, new Map(members.map((member) => [member.id, anyScalar(random, member.kind)]))];
    }),
  );
}

/** The id of the column `k`, which is never null. */
export const KEY = 0;

export type RowStep = (target: Target, model: Model, random: Random) => Promise<unknown>;

const appendRows: RowStep = async (target, model, random) => {
  const rows = random.many(6, () => anyRow(random, model.columns));
  await target.append(rows.map((row) => inputOf(row, model.columns)));
  model.rows = [...model.rows, ...rows];
};

const deleteByFilter: RowStep = async (target, model, random) => {
  const { expression, test } = anyFilter(random, model.columns);
  await target.deleteRows(expression, { mode: random.one(MODES) });
  model.rows = model.rows.filter((row) => test(row) !== true);
};

const overwriteByFilter: RowStep = async (target, model, random) => {
  const { expression, test } = anyFilter(random, model.columns);
  const rows = random.many(3, () => anyRow(random, model.columns));
  await target.overwrite(
    rows.map((row) => inputOf(row, model.columns)),
    { where: expression },
  );
  model.rows = [...model.rows.filter((row) => test(row) !== true), ...rows];
};

const updateByFilter: RowStep = async (target, model, random) => {
  const { expression, test } = anyFilter(random, model.columns);
  const byFunction = random.chance(30);
  const columns = random.some(model.columns.filter(({ members }) => byFunction || members === undefined));
  const set = anyRow(random, columns);
  const values = inputOf(set, columns);
  const assigned = byFunction ? () => values : (values as Record<string, never>);
  await target.updateRows(expression, assigned, { mode: random.one(MODES) });
  model.rows = model.rows.map((row) => (test(row) === true ? new Map([...row, ...set]) : row));
};

/** Floats are no delete columns. */
export function anyKey(random: Random, columns: readonly Column[]): Leaf[] {
  const leaves = leavesOf(columns).filter(({ field }) => !isFloating(field.kind));
  const key = leaves.filter(({ column }) => column.id === KEY);
  return random.chance(40) ? key : random.some(leaves);
}

/** As a stream writer deletes: by key, without a read; refused where the key does not tell the partition. */
const deleteByKey: RowStep = async (target, model, random) => {
  const key = anyKey(random, model.columns);
  const deletes = random.many(3, () =>
    // Half of them hit, where there is something to hit.
    model.rows.length > 0 && random.chance(50) ? random.one(model.rows) : anyRow(random, model.columns),
  );
  const added = random.chance(50) ? [] : random.many(3, () => anyRow(random, model.columns));
  const delta: RowDelta<Input> = {
    on: key.map(({ path }) => path.join(".")),
    deletes: deletes.map((row) => keyInput(row, key)),
    rows: added.map((row) => inputOf(row, model.columns)),
  };
  try {
    await target.rowDelta(delta);
  } catch (error) {
    if (isLakehouseError(error, "INVALID_ARGUMENT") && error.message.includes("no part of the key")) return;
    throw error;
  }
  model.rows = [...model.rows.filter((row) => !deletes.some((each) => sameKey(row, each, key))), ...added];
};

/** The columns of the key alone, and of structs the members in it. */
function keyInput(row: Row, key: readonly Leaf[]): Input {
  const columns = new Map<number, Column>();
  for (const { column, field } of key) {
    const known = columns.get(column.id);
    if (column.members === undefined) columns.set(column.id, column);
    else columns.set(column.id, { ...column, members: [...(known?.members ?? []), field] });
  }
  return inputOf(row, [...columns.values()]);
}

const mergeByKey: RowStep = async (target, model, random) => {
  const key = leavesOf(model.columns).filter(({ column }) => column.id === KEY);
  const byKey = new Map(
    random.many(4, () => anyRow(random, model.columns)).map((row) => [row.get(KEY), row]),
  );
  const rows = [...byKey.values()];
  const options: RowMergeOptions = {
    on: ["k"],
    mode: random.one(MODES),
    whenMatched: random.one(["update", "update", "delete", "ignore"]),
    whenNotMatched: random.one(["insert", "insert", "ignore"]),
  };
  await target.merge(
    rows.map((row) => inputOf(row, model.columns)),
    options,
  );
  const met = (row: Row) => rows.find((each) => sameKey(row, each, key));
  const inserted = rows.filter((row) => !model.rows.some((each) => sameKey(row, each, key)));
  const left = model.rows.flatMap((row) => {
    const source = met(row);
    if (source === undefined || options.whenMatched === "ignore") return [row];
    return options.whenMatched === "delete" ? [] : [source];
  });
  model.rows = [...left, ...(options.whenNotMatched === "insert" ? inserted : [])];
};

export const truncateAll: RowStep = async (target, model) => {
  await target.truncate();
  model.rows = [];
};

export const ROW_STEPS: readonly RowStep[] = [
  appendRows,
  appendRows,
  appendRows,
  deleteByKey,
  deleteByKey,
  deleteByKey,
  deleteByFilter,
  deleteByFilter,
  updateByFilter,
  updateByFilter,
  overwriteByFilter,
  mergeByKey,
  mergeByKey,
];

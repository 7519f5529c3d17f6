import type { CreateTableOptions } from "../../catalog/index.js";
import { invalidArgument } from "../../errors.js";
import type { Schema } from "../../iceberg/index.js";
import { checkOptions, type OptionNames } from "../../options.js";
import type { OnIncompatible, RecordColumns } from "./link.js";

/**
 * Says which of some rows of a table are not to come to it, and why, by their places among those given. After a crash a row
 * is judged again: what says the same of it each time makes each record a row or a dead letter, and never both.
 */
export type JudgeRows = (
  schema: Schema,
  rows: readonly Readonly<Record<string, unknown>>[],
) => Promise<ReadonlyMap<number, string>>;

/** How a topic becomes a table. */
export interface ToTableOptions {
  /** The subject whose versions the records' values are of: `<topic>-value` where not given. */
  readonly subject?: string | undefined;
  /** Names of columns for the parts of a record beside its value. None where not given. */
  readonly columns?: RecordColumns | undefined;
  /** Of a table that is made. */
  readonly partitionSpec?: CreateTableOptions["partitionSpec"] | undefined;
  /** Of a table that is made. */
  readonly sortOrder?: CreateTableOptions["sortOrder"] | undefined;
  /** Of a table that is made. */
  readonly properties?: Readonly<Record<string, string>> | undefined;
  /** The longest that a record waits for its commit, in milliseconds from when it is in the object store. 60,000 where not given. */
  readonly commitIntervalMs?: number | undefined;
  /** A commit is made when its records' values have this many bytes. 256 MiB where not given. */
  readonly commitBytes?: number | undefined;
  /** The topic of records that become no row: `<topic>.dead-letters` where not given. It is made when there is one. */
  readonly deadLetters?: string | undefined;
  /**
   * What to do with records of a schema that the table's cannot be widened to: `stop` (the default) with the error, or
   * make each a `dead-letter`.
   */
  readonly onIncompatible?: OnIncompatible | undefined;
  /** What makes dead letters of records whose rows the table could hold, and should not: `lake.quality.toTable` gives one. */
  readonly judge?: JudgeRows | undefined;
  /**
   * Where to begin where the table has nothing of the topic: `beginning` (the default), `end`, or an offset for each
   * partition. Offsets are also where to go on when nothing says it any more (POSITIONS_LOST), or when the partition has no
   * such offset any more (OFFSET_OUT_OF_RANGE).
   */
  readonly from?: "beginning" | "end" | Readonly<Record<number, bigint>> | undefined;
}

export const TO_TABLE_OPTIONS: OptionNames<ToTableOptions> = {
  subject: true,
  columns: true,
  partitionSpec: true,
  sortOrder: true,
  properties: true,
  commitIntervalMs: true,
  commitBytes: true,
  deadLetters: true,
  onIncompatible: true,
  judge: true,
  from: true,
};

const INTERVAL_MS = 60_000;
const BYTES = 256 * 1024 * 1024;

type Filled = "commitIntervalMs" | "commitBytes" | "onIncompatible" | "from";

export type CheckedOptions = Omit<ToTableOptions, Filled> & {
  readonly [Name in Filled]: NonNullable<ToTableOptions[Name]>;
};

/** @throws LakehouseError INVALID_ARGUMENT */
export function checkedOptions(options: ToTableOptions): CheckedOptions {
  checkOptions("toTable", options, TO_TABLE_OPTIONS);
  const {
    commitIntervalMs = INTERVAL_MS,
    commitBytes = BYTES,
    onIncompatible = "stop",
    from = "beginning",
  } = options;
  for (const [name, value] of Object.entries({ commitIntervalMs, commitBytes }))
    if (!Number.isInteger(value) || value < 1 || value > 2 ** 40)
      throw invalidArgument(name, `${name} is ${String(value)}.`, "Give a whole number from 1 on.");
  if (onIncompatible !== "stop" && onIncompatible !== "dead-letter")
    throw invalidArgument(
      "onIncompatible",
      `onIncompatible is ${JSON.stringify(onIncompatible)}.`,
      'Give "stop" or "dead-letter".',
    );
  const { judge } = options;
  if (judge !== undefined && typeof judge !== "function")
    throw invalidArgument("judge", "judge is no function.", "Give one, or use lake.quality.toTable.");
  const isFrom =
    from === "beginning" ||
    from === "end" ||
    (typeof from === "object" &&
      from !== null &&
      Object.values(from).every((offset) => typeof offset === "bigint"));
  if (!isFrom)
    throw invalidArgument(
      "from",
      "from is no place in a topic.",
      'Give "beginning", "end", or an offset for each partition, as { 0: 120n }.',
    );
  return { ...options, commitIntervalMs, commitBytes, onIncompatible, from };
}

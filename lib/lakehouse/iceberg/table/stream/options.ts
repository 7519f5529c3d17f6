import { type Abortable, invalidArgument, throwIfAborted } from "../../../errors.js";
import { checkOptions, checkText, type OptionNames } from "../../../options.js";
import type { SnapshotId } from "../../model/metadata/types.js";
import { requireWellFormed } from "../../model/values/well-formed.js";
import type { Table } from "../table.js";
import { type Clock, SYSTEM_CLOCK } from "./clock.js";

/**
 * Looks at the table as a commit would leave it, with the snapshot of the table without its rows. What it throws keeps them
 * out, and ends the stream.
 */
export type StreamAudit = (table: Table, since: SnapshotId | undefined) => Promise<void>;

/** How rows that come one by one become a table's files and commits. */
export interface StreamOptions extends Abortable {
  /**
   * The name of what the rows come from, whose offsets are kept in the table, in the commits of the rows: so each row is in
   * it once, whatever crashes. Every row then needs an offset. Without a source, rows that were written again after a
   * crash are in the table twice.
   */
  readonly source?: string | undefined;
  /** The first offset to take where the table does not say how far it has come in the source. All where not given. */
  readonly from?: bigint | undefined;
  /** `write` waits while more rows than this many bytes (as Arrow data) wait to be written to files. 64 MiB where not given. */
  readonly bufferBytes?: number | undefined;
  /** For the catalog's log. */
  readonly message?: string | undefined;
  /** @internal */
  readonly audit?: StreamAudit | undefined;
  /** @internal */
  readonly clock?: Clock | undefined;
}

const STREAM: OptionNames<StreamOptions> = {
  source: true,
  from: true,
  bufferBytes: true,
  message: true,
  signal: true,
  audit: true,
  clock: true,
};

const BUFFER_BYTES = 64 * 1024 * 1024;
/** It stands in the summary of each snapshot. */
const MOST_SOURCE_CHARACTERS = 512;
const MOST_OFFSET = 2n ** 63n - 1n;

type Filled = "bufferBytes" | "clock";

export type CheckedOptions = Omit<StreamOptions, Filled> & {
  readonly [Name in Filled]-?: NonNullable<StreamOptions[Name]>;
};

/** @throws LakehouseError INVALID_ARGUMENT, ABORTED */
export function checkedOptions(options: StreamOptions): CheckedOptions {
  checkOptions("stream", options, STREAM);
  const { source, from, bufferBytes = BUFFER_BYTES, clock = SYSTEM_CLOCK, message, audit, signal } = options;
  throwIfAborted(signal);
  if (message !== undefined) checkText("stream", "message", message);
  if (source !== undefined) {
    checkText("stream", "source", source);
    requireWellFormed(source);
    if (source === "" || source.length > MOST_SOURCE_CHARACTERS)
      throw invalidArgument(
        "source",
        `The source has ${source.length} characters.`,
        `Give it a name of 1 to ${MOST_SOURCE_CHARACTERS} characters.`,
      );
  }
  if (from !== undefined) {
    if (source === undefined)
      throw invalidArgument(
        "from",
        "from is an offset of a source, and no source is given.",
        "Name the source.",
      );
    checkOffset("from", from);
  }
  if (!Number.isSafeInteger(bufferBytes) || bufferBytes < 1)
    throw invalidArgument(
      "bufferBytes",
      `bufferBytes is ${String(bufferBytes)}.`,
      "Give a whole number from 1 on.",
    );
  return { source, from, bufferBytes, clock, message, audit, signal };
}

/** @throws LakehouseError INVALID_ARGUMENT for what is no 64-bit integer from 0 on. */
export function checkOffset(what: string, offset: unknown): asserts offset is bigint {
  if (typeof offset === "bigint" && offset >= 0n && offset <= MOST_OFFSET) return;
  throw invalidArgument(
    what,
    typeof offset === "bigint"
      ? `${what} is ${offset}.`
      : `${what} is of type ${offset === null ? "null" : typeof offset}.`,
    "Give a bigint from 0n to 9223372036854775807n: BigInt(n) makes one of a number or of text.",
  );
}

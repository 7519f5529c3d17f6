import {
  type DataFile,
  type Expression,
  fromBinary,
  isPrimitiveType,
  locateByName,
  type NestedField,
  type PlannedScan,
  plannedScans,
  type Table,
} from "../iceberg/index.js";
import { tableLayout } from "./layout.js";

/** How a table could be laid out for the queries that were seen. */
export interface LayoutAdvice {
  readonly table: string;
  /** Plans of the table that were made while it was watched. One that the engine still had is not made again. */
  readonly plans: number;
  /** The columns that these filtered by, most often first. */
  readonly columns: readonly FilteredColumn[];
  /** None where the layout serves them. */
  readonly advice: readonly Advice[];
}

export interface FilteredColumn {
  readonly column: string;
  readonly plans: number;
  /** The part of the table's bytes that these plans wanted read, from 0 to 1. */
  readonly shareRead: number;
}

/** `partition` by a unit of time, or by another one than now; `sort` by a column; `z-order` by several. */
export interface Advice {
  readonly kind: "partition" | "sort" | "z-order";
  /** As one writes it: `month("date")`, or the names of columns. */
  readonly by: readonly string[];
  readonly why: string;
}

interface Use {
  plans: number;
  bytes: bigint;
  totalBytes: bigint;
}

/** Plans beside which a column's are too few to lay a table out for. */
const RARE = 0.1;
/** The part of the bytes that a filter on a column that is served well leaves to be read, at most. */
const SERVED = 0.5;
/** What a partition should hold at the least, so that its files are worth opening. */
const PARTITION_BYTES = 32 * 1024 ** 2;
const MAX_Z_COLUMNS = 4;

/**
 * Watches what queries of this process plan, whatever lakehouse they are of, to advise on layouts. `stop` it when done.
 *
 * @example
 * const watch = await lake.maintenance.watch();
 * … the queries of a day …
 * await watch.advise("flights.bronze");
 */
export class QueryWatch {
  readonly #load: (table: string) => Promise<Table>;
  readonly #tables = new Map<string, { plans: number; columns: Map<string, Use> }>();
  readonly #stop: () => void;

  constructor(load: (table: string) => Promise<Table>) {
    this.#load = load;
    this.#stop = plannedScans.subscribe((plan) => this.#note(plan));
  }

  #note({ table, filter, bytes, totalBytes }: PlannedScan): void {
    const seen = this.#tables.get(table) ?? { plans: 0, columns: new Map<string, Use>() };
    this.#tables.set(table, seen);
    seen.plans += 1;
    for (const column of columnsOf(filter)) {
      const use = seen.columns.get(column) ?? { plans: 0, bytes: 0n, totalBytes: 0n };
      seen.columns.set(column, use);
      use.plans += 1;
      use.bytes += bytes;
      use.totalBytes += totalBytes;
    }
  }

  /**
   * What the plans since the watch began say of a table's layout.
   *
   * @throws LakehouseError NO_SUCH_TABLE
   */
  async advise(name: string): Promise<LayoutAdvice> {
    const table = await this.#load(name);
    const seen = this.#tables.get(table.location);
    // Before the table is looked at, which is a plan of it, too.
    const plans = seen?.plans ?? 0;
    const columns = [...(seen?.columns ?? [])]
      .map(([column, use]) => ({ column, plans: use.plans, shareRead: share(use) }))
      .sort((a, b) => b.plans - a.plans);
    const advice = columns.length === 0 ? [] : await adviceFor(table, plans, columns);
    if (seen !== undefined) seen.plans = plans;
    return { table: table.name, plans, columns, advice };
  }

  stop(): void {
    this.#stop();
  }
}

function share({ bytes, totalBytes }: Use): number {
  return totalBytes === 0n ? 0 : Number(bytes) / Number(totalBytes);
}

function columnsOf(filter: Expression): Set<string> {
  switch (filter.type) {
    case "true":
    case "false":
      return new Set();
    case "and":
    case "or":
      return new Set([...columnsOf(filter.left), ...columnsOf(filter.right)]);
    case "not":
      return columnsOf(filter.child);
    default:
      return new Set([typeof filter.term === "string" ? filter.term : filter.term.source]);
  }
}

async function adviceFor(
  table: Table,
  plans: number,
  columns: readonly FilteredColumn[],
): Promise<readonly Advice[]> {
  const advice: Advice[] = [];
  const sortBy: string[] = [];
  const { tasks } = await table.scan().planAll();
  const bytes = tasks.reduce((sum, { dataFile }) => sum + Number(dataFile.fileSizeInBytes), 0);
  for (const { column, plans: own, shareRead } of columns) {
    const field = locateByName(table.schema, column)?.field;
    if (field === undefined || own < plans * RARE || shareRead <= SERVED) continue;
    const why = `${own} of ${plans} plans filter by it, and read ${Math.round(shareRead * 100)}% of the bytes`;
    const span = daysOf(
      field,
      tasks.map(({ dataFile }) => dataFile),
    );
    const unit = span === undefined ? undefined : unitFor(bytes / span);
    const isPartitioned = table.spec.fields.some(({ sourceIds }) => sourceIds[0] === field.id);
    if (unit !== undefined && !isPartitioned) {
      advice.push({ kind: "partition", by: [`${unit}(${JSON.stringify(column)})`], why });
    } else if (isPrimitiveType(field.type)) sortBy.push(column);
  }
  const [first, second] = sortBy;
  if (first !== undefined) {
    const why = "plans filter by it, and leave out less than half of the bytes";
    advice.push(
      second === undefined
        ? { kind: "sort", by: [first], why }
        : { kind: "z-order", by: sortBy.slice(0, MAX_Z_COLUMNS), why },
    );
  }
  return [...advice, ...(await tooFine(table))];
}

const DAYS: Readonly<Record<string, number>> = { hour: 1 / 24, day: 1, month: 30, year: 365 };
const COARSER = ["hour", "day", "month", "year"] as const;

/** The finest unit of time whose partitions are large enough. */
function unitFor(bytesPerDay: number): string | undefined {
  return COARSER.slice(1).find((unit) => bytesPerDay * (DAYS[unit] ?? 0) >= PARTITION_BYTES);
}

/** Partitions by time that are so small that their files are mostly overhead. */
async function tooFine(table: Table): Promise<readonly Advice[]> {
  const field = table.spec.fields.find(({ transform }) => transform.transform in DAYS);
  if (field === undefined) return [];
  const { partitions, bytes } = await tableLayout(table);
  const each = bytes / Math.max(1, partitions);
  if (partitions <= 10 || each >= PARTITION_BYTES / 4) return [];
  const now = field.transform.transform as (typeof COARSER)[number];
  const perDay = each / (DAYS[now] ?? 1);
  const unit = unitFor(perDay) ?? "year";
  if (COARSER.indexOf(unit as (typeof COARSER)[number]) <= COARSER.indexOf(now)) return [];
  const source = table.schema.fields.find(({ id }) => id === field.sourceIds[0])?.name ?? field.name;
  const why = `its ${partitions} partitions by ${now} have ${Math.round(each / 1000)} kB each`;
  return [{ kind: "partition", by: [`${unit}(${JSON.stringify(source)})`], why }];
}

const MICROS_PER_DAY = 86_400_000_000;

/** The days that a column of time spans, by the files' bounds; `undefined` for another type, or where none has bounds. */
function daysOf({ id, type }: NestedField, files: readonly DataFile[]): number | undefined {
  if (!isPrimitiveType(type)) return undefined;
  const isTime = type.type === "date" || type.type === "timestamp" || type.type === "timestamptz";
  if (!isTime) return undefined;
  const ends = files.flatMap(({ lowerBounds, upperBounds }) =>
    [lowerBounds?.get(id), upperBounds?.get(id)].flatMap((bound) =>
      bound === undefined ? [] : Number(fromBinary(type, bound)),
    ),
  );
  if (ends.length === 0) return undefined;
  const span = ends.reduce((a, b) => Math.max(a, b)) - ends.reduce((a, b) => Math.min(a, b));
  return 1 + (type.type === "date" ? span : span / MICROS_PER_DAY);
}

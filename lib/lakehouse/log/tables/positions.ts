import { CARRIED, carriedUnder, type Table } from "../../iceberg/index.js";
import { positionsLost } from "../errors.js";

/** How far a table has taken in a topic: for each partition that it has begun, the next offset. */
export type Positions = ReadonlyMap<number, bigint>;

/** What a snapshot says of a topic. */
export interface Progress {
  readonly positions: Positions;
  /** The offset of the dead letters' topic behind those that are of records before the positions. */
  readonly letters: bigint;
}

/** A topic that is made anew under its name has another id, and begins at 0 again. */
function summaryKey(topicId: string): string {
  return `${CARRIED}log.${topicId}`;
}

export function progressSummary(topicId: string, { positions, letters }: Progress): Record<string, string> {
  const offsets = [...positions].sort(([a], [b]) => a - b).map(([number, offset]) => `${number}:${offset}`);
  return { [summaryKey(topicId)]: `${offsets.join(",")};${letters}` };
}

function parseProgress(text: string, name: string): Progress {
  const [offsets = "", letters = "", ...more] = text.split(";");
  const pairs = offsets === "" ? [] : offsets.split(",").map((pair) => /^(\d{1,9}):(\d{1,19})$/.exec(pair));
  if (more.length > 0 || !/^\d{1,19}$/.test(letters) || pairs.includes(null))
    throw positionsLost(
      name,
      `A snapshot of ${name} has ${JSON.stringify(text)} for the offsets of its topic.`,
      AGAIN,
    );
  return {
    positions: new Map(pairs.map((pair) => [Number(pair?.[1]), BigInt(pair?.[2] ?? 0)])),
    letters: BigInt(letters),
  };
}

const AGAIN = "Look which records it has, and begin a new table, or say with `from` where to go on.";

/**
 * How far the table's current snapshot has taken in a topic. The history of the table's main branch decides: the nearest
 * snapshot that says, whoever made those since. So a rollback takes the positions back with the rows.
 *
 * Snapshots that expired are looked for in the metadata files that the table remembers, and those that these remember.
 *
 * @returns `undefined` where the table has none of the topic.
 * @throws LakehouseError POSITIONS_LOST where snapshots have expired of which one may have said it.
 */
export async function progressOf(
  table: Pick<Table, "store" | "metadata" | "name">,
  topicId: string,
): Promise<Progress | undefined> {
  const { text, isCertain } = await carriedUnder(table, summaryKey(topicId));
  if (text !== undefined) return parseProgress(text, table.name);
  if (isCertain) return undefined;
  throw positionsLost(
    table.name,
    `Snapshots of ${table.name} have expired, and no one that it has says how far it has taken in the topic.`,
    AGAIN,
  );
}

export function sameProgress(a: Progress | undefined, b: Progress | undefined): boolean {
  return progressText(a) === progressText(b);
}

const progressText = (progress: Progress | undefined) =>
  progress === undefined ? "" : JSON.stringify(progressSummary("", progress));

import {
  CARRIED,
  readTableMetadata,
  type Snapshot,
  type Table,
  type TableMetadata,
} from "../../iceberg/index.js";
import { objectNotFound } from "../../storage/index.js";
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
 * Snapshots that expired are looked for in the metadata files that the table remembers.
 *
 * @returns `undefined` where the table has none of the topic.
 * @throws LakehouseError POSITIONS_LOST where snapshots have expired of which one may have said it.
 */
export async function progressOf(
  table: Pick<Table, "store" | "metadata" | "name">,
  topicId: string,
): Promise<Progress | undefined> {
  const key = summaryKey(topicId);
  const history = new History(table);
  for (let id = table.metadata.currentSnapshotId; id !== undefined; ) {
    const snapshot = await history.find(id);
    if (snapshot === undefined)
      throw positionsLost(
        table.name,
        `Snapshots of ${table.name} have expired, and no one that it has says how far it has taken in the topic.`,
        AGAIN,
      );
    const text = snapshot.summary?.[key];
    if (text !== undefined) return parseProgress(text, table.name);
    id = snapshot.parentSnapshotId;
  }
  return undefined;
}

export function sameProgress(a: Progress | undefined, b: Progress | undefined): boolean {
  return progressText(a) === progressText(b);
}

const progressText = (progress: Progress | undefined) =>
  progress === undefined ? "" : JSON.stringify(progressSummary("", progress));

class History {
  readonly #table: Pick<Table, "store" | "metadata">;
  readonly #known = new Map<bigint, Snapshot>();
  readonly #earlier: string[];

  constructor(table: Pick<Table, "store" | "metadata">) {
    this.#table = table;
    this.#earlier = table.metadata.metadataLog.map(({ metadataFile }) => metadataFile);
    this.#add(table.metadata);
  }

  #add({ snapshots }: Pick<TableMetadata, "snapshots">): void {
    for (const snapshot of snapshots) this.#known.set(snapshot.snapshotId, snapshot);
  }

  async find(id: bigint): Promise<Snapshot | undefined> {
    while (!this.#known.has(id) && this.#earlier.length > 0) {
      const file = this.#earlier.pop() as string;
      try {
        this.#add(await readTableMetadata(this.#table.store, file));
      } catch (error) {
        if (!objectNotFound.is(error)) throw error;
      }
    }
    return this.#known.get(id);
  }
}

import { positionLost } from "../../errors.js";
import { CARRIED } from "../snapshot/carried.js";
import { carriedUnder, type PastState } from "../snapshot/past.js";

/**
 * The key of a snapshot's summary that says the last offset of a source whose rows the table has. It is carried from
 * snapshot to snapshot, so it outlives the one that set it, and a rollback takes it back with the rows.
 */
const keyOf = (source: string) => `${CARRIED}stream.${source}`;

export function positionSummary(source: string, offset: bigint): Record<string, string> {
  return { [keyOf(source)]: String(offset) };
}

/**
 * The last offset of a source that the table has; `undefined` where it has none.
 *
 * @param from where to go on where nothing says it.
 * @throws LakehouseError POSITION_LOST where snapshots have expired of which one may have said it.
 */
export async function positionOf(
  table: PastState & { readonly name: string },
  source: string,
  from: bigint | undefined,
): Promise<bigint | undefined> {
  const { text, isCertain } = await carriedUnder(table, keyOf(source));
  if (text !== undefined) {
    if (/^\d{1,19}$/.test(text)) return BigInt(text);
    throw positionLost(
      table.name,
      `A snapshot of ${table.name} has ${JSON.stringify(text)} for the offset of ${JSON.stringify(source)}.`,
      AGAIN,
    );
  }
  if (isCertain || from !== undefined) return undefined;
  throw positionLost(
    table.name,
    `Snapshots of ${table.name} have expired, and none that is left says how far it has come in ${JSON.stringify(source)}.`,
    AGAIN,
  );
}

const AGAIN =
  "Look which of its rows the table has, and name the first offset to take: table.stream({ source, from: 0n }) takes all.";

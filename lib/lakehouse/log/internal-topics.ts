/** Topics of the log's own: groups, offsets and transactions are in them. */
import { createHash } from "node:crypto";
import { internalTopic } from "./errors.js";

/** Topics of the log's own begin with it: clients neither make, change nor delete them, nor append to them. */
const INTERNAL = "__";
export const GROUP_TOPIC = "__groups";
/** Of a new log: each may have a coordinator of its own. */
export const GROUP_PARTITIONS = 8;
export const TRANSACTION_TOPIC = "__transaction_state";
export const PRODUCER_ID_TOPIC = "__producer_ids";

export function isInternal(name: string): boolean {
  return name.startsWith(INTERNAL);
}

/** Of a topic of the log's own: a UUID (version 8) that follows from the name. */
export function internalId(name: string): string {
  const hash = createHash("sha256").update(name).digest("hex");
  const parts = [hash.slice(0, 8), hash.slice(8, 12), `8${hash.slice(13, 16)}`, `8${hash.slice(17, 20)}`];
  return [...parts, hash.slice(20, 32)].join("-");
}

/** Other topics have a UUID of version 4. */
export function isInternalId(id: string): boolean {
  return id[14] === "8";
}

export function checkNotInternal(name: string): void {
  if (isInternal(name)) refuseInternal(name);
}

export function refuseInternal(name: string): never {
  throw internalTopic(
    name,
    `${name} is a topic of the log's own: topics whose names begin with ${INTERNAL} are.`,
    "Use another name.",
  );
}

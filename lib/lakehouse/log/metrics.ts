import { eventChannel, metric } from "../observability/index.js";

/** Record batches that a reader got. */
export interface LogRead {
  /** From the writer's memory, from the cache of blocks, or from the object store. */
  readonly source: "memory" | "cache" | "store";
  readonly bytes: number;
}

export const logReads = eventChannel<LogRead>("log.read");

/** Record batches that were acknowledged. */
export interface LogAppend {
  readonly ack: "wal" | "stored";
  readonly bytes: number;
}

export const logAppends = eventChannel<LogAppend>("log.append");

export const metrics = [
  metric(
    logReads,
    {
      name: "log.read.bytes",
      kind: "counter",
      unit: "By",
      help: "Bytes of record batches that were read, by where they came from.",
    },
    { value: ({ bytes }) => bytes, labels: ({ source }) => ({ source }) },
  ),
  metric(
    logAppends,
    {
      name: "log.append.bytes",
      kind: "counter",
      unit: "By",
      help: "Bytes of record batches that were acknowledged.",
    },
    { value: ({ bytes }) => bytes, labels: ({ ack }) => ({ ack }) },
  ),
];

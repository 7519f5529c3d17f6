import type { StateFormat } from "../../../lib/lakehouse/log/state/state-topic.js";

/** A map of numbers. */
export const NUMBERS: StateFormat<number> = {
  version: 1,
  write: (number) => ({ number }),
  read: (fields) => fields.integer("number"),
};

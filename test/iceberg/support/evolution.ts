import { expect } from "vitest";
import {
  applyUpdates,
  currentSchema,
  date,
  defineSchema,
  float,
  int,
  list,
  long,
  map,
  type NewTable,
  newTableMetadata,
  string,
  struct,
  type TableMetadata,
  timestamp,
} from "../../../lib/lakehouse/iceberg/index.js";
import type { PendingUpdate } from "../../../lib/lakehouse/iceberg/table/snapshot/pending.js";
export const schema = defineSchema(
  {
    id: long(),
    n: int().optional(),
    f: float().optional(),
    ts: timestamp().optional(),
    d: date().optional(),
    place: struct({ city: string().optional(), zip: int().optional() }).optional(),
    points: list(struct({ x: int() })).optional(),
    attrs: map(string(), struct({ v: int().optional() })).optional(),
  },
  { identifier: ["id"] },
);
export const create = (more: Partial<NewTable> = {}) =>
  newTableMetadata({ schema, location: "s3://t", ...more });
export const table = create();

export async function commit(base: TableMetadata, change: PendingUpdate): Promise<TableMetadata> {
  const { updates } = await change.propose(base);
  return applyUpdates(base, updates);
}
export const names = (metadata: TableMetadata) => currentSchema(metadata).fields.map((field) => field.name);
export const refusedSchema = expect.objectContaining({ code: "INVALID_SCHEMA" });
export const refused = expect.objectContaining({ code: "INVALID_ARGUMENT" });

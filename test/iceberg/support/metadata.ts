import {
  defineSchema,
  int,
  parseTableMetadata,
  type Snapshot,
  string,
  timestamp,
} from "../../../lib/lakehouse/iceberg/index.js";
export const schema = defineSchema({ ts: timestamp(), n: int(), note: string().optional() });

export const snapshot = (id: bigint, more: Partial<Snapshot> = {}): Snapshot => ({
  snapshotId: id,
  sequenceNumber: 1n,
  timestampMs: 1515100955770n,
  manifestList: "s3://b/wh/s1.avro",
  summary: { operation: "append", "added-records": "3" },
  schemaId: 0,
  ...more,
});

export const V1 = {
  "format-version": 1,
  location: "s3://b/t",
  "last-updated-ms": 1515100955770,
  "last-column-id": 2,
  schema: {
    type: "struct",
    fields: [
      { id: 1, name: "a", required: true, type: "int" },
      { id: 2, name: "d", required: false, type: "date" },
    ],
  },
  "partition-spec": [{ name: "d", transform: "identity", "source-id": 2 }],
};
export const V2 = {
  "format-version": 2,
  "table-uuid": "fb072c92-a02b-11e9-ae9c-1bb7bc9eca94",
  location: "s3://b/t",
  "last-sequence-number": 0,
  "last-updated-ms": 1515100955770,
  "last-column-id": 1,
  schemas: [{ type: "struct", "schema-id": 0, fields: [{ id: 1, name: "a", required: true, type: "int" }] }],
  "current-schema-id": 0,
  "partition-specs": [{ "spec-id": 0, fields: [] }],
  "default-spec-id": 0,
  "last-partition-id": 999,
  "sort-orders": [{ "order-id": 0, fields: [] }],
  "default-sort-order-id": 0,
};
export const parse = (json: object) => parseTableMetadata(JSON.stringify(json), "t/v1.metadata.json");

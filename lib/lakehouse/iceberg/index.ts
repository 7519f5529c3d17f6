/**
 * The Iceberg table format, versions 1 to 3, by the words of its spec: schemas, partitioning, expressions, metadata,
 * manifests, snapshots, scans. One folder a concept. The format never knows which catalog it is in: everything that
 * changes a table becomes requirements + updates that a `Committer` applies.
 */
export * from "./arrow/index.js";
export { type AvroData, readAvroData } from "./avro/index.js";
export * from "./data/index.js";
export * from "./deletes/index.js";
export * from "./errors.js";
export * from "./evolution/index.js";
export * from "./expressions/index.js";
export {
  type Json,
  type JsonInput,
  JsonNode,
  type JsonOrigin,
  parseJson,
  RawJson,
  readJson,
  stringifyJson,
} from "./json.js";
export * from "./manifest/index.js";
export * from "./metadata/index.js";
export * from "./metadata-columns.js";
export * from "./partitioning/index.js";
export * from "./puffin/index.js";
export * from "./relocation/index.js";
export * from "./row-lineage.js";
export * from "./scan/index.js";
export * from "./schema/index.js";
export * from "./snapshot/index.js";
export * from "./table/index.js";
export type * from "./types.js";
export * from "./updates/index.js";
export * from "./values/index.js";
export * from "./variant/index.js";
export * from "./view/index.js";

/** Between Iceberg and Arrow: schemas both ways, values out of Arrow's buffers, rows and foreign batches into them. */
export { batchConformer, conformBatches } from "./conform.js";
export { type ByteRanges, byteRanges, canonicalReader, nullTest } from "./read.js";
export { type BatchLimits, rowsToBatches, validateRow } from "./rows.js";
export { arrowToSchema, FIELD_ID_KEY, schemaToArrow, storedSchema, typeToArrow } from "./schema.js";

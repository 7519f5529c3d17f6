/** Between Iceberg and Arrow: schemas both ways, and values out of Arrow's buffers. */
export { type ByteRanges, byteRanges, canonicalReader, nullTest } from "./read.js";
export { arrowToSchema, FIELD_ID_KEY, schemaToArrow, storedSchema, typeToArrow } from "./schema.js";

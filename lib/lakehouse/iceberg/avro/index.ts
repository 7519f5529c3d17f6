/**
 * Avro object containers, as far as Iceberg needs them: manifests and manifest lists, written with all field ids,
 * read by field id from any writer. Decoders are compiled once per writer schema and pass over unwanted columns.
 */
export { AvroFile, type AvroHeader, AvroWriter, PreparedSchema } from "./container.js";
export { Cursor } from "./cursor.js";
export { type AvroData, readAvroData } from "./data-rows.js";
export { compileDecoder, compileProjection, type Decoder, optionalDecoder, type Wanted } from "./decode.js";
export { compatibleName, structToAvro } from "./from-iceberg.js";
export { compileMarker, compileSkipper, minimumSize } from "./skip.js";
export {
  type AvroArray,
  type AvroField,
  type AvroRecord,
  type AvroSchemaJson,
  type AvroType,
  parseAvroSchema,
} from "./types.js";
export { withoutNull } from "./wanted.js";

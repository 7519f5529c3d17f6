import { stringifyJson } from "../../model/json.js";
import type { FormatVersion } from "../../model/metadata/types.js";
import { schemaToJson } from "../../model/schema/json.js";
import type { FieldId, IcebergType, NestedField, Schema, StructType } from "../../model/types/types.js";

/** The structs of manifests and manifest lists, as the spec's tables of field ids give them. */

const INT: IcebergType = { type: "int" };
const LONG: IcebergType = { type: "long" };
const STRING: IcebergType = { type: "string" };
const BINARY: IcebergType = { type: "binary" };

function required(id: FieldId, name: string, type: IcebergType): NestedField {
  return { id, name, required: true, type };
}

function optional(id: FieldId, name: string, type: IcebergType): NestedField {
  return { id, name, required: false, type };
}

function metric(
  id: FieldId,
  name: string,
  keyId: FieldId,
  valueId: FieldId,
  value: IcebergType,
): NestedField {
  return optional(id, name, { type: "map", keyId, key: INT, valueId, valueRequired: true, value });
}

function list(id: FieldId, name: string, elementId: FieldId, element: IcebergType): NestedField {
  return optional(id, name, { type: "list", elementId, elementRequired: true, element });
}

/** Spec, "Data File Fields". `partition` is the struct of the manifest's partition spec. */
function dataFileStruct(version: FormatVersion, partition: StructType): StructType {
  const fields: NestedField[] = [];
  if (version >= 2) fields.push(required(134, "content", INT));
  fields.push(
    required(100, "file_path", STRING),
    required(101, "file_format", STRING),
    required(102, "partition", partition),
    required(103, "record_count", LONG),
    required(104, "file_size_in_bytes", LONG),
  );
  if (version === 1) fields.push(required(105, "block_size_in_bytes", LONG));
  fields.push(
    metric(108, "column_sizes", 117, 118, LONG),
    metric(109, "value_counts", 119, 120, LONG),
    metric(110, "null_value_counts", 121, 122, LONG),
    metric(137, "nan_value_counts", 138, 139, LONG),
    metric(125, "lower_bounds", 126, 127, BINARY),
    metric(128, "upper_bounds", 129, 130, BINARY),
    optional(131, "key_metadata", BINARY),
    list(132, "split_offsets", 133, LONG),
  );
  if (version >= 2) fields.push(list(135, "equality_ids", 136, INT));
  fields.push(optional(140, "sort_order_id", INT));
  if (version >= 3) fields.push(optional(142, "first_row_id", LONG));
  if (version >= 2) fields.push(optional(143, "referenced_data_file", STRING));
  if (version >= 3) {
    fields.push(optional(144, "content_offset", LONG), optional(145, "content_size_in_bytes", LONG));
  }
  return { type: "struct", fields };
}

/** Spec, "Manifest Entry Fields". */
export function manifestEntryStruct(version: FormatVersion, partition: StructType): StructType {
  const fields: NestedField[] = [
    required(0, "status", INT),
    version === 1 ? required(1, "snapshot_id", LONG) : optional(1, "snapshot_id", LONG),
  ];
  if (version >= 2) {
    fields.push(optional(3, "sequence_number", LONG), optional(4, "file_sequence_number", LONG));
  }
  fields.push(required(2, "data_file", dataFileStruct(version, partition)));
  return { type: "struct", fields };
}

/** Spec, "Manifest Lists": `manifest_file`. */
export function manifestFileStruct(version: FormatVersion): StructType {
  const count = version === 1 ? optional : required;
  const fields: NestedField[] = [
    required(500, "manifest_path", STRING),
    required(501, "manifest_length", LONG),
    required(502, "partition_spec_id", INT),
  ];
  if (version >= 2) {
    fields.push(
      required(517, "content", INT),
      required(515, "sequence_number", LONG),
      required(516, "min_sequence_number", LONG),
    );
  }
  const summary: StructType = {
    type: "struct",
    fields: [
      required(509, "contains_null", { type: "boolean" }),
      optional(518, "contains_nan", { type: "boolean" }),
      optional(510, "lower_bound", BINARY),
      optional(511, "upper_bound", BINARY),
    ],
  };
  fields.push(
    required(503, "added_snapshot_id", LONG),
    count(504, "added_files_count", INT),
    count(505, "existing_files_count", INT),
    count(506, "deleted_files_count", INT),
    count(512, "added_rows_count", LONG),
    count(513, "existing_rows_count", LONG),
    count(514, "deleted_rows_count", LONG),
    list(507, "partitions", 508, summary),
    optional(519, "key_metadata", BINARY),
  );
  if (version >= 3) fields.push(optional(520, "first_row_id", LONG));
  return { type: "struct", fields };
}

const texts = new WeakMap<Schema, string>();

/** A schema as the heads of Avro files carry it. Kept by schema: every manifest of a table writes the same one. */
export function schemaText(schema: Schema): string {
  let text = texts.get(schema);
  if (text === undefined) {
    text = stringifyJson(schemaToJson(schema));
    texts.set(schema, text);
  }
  return text;
}

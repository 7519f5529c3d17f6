import type { ReadSchema, RowReader, SchemaSource } from "../schema.js";
import { avroRefusals } from "./compatible.js";
import { avroRows } from "./rows.js";
import { type AvroDocument, type AvroNode, parseAvro } from "./types.js";

/** @throws LakehouseError INVALID_RECORD_SCHEMA */
export function readAvroSchema(source: SchemaSource): ReadSchema {
  return new AvroReadSchema(parseAvro(source));
}

class AvroReadSchema implements ReadSchema {
  readonly type = "AVRO";
  readonly canonical: string;
  readonly node: AvroNode;

  constructor({ node, canonical }: AvroDocument) {
    this.node = node;
    this.canonical = canonical;
  }

  refusals(writer: ReadSchema): string[] {
    return avroRefusals(this.node, (writer as AvroReadSchema).node);
  }

  rows(): RowReader {
    return avroRows(this.node);
  }
}

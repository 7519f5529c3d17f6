import type { ReadSchema, RowReader, SchemaSource } from "../schema.js";
import { protobufRefusals } from "./compatible.js";
import { loadProtobuf, type ProtobufDocument } from "./load.js";
import { protobufRows } from "./rows.js";

/** @throws LakehouseError INVALID_RECORD_SCHEMA */
export function readProtobufSchema(source: SchemaSource): ReadSchema {
  return new ProtobufReadSchema(loadProtobuf(source));
}

class ProtobufReadSchema implements ReadSchema {
  readonly type = "PROTOBUF";
  readonly canonical: string;
  readonly document: ProtobufDocument;

  constructor(document: ProtobufDocument) {
    this.document = document;
    this.canonical = document.canonical;
  }

  refusals(writer: ReadSchema): string[] {
    return protobufRefusals(this.document, (writer as ProtobufReadSchema).document);
  }

  rows(): RowReader {
    return protobufRows(this.document);
  }
}

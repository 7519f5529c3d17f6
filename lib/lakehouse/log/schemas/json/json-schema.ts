import { invalid, type ReadSchema, type RowReader, type SchemaSource } from "../schema.js";
import { checkJsonSchema } from "./check.js";
import { jsonRows } from "./columns.js";
import { jsonRefusals } from "./compatible.js";
import type { JsonNode, JsonSchema } from "./nodes.js";

/** @throws LakehouseError INVALID_RECORD_SCHEMA */
export function readJsonSchema({ text, references }: SchemaSource): JsonReadSchema {
  const document = parse(text);
  const others = new Map(references.map(({ name, text }) => [name, parse(text)]));
  const root = { schema: document, document, others };
  checkJsonSchema(root);
  return new JsonReadSchema(root);
}

class JsonReadSchema implements ReadSchema {
  readonly type = "JSON";
  readonly canonical: string;
  readonly root: JsonNode;

  constructor(root: JsonNode) {
    this.root = root;
    this.canonical = JSON.stringify(root.schema);
  }

  refusals(writer: ReadSchema): string[] {
    return jsonRefusals(this.root, (writer as JsonReadSchema).root);
  }

  rows(): RowReader {
    return jsonRows(this.root);
  }
}

function parse(text: string): JsonSchema {
  let schema: unknown;
  try {
    schema = JSON.parse(text);
  } catch (cause) {
    throw invalid("JSON", (cause as Error).message, cause);
  }
  if (
    typeof schema === "boolean" ||
    (typeof schema === "object" && schema !== null && !Array.isArray(schema))
  )
    return schema as JsonSchema;
  throw invalid("JSON", "it is neither an object, nor true or false");
}

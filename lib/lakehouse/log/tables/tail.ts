import type { RecordBatch } from "apache-arrow";
import type { LakehouseError } from "../../errors.js";
import { allFields, invalidSchema, type NestedField, type Schema, type Table } from "../../iceberg/index.js";
import type { LogCore } from "../core.js";
import { topicDeleted } from "../errors.js";
import type { SchemaRegistry } from "../schemas/registry.js";
import { covering, RecordDecoder, type SchemaRows } from "./decode.js";
import { linkOf } from "./link.js";
import { progressOf } from "./positions.js";
import { rowBatches } from "./row-batches.js";
import { TopicSource } from "./topic-source.js";

/** The rows that a table will have, and has not yet. */
export interface TableTail {
  /** The table's, widened where records need it. */
  readonly schema: Schema;
  readonly batches: AsyncIterable<RecordBatch>;
}

/**
 * The records of a table's topic behind those that a snapshot of the table has, up to the last that is acknowledged now:
 * with the snapshot's rows, they are the whole topic, each record once. Those that become no row are left out.
 *
 * @param table with the snapshot as its current one.
 * @returns `undefined` for a table that is made of no topic.
 * @throws LakehouseError NO_SUCH_TOPIC, POSITIONS_LOST, OFFSET_OUT_OF_RANGE; INVALID_SCHEMA for records that the table cannot
 *   be widened for, where its stream stops at them
 */
export async function tailOf(
  core: LogCore,
  registry: SchemaRegistry,
  table: Pick<Table, "name" | "metadata" | "store" | "properties" | "schema">,
): Promise<TableTail | undefined> {
  const link = linkOf(table);
  if (link === undefined) return undefined;
  const topic = await core.topic(link.topic);
  if (topic.id !== link.topicId) throw topicDeleted(link.topic);
  const progress = await progressOf(table, topic.id);
  const source = await TopicSource.open(core, topic, progress?.positions ?? new Map(), "acknowledged");
  await source.check();
  const ends = await source.ends();
  // What is before the ends has a schema that is known now.
  const decoder = new RecordDecoder(registry, link);
  await decoder.refresh();
  const refused = new Map<SchemaRows, LakehouseError>();
  let { metadata, schema } = table;
  for (const rows of await decoder.versions()) {
    try {
      schema = covering(schema, rows.fields).apply(metadata);
      metadata = withSchema(metadata, schema);
    } catch (error) {
      if (!invalidSchema.is(error)) throw error;
      refused.set(rows, error);
      if (link.onIncompatible === "dead-letter") decoder.refuse(rows, error.message);
    }
  }
  async function* batches(): AsyncGenerator<RecordBatch> {
    for (let chunk = await source.next(ends); chunk !== undefined; chunk = await source.next(ends)) {
      for (const needed of await decoder.schemasOf(chunk.records)) {
        const error = refused.get(needed);
        if (error !== undefined) throw error;
      }
      yield* await rowBatches(decoder, schema, chunk, []);
    }
  }
  return { schema, batches: batches() };
}

function withSchema(metadata: Table["metadata"], schema: Schema): Table["metadata"] {
  const schemaId = metadata.currentSchemaId;
  const others = metadata.schemas.filter((each) => each.schemaId !== schemaId);
  const lastColumnId = Math.max(metadata.lastColumnId, ...idsIn(schema.fields));
  return { ...metadata, schemas: [...others, { ...schema, schemaId }], lastColumnId };
}

function idsIn(fields: readonly NestedField[]): number[] {
  return [...allFields({ fields })].map(({ field }) => field.id);
}

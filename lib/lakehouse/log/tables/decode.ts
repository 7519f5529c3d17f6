import { unsupported } from "../../errors.js";
import { type NestedField, type Schema, UpdateSchema } from "../../iceberg/index.js";
import { invalidRecordSchema, noSuchSchema, noSuchSubject } from "../errors.js";
import type { LogRecord } from "../records/read-records.js";
import type { SchemaRegistry } from "../schemas/registry.js";
import { BadValue, type ReadRow, type RowReader } from "../schemas/schema.js";
import { partFields, RECORD_PARTS, type RecordPart, type TableLink } from "./link.js";
import { FRAME_BYTES, framedId, namedInHeader } from "./schema-names.js";

/** A record that becomes no row, and why. */
export interface BadRecord {
  readonly partition: number;
  readonly record: LogRecord;
  readonly reason: string;
}

/** What one schema's values become, in a table with the columns of the record's parts. */
export interface SchemaRows {
  readonly reader: RowReader;
  /** Of the values and of the records' parts. */
  readonly fields: readonly NestedField[];
}

/** Knows the schemas of one topic's records, and makes rows of them. */
export class RecordDecoder {
  readonly #registry: SchemaRegistry;
  readonly #link: TableLink;
  /** By the schema's id; why there is none, for an id that no record of the topic may have. */
  readonly #rows = new Map<number, SchemaRows | BadValue>();
  readonly #refused = new Map<number, BadValue>();
  /** The ids of schemas that records have named by their GUIDs. */
  readonly #guids = new Map<string, number>();
  /** Of JSON that does not name its schema: the last version of the subject. */
  #latest: number | undefined;

  constructor(registry: SchemaRegistry, link: TableLink) {
    this.#registry = registry;
    this.#link = link;
  }

  /**
   * Looks for the subject's last version, which values go by that do not name theirs.
   *
   * @throws LakehouseError UNSUPPORTED_FEATURE for a schema that no table can hold.
   */
  async refresh(): Promise<SchemaRows | undefined> {
    let latest: { readonly id: number };
    try {
      latest = await this.#registry.version(this.#link.subject, "latest");
    } catch (error) {
      if (!noSuchSubject.is(error)) throw error;
      this.#latest = undefined;
      return undefined;
    }
    this.#latest = latest.id;
    const rows = await this.#load(latest.id);
    if (rows instanceof BadValue) throw unsupported(this.#link.subject, rows.reason);
    return rows;
  }

  /** The schemas that records may have: all versions of the subject. */
  async versions(): Promise<SchemaRows[]> {
    const { subject } = this.#link;
    const known = await this.#registry.subjects({ deleted: true });
    const numbers = known.includes(subject) ? await this.#registry.versions(subject, { deleted: true }) : [];
    const found: SchemaRows[] = [];
    for (const number of numbers) {
      const { id } = await this.#registry.version(subject, number, { deleted: true });
      const rows = await this.#load(id);
      if (!(rows instanceof BadValue)) found.push(rows);
    }
    return found;
  }

  /** The schemas that records need. Records without one are bad. */
  async schemasOf(records: readonly LogRecord[]): Promise<SchemaRows[]> {
    const ids = new Set<number | undefined>();
    for (const record of records) {
      const header = namedInHeader(record);
      if (header === undefined) ids.add(framedId(record.value) ?? this.#latest);
      else ids.add(typeof header.schema === "string" ? await this.#idOf(header.schema) : header.schema);
    }
    const found: SchemaRows[] = [];
    for (const id of ids) {
      const rows = id === undefined ? undefined : await this.#load(id);
      if (rows !== undefined && !(rows instanceof BadValue)) found.push(rows);
    }
    return found;
  }

  /** Rows for records of a partition whose schemas were asked for, or why there is none; one for each. */
  decode(partition: number, records: readonly LogRecord[]): ReadRow[] {
    const rows = new Array<ReadRow>(records.length);
    const groups = new Map<number, { readonly places: number[]; readonly values: Uint8Array[] }>();
    for (let i = 0; i < records.length; i++) {
      const record = records[i] as LogRecord;
      const { value } = record;
      const header = namedInHeader(record);
      const id = header === undefined ? framedId(value) : this.#known(header.schema);
      const schema = header === undefined ? (id ?? this.#latest) : id;
      if (value === null) rows[i] = new BadValue("it has no value");
      else if (header !== undefined && schema === undefined)
        rows[i] = new BadValue(
          header.schema === undefined
            ? "its header names no schema"
            : `the registry has no schema ${header.schema}, which its header names`,
        );
      else if (schema === undefined)
        rows[i] = new BadValue(`it names no schema, and ${this.#link.subject} has none`);
      else {
        let group = groups.get(schema);
        if (group === undefined) {
          group = { places: [], values: [] };
          groups.set(schema, group);
        }
        group.places.push(i);
        group.values.push(header?.value ?? (id === undefined ? value : value.subarray(FRAME_BYTES)));
      }
    }
    for (const [id, { places, values }] of groups) {
      const known = this.#refused.get(id) ?? (this.#rows.get(id) as SchemaRows | BadValue);
      const read = known instanceof BadValue ? values.map(() => known) : known.reader.read(values);
      for (let i = 0; i < places.length; i++) rows[places[i] as number] = read[i] as ReadRow;
    }
    this.#addParts(partition, records, rows);
    return rows;
  }

  #addParts(partition: number, records: readonly LogRecord[], rows: readonly ReadRow[]): void {
    for (const [part, column] of Object.entries(this.#link.columns) as [RecordPart, string][]) {
      const { read } = RECORD_PARTS[part];
      for (const [i, row] of rows.entries())
        if (!(row instanceof BadValue)) row[column] = read(records[i] as LogRecord, partition);
    }
  }

  /** From here on, records of these schemas are bad. */
  refuse(rows: SchemaRows, reason: string): void {
    for (const [id, known] of this.#rows) if (known === rows) this.#refused.set(id, new BadValue(reason));
  }

  async #idOf(guid: string): Promise<number | undefined> {
    const known = this.#guids.get(guid);
    if (known !== undefined) return known;
    const id = await this.#registry.idOf(guid);
    if (id !== undefined) this.#guids.set(guid, id);
    return id;
  }

  #known(schema: number | string | undefined): number | undefined {
    return typeof schema === "string" ? this.#guids.get(schema) : schema;
  }

  async #load(id: number): Promise<SchemaRows | BadValue> {
    const refused = this.#refused.get(id);
    if (refused !== undefined) return refused;
    const known = this.#rows.get(id);
    // What is no version now may be one later.
    if (known !== undefined && !(known instanceof BadValue)) return known;
    const rows = await this.#read(id);
    this.#rows.set(id, rows);
    return rows;
  }

  async #isVersion(id: number): Promise<boolean> {
    try {
      const uses = await this.#registry.uses(id, { deleted: true });
      return uses.some(({ subject }) => subject === this.#link.subject);
    } catch (error) {
      if (noSuchSchema.is(error)) return false;
      throw error;
    }
  }

  /** A schema that is none of the subject's may be that of quite another table. */
  async #read(id: number): Promise<SchemaRows | BadValue> {
    const { subject, columns } = this.#link;
    if (!(await this.#isVersion(id))) return new BadValue(`its schema ${id} is no version of ${subject}`);
    let reader: RowReader;
    try {
      reader = (await this.#registry.read(id)).rows();
    } catch (error) {
      if (unsupported.is(error) || invalidRecordSchema.is(error)) return new BadValue(error.message);
      throw error;
    }
    const parts = partFields(columns);
    const twice = parts.find(({ name }) => reader.fields.some((field) => field.name === name));
    if (twice !== undefined)
      return new BadValue(
        `its schema ${id} has a field ${twice.name}, which is the name of a part of the record`,
      );
    return { reader, fields: [...reader.fields, ...parts] };
  }
}

/**
 * What a table's schema has to become to hold rows with these columns; `undefined` where it holds them already.
 *
 * @throws LakehouseError INVALID_SCHEMA where it cannot: a column would need a type that is not wider.
 */
export function covering(schema: Schema, fields: readonly NestedField[]): UpdateSchema {
  const update = new UpdateSchema().unionByName({ fields });
  for (const path of missing(schema.fields, fields, "")) update.makeOptional(path);
  return update;
}

/** Required columns that rows with these columns do not have. */
function missing(table: readonly NestedField[], fields: readonly NestedField[], prefix: string): string[] {
  return table.flatMap(({ name, required, type }) => {
    const field = fields.find((each) => each.name === name);
    if (field === undefined) return required ? [`${prefix}${name}`] : [];
    return type.type === "struct" && field.type.type === "struct"
      ? missing(type.fields, field.type.fields, `${prefix}${name}.`)
      : [];
  });
}

import type { ObjectStore } from "../../../storage/index.js";
import { currentSchema, defaultSortOrder } from "../../model/metadata/lookup.js";
import type { TableMetadata } from "../../model/metadata/types.js";
import { type Column, columnToField } from "../../model/schema/builders.js";
import { allFields, locateById } from "../../model/schema/lookup.js";
import {
  DEFAULT_NAME_MAPPING,
  nameMappingFromJson,
  nameMappingToJson,
  updateNameMapping,
} from "../../model/schema/name-mapping.js";
import { validateNewNames } from "../../model/schema/reserved.js";
import { validateSchema } from "../../model/schema/validate.js";
import { definitionOf } from "../../model/transforms/table.js";
import { isPrimitiveType, sameType } from "../../model/types/type-text.js";
import type { FieldId, NestedField, PrimitiveType, PrimitiveValue, Schema } from "../../model/types/types.js";
import { canonicalValue, describeExpected, describeValue } from "../../model/values/canonical.js";
import type { PendingUpdate, Proposal } from "../snapshot/pending.js";
import { sameSchema } from "../updates/apply-definitions.js";
import { requirementsFor } from "../updates/requirements.js";
import type { TableUpdate } from "../updates/types.js";
import { promote } from "./promote.js";
import { checkDateRanges, datePromotions } from "./promotion-range.js";
import {
  editField,
  editFields,
  refuse,
  requireColumn,
  type SchemaEdit,
  structAt,
  withFreshIds,
} from "./schema-edit.js";
import { unionByName } from "./union-by-name.js";

export interface UpdateSchemaOptions {
  /** Allows what may break readers of old data: required columns without a default, optional columns made required. */
  readonly allowIncompatibleChanges?: boolean;
  /** Of the names given. Defaults to true. */
  readonly caseSensitive?: boolean;
}

/** A column's full name, dots leading into structs; or its parts, for names with dots in them. */
export type ColumnPath = string | readonly string[];

type Step = (edit: SchemaEdit) => void;

/**
 * Changes a table's schema (spec, "Schema Evolution"). Steps are recorded, and done one after another on whatever version
 * of the table the commit is made on. Errors are `INVALID_SCHEMA`, and come when the change is proposed.
 *
 * @example
 * new UpdateSchema().addColumn("place.zip", string().optional()).renameColumn("n", "count").moveFirst("count")
 */
export class UpdateSchema implements PendingUpdate {
  readonly #steps: Step[] = [];
  readonly #options: UpdateSchemaOptions;

  constructor(options: UpdateSchemaOptions = {}) {
    this.#options = options;
  }

  #step(step: Step): this {
    this.#steps.push(step);
    return this;
  }

  /** Adds a column, or a field of a struct. A required one needs a default. */
  addColumn(path: ColumnPath, column: Column<unknown, boolean>): this {
    return this.#step((edit) => addColumn(edit, path, column));
  }

  dropColumn(name: string): this {
    return this.#step((edit) => {
      const { field, parentId } = requireColumn(edit, name);
      refusePart(edit, name, parentId, "dropped");
      editFields(edit, parentId, (fields) => fields.filter((each) => each.id !== field.id));
    });
  }

  /** `newName` is the last part only: a rename does not move. */
  renameColumn(name: string, newName: string): this {
    return this.#step((edit) => {
      const { field, parentId } = requireColumn(edit, name);
      refusePart(edit, name, parentId, "renamed");
      editField(edit, field.id, (each) => ({ ...each, name: newName }));
    });
  }

  /** Widens a column's type, as the spec's table of promotions allows. */
  updateType(name: string, type: PrimitiveType): this {
    return this.#step((edit) => {
      const { field } = requireColumn(edit, name);
      editField(edit, field.id, (each) => promote(edit, each, name, type));
    });
  }

  makeOptional(name: string): this {
    return this.#step((edit) =>
      editField(edit, requireColumn(edit, name).field.id, (each) => ({ ...each, required: false })),
    );
  }

  /** Needs `allowIncompatibleChanges`: rows that are there may hold nulls. */
  makeRequired(name: string): this {
    return this.#step((edit) => {
      const { field } = requireColumn(edit, name);
      if (!field.required && !edit.allowIncompatible) {
        refuse(
          name,
          `"${name}" is optional and rows may hold nulls, so it cannot be made required.`,
          "Allow incompatible changes to do it all the same.",
        );
      }
      editField(edit, field.id, (each) => ({ ...each, required: true }));
    });
  }

  /** Sets a column's doc, or removes it. */
  updateDoc(name: string, doc: string | undefined): this {
    return this.#step((edit) =>
      editField(edit, requireColumn(edit, name).field.id, ({ doc: _old, ...each }) =>
        doc === undefined ? each : { ...each, doc },
      ),
    );
  }

  /** Sets the value of new rows that give none (`write-default`), or removes it. */
  updateDefault(name: string, value: unknown): this {
    return this.#step((edit) => {
      const { field } = requireColumn(edit, name);
      const { writeDefault: _old, ...rest } = field;
      const next =
        value === undefined || value === null
          ? rest
          : { ...rest, writeDefault: defaultOf(field, name, value) };
      editField(edit, field.id, () => next);
    });
  }

  /** Moves a column to the front of the struct that it is in. */
  moveFirst(name: string): this {
    return this.#step((edit) => move(edit, name, undefined, 0));
  }

  moveBefore(name: string, before: string): this {
    return this.#step((edit) => move(edit, name, before, 0));
  }

  moveAfter(name: string, after: string): this {
    return this.#step((edit) => move(edit, name, after, 1));
  }

  /** The columns that identify a row from now on; none: no identifier. */
  setIdentifierFields(names: readonly string[]): this {
    return this.#step((edit) => {
      edit.schema = {
        ...edit.schema,
        identifierFieldIds: names.map((name) => requireColumn(edit, name).field.id),
      };
    });
  }

  /** Takes over what another schema has more, by name: new columns (as optional), wider types, optionality, docs. Nothing is dropped. */
  unionByName(schema: Pick<Schema, "fields">): this {
    return this.#step((edit) => unionByName(edit, schema));
  }

  /** The schema that the steps make of the table's current one. Its id is still the old one's. */
  apply(base: TableMetadata): Schema {
    return this.#run(base).schema;
  }

  #run(base: TableMetadata): SchemaEdit {
    const before = currentSchema(base);
    const edit: SchemaEdit = {
      formatVersion: base.formatVersion,
      lookup: { caseSensitive: this.#options.caseSensitive ?? true },
      allowIncompatible: this.#options.allowIncompatibleChanges ?? false,
      schema: before,
      lastColumnId: base.lastColumnId,
    };
    for (const step of this.#steps) step(edit);
    checkIdentifierStays(before, edit.schema);
    validateSchema(edit.schema, base.formatVersion);
    validateNewNames(edit.schema, base.schemas);
    checkPartitionSources(base, before, edit.schema);
    checkSortSources(base, before, edit.schema);
    return edit;
  }

  propose(base: TableMetadata): Proposal;
  propose(base: TableMetadata, store?: ObjectStore): Proposal | Promise<Proposal>;
  propose(base: TableMetadata, store?: ObjectStore): Proposal | Promise<Proposal> {
    const { schema } = this.#run(base);
    const before = currentSchema(base);
    const ids = [...allFields(before)].map(({ field }) => field.id);
    const promotions = store === undefined ? [] : datePromotions(before, schema, ids);
    if (store === undefined || promotions.length === 0) return this.#proposal(base, schema);
    return checkDateRanges(store, base, promotions).then(() => this.#proposal(base, schema));
  }

  #proposal(base: TableMetadata, schema: Schema): Proposal {
    if (sameSchema(schema, currentSchema(base))) return { requirements: [], updates: [] };
    const updates: TableUpdate[] = [
      { action: "add-schema", schema },
      { action: "set-current-schema", schemaId: -1 },
    ];
    const mapping = base.properties[DEFAULT_NAME_MAPPING];
    if (mapping !== undefined) {
      const updated = updateNameMapping(nameMappingFromJson(mapping), schema);
      updates.push({
        action: "set-properties",
        updates: { [DEFAULT_NAME_MAPPING]: nameMappingToJson(updated) },
      });
    }
    return { requirements: requirementsFor(base, updates), updates };
  }
}

/** Asked after all steps: one that drops the column may come before one that sets other identifier fields. */
function checkIdentifierStays(before: Schema, after: Schema): void {
  for (const id of after.identifierFieldIds) {
    const dropped = locateById(after, id) === undefined && locateById(before, id);
    if (!dropped) continue;
    refuse(
      dropped.name,
      `"${dropped.name}" cannot be dropped: it is one of the fields that identify a row.`,
      "Set other identifier fields with setIdentifierFields, or none.",
    );
  }
}

function addColumn(edit: SchemaEdit, path: ColumnPath, column: Column<unknown, boolean>): void {
  const parts = typeof path === "string" ? splitLast(path) : path;
  const name = parts.at(-1);
  if (name === undefined || name === "") refuse(String(path), "A column cannot have an empty name.");
  const parentName = parts.slice(0, -1).join(".");
  const parent = parentName === "" ? undefined : structAt(requireColumn(edit, parentName));
  const field = columnToField(name, column);
  if (field.required && (field.initialDefault ?? null) === null && !edit.allowIncompatible) {
    refuse(
      name,
      `The required column "${name}" needs a default for the rows that are there.`,
      "Make it optional, or give it a default.",
    );
  }
  editFields(edit, parent, (fields) => [...fields, withFreshIds(edit, field)]);
}

function splitLast(path: string): string[] {
  const dot = path.lastIndexOf(".");
  return dot < 0 ? [path] : [path.slice(0, dot), path.slice(dot + 1)];
}

/** Elements, keys and values belong to their list or map. */
function refusePart(edit: SchemaEdit, name: string, parentId: FieldId | undefined, what: string): void {
  const parent = parentId === undefined ? undefined : locateById(edit.schema, parentId);
  if (parent !== undefined && parent.field.type.type !== "struct") {
    refuse(name, `"${name}" is part of a ${parent.field.type.type} and cannot be ${what}.`);
  }
}

function defaultOf(field: NestedField, name: string, value: unknown): PrimitiveValue {
  const canonical = isPrimitiveType(field.type) ? canonicalValue(field.type, value) : undefined;
  if (canonical !== undefined) return canonical;
  const expected = isPrimitiveType(field.type)
    ? describeExpected(field.type)
    : "none: nested types take theirs by field";
  return refuse(name, `The default of "${name}" is ${describeValue(value)}, expected ${expected}.`);
}

function move(edit: SchemaEdit, name: string, reference: string | undefined, offset: 0 | 1): void {
  const { field, parentId } = requireColumn(edit, name);
  refusePart(edit, name, parentId, "moved");
  const other = reference === undefined ? undefined : requireColumn(edit, reference);
  if (other !== undefined && other.parentId !== parentId) {
    refuse(name, `"${name}" cannot be moved to "${reference}": they are not in the same struct.`);
  }
  if (other?.field.id === field.id) refuse(name, `"${name}" cannot be moved next to itself.`);
  editFields(edit, parentId, (fields) => {
    const rest = fields.filter((each) => each.id !== field.id);
    const at = other === undefined ? 0 : rest.findIndex((each) => each.id === other.field.id) + offset;
    return [...rest.slice(0, at), fields.find((each) => each.id === field.id)!, ...rest.slice(at)];
  });
}

/**
 * A promotion must not change partition values, and a partition source must not go (spec, "Schema Evolution"). Files of
 * older specs keep the values that they have, so these count for a promotion as well.
 */
function checkPartitionSources(base: TableMetadata, before: Schema, after: Schema): void {
  for (const spec of base.partitionSpecs) {
    for (const { transform, sourceIds, name } of spec.fields) {
      const { datesPromote } = definitionOf(transform);
      if (datesPromote === "no-source") continue;
      for (const id of sourceIds) {
        const old = locateById(before, id);
        const now = locateById(after, id);
        if (old === undefined) continue;
        if (now === undefined) {
          if (spec.specId !== base.defaultSpecId) continue;
          refuse(
            old.name,
            `"${old.name}" cannot be dropped: the partition field "${name}" is made of it.`,
            "Remove the partition field first.",
          );
        }
        const dated = old.field.type.type === "date" && !sameType(old.field.type, now.field.type);
        if (dated && !datesPromote) {
          refuse(
            old.name,
            `"${old.name}" cannot change its type: the values of the partition field "${name}" would change.`,
          );
        }
      }
    }
  }
}

/** What rows are sorted by must not go either. */
function checkSortSources(base: TableMetadata, before: Schema, after: Schema): void {
  for (const id of defaultSortOrder(base).fields.flatMap(({ sourceIds }) => sourceIds)) {
    const old = locateById(before, id);
    if (old === undefined || locateById(after, id) !== undefined) continue;
    refuse(
      old.name,
      `"${old.name}" cannot be dropped: the sort order is made of it.`,
      "Replace the sort order first.",
    );
  }
}

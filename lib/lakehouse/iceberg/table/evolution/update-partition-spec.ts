import { invalidArgument } from "../../../errors.js";
import { currentSchema, defaultSpec } from "../../model/metadata/lookup.js";
import type { TableMetadata } from "../../model/metadata/types.js";
import {
  defaultPartitionName,
  equivalentSpecs,
  refuseUnknown,
  validatePartitionSpec,
} from "../../model/partitioning/spec.js";
import type { PartitionField, PartitionFieldInit, PartitionSpec } from "../../model/partitioning/types.js";
import { locateByName } from "../../model/schema/lookup.js";
import { sameTransform } from "../../model/transforms/transform.js";
import type { PendingUpdate, Proposal } from "../snapshot/pending.js";
import { requirementsFor } from "../updates/requirements.js";
import type { TableUpdate } from "../updates/types.js";

export interface UpdatePartitionSpecOptions {
  /** Of column names. Defaults to true. */
  readonly caseSensitive?: boolean;
  /** The new spec is added, but new data is still written with the old one. */
  readonly keepDefault?: boolean;
}

interface SpecEdit {
  readonly base: TableMetadata;
  readonly caseSensitive: boolean;
  fields: PartitionField[];
  /** Fields dropped here, which adding the same again brings back. */
  readonly removed: PartitionField[];
  lastPartitionId: number;
}

function refuse(subject: string, message: string): never {
  throw invalidArgument(subject, message);
}

/**
 * Changes how new data is partitioned (spec, "Partition Evolution"). Data that is there stays as it is. Ids of equal fields
 * of earlier specs are used again; in v1 a removed field stays as a void one. Errors are `INVALID_ARGUMENT`.
 *
 * @example
 * new UpdatePartitionSpec().removeField("date_month").addField(day("date"))
 */
export class UpdatePartitionSpec implements PendingUpdate {
  readonly #steps: ((edit: SpecEdit) => void)[] = [];
  readonly #options: UpdatePartitionSpecOptions;

  constructor(options: UpdatePartitionSpecOptions = {}) {
    this.#options = options;
  }

  /** Adds a field, such as `bucket("origin", 16)`. */
  addField(field: PartitionFieldInit): this {
    this.#steps.push((edit) => addField(edit, field));
    return this;
  }

  /** Removes a field by its name in the spec, such as `date_day`. */
  removeField(name: string): this {
    this.#steps.push((edit) => {
      const field = requireField(edit, name);
      edit.removed.push(field);
      edit.fields = edit.fields.flatMap((each) => {
        if (each !== field) return [each];
        return edit.base.formatVersion === 1 ? [{ ...each, transform: { transform: "void" } }] : [];
      });
    });
    return this;
  }

  renameField(name: string, newName: string): this {
    this.#steps.push((edit) => {
      const field = requireField(edit, name);
      makeRoom(edit, newName);
      edit.fields = edit.fields.map((each) => (each === field ? { ...each, name: newName } : each));
    });
    return this;
  }

  /** The spec that the steps make of the table's default one. */
  apply(base: TableMetadata): PartitionSpec {
    const edit: SpecEdit = {
      base,
      caseSensitive: this.#options.caseSensitive ?? true,
      fields: [...defaultSpec(base).fields],
      removed: [],
      lastPartitionId: base.lastPartitionId,
    };
    for (const field of edit.fields) refuseUnknown(field);
    for (const step of this.#steps) step(edit);
    const spec = { specId: base.defaultSpecId, fields: edit.fields };
    validatePartitionSpec(spec, currentSchema(base));
    return spec;
  }

  propose(base: TableMetadata): Proposal {
    const spec = this.apply(base);
    if (equivalentSpecs(spec, defaultSpec(base))) return { requirements: [], updates: [] };
    const updates: TableUpdate[] = [{ action: "add-spec", spec }];
    if (!this.#options.keepDefault) updates.push({ action: "set-default-spec", specId: -1 });
    return { requirements: requirementsFor(base, updates), updates };
  }
}

function requireField(edit: SpecEdit, name: string): PartitionField {
  const field = edit.fields.find((each) => each.name === name);
  if (field !== undefined) return field;
  const names = edit.fields.map((each) => each.name).join(", ") || "none";
  return refuse(name, `There is no partition field "${name}". The fields are ${names}.`);
}

/** A void field gives up its name to one that partitions; another field keeps it. */
function makeRoom(edit: SpecEdit, name: string): void {
  const holder = edit.fields.find((each) => each.name === name);
  if (holder === undefined) return;
  if (holder.transform.transform !== "void") refuse(name, `There is a partition field "${name}" already.`);
  edit.fields = edit.fields.map((each) =>
    each === holder ? { ...each, name: `${name}_${each.fieldId}` } : each,
  );
}

function addField(edit: SpecEdit, init: PartitionFieldInit): void {
  const source = locateByName(currentSchema(edit.base), init.source, { caseSensitive: edit.caseSensitive });
  if (source === undefined) {
    refuse(init.source, `There is no column "${init.source}" to partition by.`);
  }
  const equal = (field: PartitionField) =>
    field.sourceIds.length === 1 &&
    field.sourceIds[0] === source.field.id &&
    sameTransform(field.transform, init.transform);
  if (edit.fields.some(equal))
    refuse(init.source, `The table is already partitioned by that of "${init.source}".`);
  const known = recycle(edit, equal, init.name);
  // Named after the column as the schema spells it, whatever case it was found by.
  const name = init.name ?? known?.name ?? defaultPartitionName({ ...init, source: source.name });
  const restored = edit.fields.findIndex((field) => field.fieldId === known?.fieldId);
  if (known !== undefined && restored >= 0) {
    edit.fields = edit.fields.map((field, i) => (i === restored ? { ...known, name } : field));
    return;
  }
  makeRoom(edit, name);
  edit.fields.push({
    sourceIds: [source.field.id],
    fieldId: known?.fieldId ?? nextId(edit),
    name,
    transform: init.transform,
  });
}

function nextId(edit: SpecEdit): number {
  edit.lastPartitionId += 1;
  return edit.lastPartitionId;
}

/** An equal field removed in this update, or, from v2 on, of any spec that the table ever had. */
function recycle(
  edit: SpecEdit,
  equal: (field: PartitionField) => boolean,
  name: string | undefined,
): PartitionField | undefined {
  const removed = edit.removed.find(equal);
  if (removed !== undefined || edit.base.formatVersion === 1) return removed;
  return edit.base.partitionSpecs
    .flatMap((spec) => spec.fields)
    .find((field) => equal(field) && (name === undefined || field.name === name));
}

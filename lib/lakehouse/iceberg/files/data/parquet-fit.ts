import { listElement, mapEntry, type ParquetNode } from "../../../parquet/index.js";
import type { FormatVersion } from "../../model/metadata/types.js";
import { isPrimitiveType } from "../../model/types/type-text.js";
import type { FieldId, IcebergType, NestedField } from "../../model/types/types.js";
import { expectedTypeText, parquetFit, parquetTypeText } from "./parquet-types.js";

/** What keeps a file out of a table. */
export interface ParquetMisfit {
  /** Names from the top, joined by dots; `element`, `key` and `value` within lists and maps. */
  readonly path: string;
  /** A clause whose subject is the column: "is … in the file, and … in the table". */
  readonly problem: string;
  /** A column that the table does not have: a reader passes over it. */
  readonly extra?: boolean;
}

/** A part of a file that fits if its values are as they must be. */
export interface ParquetDoubt {
  readonly path: string;
  readonly node: ParquetNode;
}

/** How the schema of a Parquet file fits that of a table. */
export interface ParquetFitting {
  readonly misfits: readonly ParquetMisfit[];
  /** What the file has as optional and the table as required, and so must have no nulls. */
  readonly mustBeFull: readonly ParquetDoubt[];
  /** Columns of a type that does not fit, and so must be null throughout. */
  readonly mustBeNull: readonly (ParquetDoubt & ParquetMisfit)[];
  /** Instants in 96 bits, which have nanoseconds that the table has not. */
  readonly mustBeMicros: readonly ParquetDoubt[];
  /** Bytes of which their file does not say that they are text: for a string they have to be UTF-8. */
  readonly mustBeText: readonly ParquetDoubt[];
  /** Columns whose statistics are in another form, or another order, than those of their type in the table. */
  readonly unbounded: ReadonlySet<FieldId>;
}

export interface ParquetFitOptions {
  readonly formatVersion: FormatVersion;
  /** Columns that the file may lack, because its place tells their value. */
  readonly told?: ReadonlySet<FieldId>;
  /** All names that a field has ever had, in lower case. A file's own ids are believed where its names agree. */
  readonly names?: (id: FieldId) => ReadonlySet<string>;
}

/** Spec, "Reserved Field IDs". */
const FIRST_RESERVED_ID = 2_147_483_447;

/**
 * Holds the schema of a Parquet file against that of a table, at every depth: structs, lists, maps and their keys. What
 * type promotion allows fits, and so do the forms that other writers have for a type (spec, Appendix A, "Parquet").
 *
 * @param root of the file, with the field ids that its columns have or are given.
 */
export function fitParquet(
  root: ParquetNode,
  fields: readonly NestedField[],
  options: ParquetFitOptions,
): ParquetFitting {
  const misfits: ParquetMisfit[] = [];
  const mustBeFull: ParquetDoubt[] = [];
  const mustBeNull: (ParquetDoubt & ParquetMisfit)[] = [];
  const mustBeMicros: ParquetDoubt[] = [];
  const mustBeText: ParquetDoubt[] = [];
  const unbounded = new Set<FieldId>();

  const misfit = (path: string, problem: string): void => {
    misfits.push({ path, problem });
  };

  const fitStruct = (node: ParquetNode, wanted: readonly NestedField[], above: string): void => {
    const at = (name: string) => (above === "" ? name : `${above}.${name}`);
    for (const child of node.children) {
      const field = wanted.find(({ id }) => id === child.fieldId);
      const path = at(child.name);
      // Without ids of its own it would be read as another column, or as none.
      const namesake = options.names ? undefined : wanted.find(({ name }) => name === child.name);
      if (namesake !== undefined && namesake !== field) {
        misfit(path, "is not the table's column of that name by the table's name mapping, as after a rename");
        continue;
      }
      if (field === undefined) {
        // What a reader takes for a row's lineage is never passed over: it would be that of other rows.
        const reserved = (child.fieldId ?? 0) >= FIRST_RESERVED_ID;
        misfits.push({
          path,
          problem: reserved ? "is a metadata column of another table" : "is not in the table",
          extra: !reserved,
        });
        continue;
      }
      if (node.children.some((other) => other !== child && other.fieldId === field.id)) {
        misfit(path, `is one of several columns that are ${JSON.stringify(field.name)} in the table`);
      } else if (options.names && !options.names(field.id).has(child.name.toLowerCase())) {
        misfit(
          path,
          `has field id ${field.id}, which is ${JSON.stringify(field.name)} in the table: ` +
            "the file's ids are those of something else",
        );
      } else fitNode(child, field.type, field.required, path);
    }
    for (const field of wanted) {
      if (!field.required || node.children.some(({ fieldId }) => fieldId === field.id)) continue;
      if (options.told?.has(field.id) || (field.initialDefault ?? null) !== null) continue;
      misfit(
        at(field.name),
        `is not in the file, and ${expectedTypeText(field.type)} in the table, and required`,
      );
    }
  };

  const fitNode = (
    node: ParquetNode,
    type: IcebergType,
    required: boolean,
    path: string,
    isElement = false,
  ): void => {
    if (required && node.repetition === "optional") mustBeFull.push({ path, node });
    const problem = `is ${parquetTypeText(node)} in the file, and ${expectedTypeText(type)} in the table`;
    // A field that repeats within no list is one as well, for some writers; which rows it has, not all readers agree.
    if (node.repetition === "repeated" && !isElement) {
      misfit(path, problem);
      return;
    }
    if (node.physicalType !== undefined && node.logicalType?.kind === "null") {
      if (node.fieldId !== undefined) unbounded.add(node.fieldId);
      return;
    }
    if (isPrimitiveType(type) && type.type !== "variant") {
      const fit = parquetFit(type, node, options.formatVersion);
      if (fit === "values" && node.fieldId !== undefined) unbounded.add(node.fieldId);
      if (fit !== undefined) {
        if (node.physicalType === "INT96") mustBeMicros.push({ path, node });
        if (type.type === "string" && node.logicalType === undefined) mustBeText.push({ path, node });
        return;
      }
    } else if (type.type === "variant" ? isVariant(node) : fitGroup(node, type, path)) return;
    if (node.physicalType === undefined || required) {
      misfit(path, problem);
      return;
    }
    if (node.fieldId !== undefined) unbounded.add(node.fieldId);
    mustBeNull.push({ path, node, problem });
  };

  /** False for a node of another kind. */
  const fitGroup = (node: ParquetNode, type: IcebergType, path: string): boolean => {
    const kind = node.logicalType?.kind;
    if (type.type === "struct") {
      if (node.physicalType !== undefined || kind !== undefined) return false;
      fitStruct(node, type.fields, path);
      return true;
    }
    const [repeated, ...others] = node.children;
    if (kind !== type.type || repeated?.repetition !== "repeated" || others.length > 0) return false;
    if (type.type === "list") {
      const element = listElement(node);
      if (element === undefined) return false;
      fitNode(element, type.element, type.elementRequired, `${path}.element`, true);
      return true;
    }
    const entry = mapEntry(node);
    if (type.type !== "map" || entry === undefined || repeated.children.length !== 2) return false;
    fitNode(entry[0], type.key, true, `${path}.key`);
    fitNode(entry[1], type.value, type.valueRequired, `${path}.value`);
    return true;
  };

  fitStruct(root, fields, "");
  return { misfits, mustBeFull, mustBeNull, mustBeMicros, mustBeText, unbounded };
}

/** A variant, or the struct of its parts that writers of before the annotation have. */
function isVariant({ logicalType, children }: ParquetNode): boolean {
  const bytes = (name: string) =>
    children.some((child) => child.name === name && child.physicalType === "BYTE_ARRAY");
  if (logicalType?.kind === "variant") return true;
  return logicalType === undefined && children.length === 2 && bytes("metadata") && bytes("value");
}

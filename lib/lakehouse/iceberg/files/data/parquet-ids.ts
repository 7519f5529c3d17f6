import { type ParquetNode, withParts } from "../../../parquet/index.js";
import type { NameMapping } from "../../model/schema/name-mapping.js";

/** Whether a file was written with field ids: its columns are then found by these alone. */
export function hasFieldIds(node: ParquetNode): boolean {
  return node.fieldId !== undefined || node.children.some(hasFieldIds);
}

/**
 * A file's schema with the field ids that a name mapping gives its columns, at every depth (spec, "Column Projection").
 * Elements, keys and values have these names in the mapping, whatever the file calls them. Where a file has several of the
 * names of a field, its column is the one of the name that is first there: the others were passed over when the file came.
 */
export function withMappedIds(node: ParquetNode, mapping: NameMapping): ParquetNode {
  const there = new Set(node.children.map(({ name }) => name));
  const first = mapping.map((field) => ({
    ...field,
    names: field.names.filter((name) => there.has(name)).slice(0, 1),
  }));
  return { ...node, children: node.children.map((child) => mapField(child, child.name, first)) };
}

function mapField(node: ParquetNode, name: string, mapping: NameMapping): ParquetNode {
  const mapped = mapping.find(({ names }) => names.includes(name));
  const inner = mapped?.fields ?? [];
  const kind = node.logicalType?.kind;
  const nested =
    kind === "list" || kind === "map"
      ? withParts(node, (part, partName) => mapField(part, partName, inner))
      : withMappedIds(node, inner);
  return mapped?.fieldId === undefined ? nested : { ...nested, fieldId: mapped.fieldId };
}

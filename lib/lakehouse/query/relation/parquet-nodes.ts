import type { ParquetNode } from "../../parquet/index.js";

/**
 * The element of a list node. Writers of old put the element where the repeated group is now (parquet-format,
 * LogicalTypes, "Backward-compatibility rules").
 */
export function listElement(node: ParquetNode): ParquetNode | undefined {
  const repeated = node.children[0];
  if (!repeated) return undefined;
  const wrapped =
    repeated.children.length === 1 && repeated.name !== "array" && !repeated.name.endsWith("_tuple");
  return wrapped ? repeated.children[0] : repeated;
}

/** The key and the value of a map node. */
export function mapEntry(node: ParquetNode): readonly [ParquetNode, ParquetNode] | undefined {
  const [key, value] = node.children[0]?.children ?? [];
  return key && value ? [key, value] : undefined;
}

/** `node` with its element, or its key and value, replaced; their place in the tree stays. */
export function withParts(
  node: ParquetNode,
  replace: (part: ParquetNode, name: string) => ParquetNode,
): ParquetNode {
  const [repeated, ...rest] = node.children;
  if (!repeated) return node;
  const entry = node.logicalType?.kind === "map" ? mapEntry(node) : undefined;
  if (entry) {
    const children = [replace(entry[0], "key"), replace(entry[1], "value")];
    return { ...node, children: [{ ...repeated, children }, ...rest] };
  }
  const element = listElement(node);
  if (element === undefined) return node;
  if (element === repeated) return { ...node, children: [replace(element, "element"), ...rest] };
  return { ...node, children: [{ ...repeated, children: [replace(element, "element")] }, ...rest] };
}

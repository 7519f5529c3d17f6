import type { ParquetNode } from "./schema.js";

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

/** Where a node stands among the levels of its file (parquet-format, "Nested Encoding"). */
export interface NodePlace {
  /** Index in `ParquetFooter.columns` of the node itself, or of the first leaf below it. */
  readonly leaf: number;
  /** Definition level of a value in which the node is there. One less: it is null, and what it stands in is there. */
  readonly definition: number;
  /** Repetition level of the node. */
  readonly repetition: number;
}

/** The place of each node below a root. */
export function nodePlaces(root: ParquetNode): ReadonlyMap<ParquetNode, NodePlace> {
  const places = new Map<ParquetNode, NodePlace>();
  let leaf = 0;
  const walk = (node: ParquetNode, above: { definition: number; repetition: number }) => {
    const definition = above.definition + (node.repetition === "required" ? 0 : 1);
    const repetition = above.repetition + (node.repetition === "repeated" ? 1 : 0);
    places.set(node, { leaf, definition, repetition });
    if (node.physicalType) leaf++;
    for (const child of node.children) walk(child, { definition, repetition });
  };
  for (const child of root.children) walk(child, { definition: 0, repetition: 0 });
  return places;
}

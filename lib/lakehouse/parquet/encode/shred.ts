import type { ColumnBuffers } from "./buffers.js";
import type { ColumnTree } from "./layout.js";

/** What a leaf column of one row group holds: its levels, and which of its values are there. */
export interface LeafStream {
  /** Levels, one per value or null or empty list. Without `definitions` there are as many values. */
  readonly count: number;
  /** Definition levels; left out where every value is there. */
  readonly definitions?: Int32Array | undefined;
  /** Repetition levels; left out where the column is not below a list. */
  readonly repetitions?: Int32Array | undefined;
  readonly column: ColumnBuffers;
  /** Rows of `column` that are values of the leaf, in order; left out where all of them are. */
  readonly positions?: Int32Array | undefined;
}

/** Thrown when a null stands where the schema has none. */
export class NullInRequired extends Error {
  constructor(column: string) {
    super(`a null stands in the required column "${column}"`);
  }
}

/**
 * The slots of a level of the tree, each live (a row of the current column) or dead (a null or an empty list above,
 * whose definition level is final). Without `index` all slots are live and slot i is row i. `dead` holds the
 * definition levels of dead slots; that of live ones is `definition`.
 */
interface Slots {
  readonly count: number;
  readonly live: number;
  readonly definition: number;
  readonly index?: Int32Array | undefined;
  readonly dead?: Int32Array | undefined;
  readonly repetitions?: Int32Array | undefined;
}

/** Shreds one column into its leaves (Dremel's levels; parquet-format, "Nested Encoding"), in file order. */
export function shred(
  tree: ColumnTree,
  column: ColumnBuffers,
  leaf: (leaf: number, stream: LeafStream) => void,
): void {
  walk(tree, column, { count: column.length, live: column.length, definition: 0 }, leaf);
}

function walk(
  tree: ColumnTree,
  column: ColumnBuffers,
  above: Slots,
  leaf: (leaf: number, stream: LeafStream) => void,
): void {
  const slots = tree.optional ? optional(column, above) : required(tree, column, above);
  if (tree.kind === "leaf") {
    leaf(tree.leaf, streamOf(column, slots));
    return;
  }
  const below = tree.kind === "list" ? repeated(tree, column, slots) : slots;
  tree.children.forEach((child, i) => {
    const buffers = column.children[i];
    if (buffers) walk(child, buffers, below, leaf);
  });
}

function required(tree: ColumnTree, column: ColumnBuffers, slots: Slots): Slots {
  const { validity } = column;
  if (!validity) return slots;
  for (let slot = 0; slot < slots.count; slot++) {
    const row = slots.index ? slots.index[slot]! : slot;
    if (row >= 0 && ((validity[row >> 3]! >> (row & 7)) & 1) === 0) throw new NullInRequired(tree.name);
  }
  return slots;
}

function optional({ validity }: ColumnBuffers, slots: Slots): Slots {
  if (!validity) return { ...slots, definition: slots.definition + 1 };
  const { count, definition } = slots;
  const index = new Int32Array(count);
  const dead = slots.dead ? slots.dead.slice() : new Int32Array(count);
  let live = 0;
  for (let slot = 0; slot < count; slot++) {
    const row = slots.index ? slots.index[slot]! : slot;
    if (row < 0) index[slot] = -1;
    else if (((validity[row >> 3]! >> (row & 7)) & 1) === 1) {
      index[slot] = row;
      live++;
    } else {
      index[slot] = -1;
      dead[slot] = definition;
    }
  }
  return { ...slots, index, dead, live, definition: definition + 1 };
}

/** Opens each live slot into one slot per element; an empty list stays one dead slot. */
function repeated(tree: ColumnTree, column: ColumnBuffers, slots: Slots): Slots {
  const offsets = column.offsets as Int32Array;
  let count = slots.count - slots.live;
  for (let slot = 0; slot < slots.count; slot++) {
    const row = slots.index ? slots.index[slot]! : slot;
    if (row >= 0) count += Math.max(1, offsets[row + 1]! - offsets[row]!);
  }
  const index = new Int32Array(count);
  const dead = new Int32Array(count);
  const repetitions = new Int32Array(count);
  let at = 0;
  let live = 0;
  for (let slot = 0; slot < slots.count; slot++) {
    const row = slots.index ? slots.index[slot]! : slot;
    const repetition = slots.repetitions ? slots.repetitions[slot]! : 0;
    const first = row < 0 ? 0 : offsets[row]!;
    const last = row < 0 ? 0 : offsets[row + 1]!;
    if (first === last) {
      index[at] = -1;
      dead[at] = row < 0 ? slots.dead![slot]! : slots.definition;
      repetitions[at++] = repetition;
      continue;
    }
    for (let element = first; element < last; element++) {
      index[at] = element;
      repetitions[at++] = element === first ? repetition : tree.repetition;
    }
    live += last - first;
  }
  return { count, live, index, dead, repetitions, definition: slots.definition + 1 };
}

function streamOf(column: ColumnBuffers, slots: Slots): LeafStream {
  const { count, live, index, dead, definition, repetitions } = slots;
  const base = { count, column, repetitions };
  if (!index || !dead) return base;
  const positions = new Int32Array(live);
  if (live === count) {
    positions.set(index);
    return { ...base, positions };
  }
  const definitions = new Int32Array(count);
  let at = 0;
  for (let slot = 0; slot < count; slot++) {
    const row = index[slot]!;
    if (row < 0) definitions[slot] = dead[slot]!;
    else {
      definitions[slot] = definition;
      positions[at++] = row;
    }
  }
  return { ...base, definitions, positions };
}

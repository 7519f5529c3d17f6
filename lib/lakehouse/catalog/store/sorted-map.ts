import type { Hash } from "../model/hash.js";
import type { ObjectCache } from "./object-cache.js";
import { named, type StoredObject } from "./stored-object.js";

/**
 * A node of a persistent sorted map of texts that is cut by content (a "prolly tree"). Level 0 holds the entries;
 * above, each key is the last key of the child under it and the value is the child's hash.
 *
 * Where a node ends is decided by its last key alone (`cutLevel`), never by how the map came to be. So:
 * - the same entries always give the same root hash, whatever the order of the edits (between two sweeps of the
 *   garbage; nodes made after one differ from all that it takes, and are told apart by their entries);
 * - an edit rewrites one node a level, and two versions of a map share all other nodes;
 * - a diff skips whatever the two sides share, and costs what differs.
 */
export interface MapNode {
  readonly level: number;
  readonly keys: readonly string[];
  readonly values: readonly string[];
  /** The sweep that the node's maker knew of, see `sweep.ts`; absent before the first one. */
  readonly sweep?: number | undefined;
}

/** What an edit leaves: the new root, and the nodes that did not exist before. */
export interface EditedMap {
  readonly root: Hash;
  readonly created: readonly StoredObject[];
}

/** log2 of the mean number of entries in a node. */
const CUT_BITS = 5;

/**
 * How many levels end a node after this key. One key in 32 ends a leaf, one of those in 32 a node of level 1,
 * and so on: the height that a skip list would draw from a coin, drawn from the key.
 */
export function cutLevel(key: string): number {
  let hash = 0x811c9dc5; // FNV-1a over the UTF-16 units, then murmur3's finalizer to mix the low bits
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash ^= hash >>> 16;
  const trailingZeros = hash === 0 ? 32 : 31 - Math.clz32(hash & -hash);
  return Math.floor(trailingZeros / CUT_BITS);
}

/** The map without entries: known everywhere, stored nowhere. */
export const EMPTY_MAP: StoredObject = encodeNode({ level: 0, keys: [], values: [] });

/** The value under a key, or `undefined`. Reads one node a level. */
export async function getEntry(objects: ObjectCache, root: Hash, key: string): Promise<string | undefined> {
  let hash = root;
  for (;;) {
    const node: MapNode = objects.peek<MapNode>(hash) ?? (await objects.get<MapNode>(hash));
    const index = lowerBound(node.keys, key);
    if (node.level === 0) return node.keys[index] === key ? node.values[index] : undefined;
    if (index === node.keys.length) return undefined;
    hash = node.values[index] as Hash;
  }
}

/**
 * The map with `edits` applied: a value puts, `undefined` deletes. Deleting what is not there changes nothing.
 * The nodes created are not stored yet.
 *
 * @param sweep the last sweep that the map's ref has seen; 0 where there was none.
 */
export async function editMap(
  objects: ObjectCache,
  root: Hash,
  edits: ReadonlyMap<string, string | undefined>,
  sweep = 0,
): Promise<EditedMap> {
  const created = new Map<Hash, StoredObject>();
  const emit = (node: MapNode): Hash => {
    const object = node.keys.length === 0 ? EMPTY_MAP : encodeNode(node, sweep);
    created.set(object.hash, object);
    nodes.set(object.hash, node);
    return object.hash;
  };
  const nodes = new Map<Hash, MapNode>();
  const top = await objects.get<MapNode>(root);
  let pending: ReadonlyMap<string, string | undefined> = edits;
  for (let level = 0; level <= top.level; level++) {
    if (pending.size === 0) return { root, created: [] };
    pending = await editLevel(objects, root, level, pending, emit);
  }
  // What is left is the whole list of nodes of the old root's level. Add levels until one node holds it …
  let level = top.level;
  let children = [...pending].filter(([, value]) => value !== undefined) as [string, string][];
  children.sort(([a], [b]) => (a < b ? -1 : 1));
  while (children.length > 1) {
    level += 1;
    const cutter = new Cutter(level, emit);
    for (const [key, value] of children) cutter.add(key, value);
    children = cutter.finish();
  }
  // … or, where the map shrank, take levels away until the root branches.
  let newRoot = (children[0]?.[1] as Hash | undefined) ?? emit({ level: 0, keys: [], values: [] });
  for (;;) {
    const node = nodes.get(newRoot) ?? (await objects.get<MapNode>(newRoot));
    if (node.level === 0 || node.keys.length > 1) break;
    created.delete(newRoot);
    newRoot = node.values[0] as Hash;
  }
  created.delete(root);
  created.delete(EMPTY_MAP.hash);
  return { root: newRoot, created: [...created.values()] };
}

/** Applies edits to one level of the map, and returns the edits that follow for the level above. */
async function editLevel(
  objects: ObjectCache,
  root: Hash,
  level: number,
  edits: ReadonlyMap<string, string | undefined>,
  emit: (node: MapNode) => Hash,
): Promise<Map<string, string | undefined>> {
  const sorted = [...edits].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const above = new Map<string, string | undefined>();
  let next = 0;
  while (next < sorted.length) {
    const cursor = await LevelCursor.seek(objects, root, level, (sorted[next] as [string, string])[0]);
    const cutter = new Cutter(level, emit);
    // Goes on to the neighbour while the last new node lacks its end: the key that ended it was deleted.
    for (;;) {
      const { keys, values } = cursor.node;
      const isLast = cursor.isLast;
      const lastKey = keys[keys.length - 1];
      if (lastKey !== undefined) above.set(lastKey, undefined);
      let index = 0;
      while (index < keys.length || next < sorted.length) {
        const key = keys[index];
        const edit = sorted[next];
        if (edit !== undefined && (key === undefined ? isLast : edit[0] <= key)) {
          next += 1;
          if (edit[0] === key) index += 1;
          if (edit[1] !== undefined) cutter.add(edit[0], edit[1]);
        } else if (key !== undefined) {
          cutter.add(key, values[index] as string);
          index += 1;
        } else break;
      }
      if (isLast || !cutter.isOpen) break;
      await cursor.advance();
    }
    for (const [key, hash] of cutter.finish()) above.set(key, hash);
  }
  return above;
}

/** Gathers the entries of one level in order and cuts them into nodes. */
class Cutter {
  readonly #level: number;
  readonly #emit: (node: MapNode) => Hash;
  readonly #done: [string, string][] = [];
  #keys: string[] = [];
  #values: string[] = [];

  constructor(level: number, emit: (node: MapNode) => Hash) {
    this.#level = level;
    this.#emit = emit;
  }

  get isOpen(): boolean {
    return this.#keys.length > 0;
  }

  add(key: string, value: string): void {
    this.#keys.push(key);
    this.#values.push(value);
    if (cutLevel(key) > this.#level) this.#cut(key);
  }

  /** The nodes, as entries for the level above. */
  finish(): [string, string][] {
    const last = this.#keys[this.#keys.length - 1];
    if (last !== undefined) this.#cut(last);
    return this.#done;
  }

  #cut(lastKey: string): void {
    this.#done.push([lastKey, this.#emit({ level: this.#level, keys: this.#keys, values: this.#values })]);
    this.#keys = [];
    this.#values = [];
  }
}

/** Stands on a node of one level and can step to its right neighbour. */
class LevelCursor {
  readonly #objects: ObjectCache;
  readonly #path: { node: MapNode; index: number }[] = [];
  node: MapNode;

  private constructor(objects: ObjectCache, root: MapNode) {
    this.#objects = objects;
    this.node = root;
  }

  /** The node that holds `key`, or would: the first whose last key is not less, else the last one. */
  static async seek(objects: ObjectCache, root: Hash, level: number, key: string): Promise<LevelCursor> {
    const cursor = new LevelCursor(objects, await objects.get<MapNode>(root));
    while (cursor.node.level > level) {
      const index = Math.min(lowerBound(cursor.node.keys, key), cursor.node.keys.length - 1);
      await cursor.#descend(index);
    }
    return cursor;
  }

  get isLast(): boolean {
    return this.#path.every(({ node, index }) => index === node.keys.length - 1);
  }

  async advance(): Promise<void> {
    const level = this.node.level;
    for (;;) {
      const step = this.#path.pop();
      if (step === undefined) throw new RangeError("The last node of a level has no neighbour.");
      if (step.index + 1 >= step.node.keys.length) continue;
      this.node = step.node;
      await this.#descend(step.index + 1);
      break;
    }
    while (this.node.level > level) await this.#descend(0);
  }

  async #descend(index: number): Promise<void> {
    const parent = this.node;
    this.#path.push({ node: parent, index });
    this.node = await this.#objects.get<MapNode>(parent.values[index] as Hash);
  }
}

/** The entries with `from <= key`, in the order of their keys, one leaf at a time. */
export async function* scanLeaves(
  objects: ObjectCache,
  root: Hash,
  from = "",
): AsyncGenerator<readonly (readonly [key: string, value: string])[]> {
  const cursor = await LevelCursor.seek(objects, root, 0, from);
  for (;;) {
    const { keys, values } = cursor.node;
    const start = lowerBound(keys, from);
    yield keys.slice(start).map((key, index) => [key, values[start + index] as string] as const);
    if (cursor.isLast) return;
    await cursor.advance();
  }
}

/** One entry that differs between two maps. */
export interface MapDifference {
  readonly key: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** A node and the next of its entries. */
interface Place {
  readonly node: MapNode;
  index: number;
}

/**
 * What differs between two maps, in the order of the keys. What they share is not read.
 *
 * Each side is a path of open nodes. Nodes that are equal begin at the same place on both sides; the higher node
 * is opened first, so that both come up at the same time, and are passed over together.
 */
export async function* diffMaps(objects: ObjectCache, from: Hash, to: Hash): AsyncGenerator<MapDifference> {
  if (from === to) return;
  const [left, right] = await objects.getMany<MapNode>([from, to]);
  const sides: readonly [Place[], Place[]] = [
    [{ node: left as MapNode, index: 0 }],
    [{ node: right as MapNode, index: 0 }],
  ];
  for (;;) {
    const [a, b] = [place(sides[0]), place(sides[1])];
    // Where that ended a node, its side goes on in the next one.
    if (a !== undefined && b !== undefined && passShared(a, b)) continue;
    const level = Math.max(levelOf(a), levelOf(b));
    if (level < 0) return;
    if (level > 0) {
      const opening = sides.filter((side) => levelOf(place(side)) === level);
      await open(objects, opening);
    } else {
      const [x, y] = [keyAt(a), keyAt(b)];
      if (y === undefined || (x !== undefined && x < y)) {
        yield { key: x as string, from: take(a as Place), to: undefined };
      } else if (x === undefined || y < x) {
        yield { key: y, from: undefined, to: take(b as Place) };
      } else {
        const difference = { key: x, from: take(a as Place), to: take(b as Place) };
        if (difference.from !== difference.to) yield difference;
      }
    }
  }
}

/** The lowest open node of a side with an entry left. */
function place(side: Place[]): Place | undefined {
  for (;;) {
    const lowest = side[side.length - 1];
    if (lowest === undefined || lowest.index < lowest.node.keys.length) return lowest;
    side.pop();
  }
}

/** Passes over what two nodes of one level go on with alike. True when that was something. */
function passShared(a: Place, b: Place): boolean {
  if (a.node.level !== b.node.level) return false;
  const start = a.index;
  const [left, right] = [a.node.values, b.node.values];
  const [leftKeys, rightKeys] = [a.node.keys, b.node.keys];
  while (
    a.index < left.length &&
    left[a.index] === right[b.index] &&
    leftKeys[a.index] === rightKeys[b.index]
  ) {
    a.index += 1;
    b.index += 1;
  }
  return a.index > start;
}

function levelOf(at: Place | undefined): number {
  return at === undefined ? -1 : at.node.level;
}

function keyAt(at: Place | undefined): string | undefined {
  return at?.node.keys[at.index];
}

function take(at: Place): string {
  const value = at.node.values[at.index] as string;
  at.index += 1;
  return value;
}

/** Goes down into the next node of each side, all in one round trip. */
async function open(objects: ObjectCache, sides: readonly Place[][]): Promise<void> {
  const hashes = sides.map((side) => take(place(side) as Place));
  const nodes = await objects.getMany<MapNode>(hashes);
  sides.forEach((side, index) => void side.push({ node: nodes[index] as MapNode, index: 0 }));
}

/** The index of the first key that is not less than `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function encodeNode({ keys, level, values }: MapNode, sweep = 0): StoredObject {
  const made = sweep === 0 ? "" : `"sweep":${sweep},`;
  return named(`{"keys":${JSON.stringify(keys)},"level":${level},${made}"values":${JSON.stringify(values)}}`);
}

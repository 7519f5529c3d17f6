import type { GroupRecord, GroupValue, HeldRecord, OffsetRecord } from "./group-records.js";

/** All that is kept of one group. */
export interface GroupEntry {
  record: GroupRecord | undefined;
  /** By topic and partition. */
  readonly offsets: Map<string, Map<number, OffsetRecord>>;
  /** By their number. */
  readonly held: Map<number, HeldRecord>;
}

/** What is kept of groups, by group as well as by key. */
export class GroupEntries extends Map<string, GroupValue> {
  readonly #groups = new Map<string, GroupEntry>();
  /** The keys of what a producer's transaction holds. */
  readonly #held = new Map<bigint, Set<string>>();
  #commits = 0;

  /** The largest number that a commit has. */
  get commits(): number {
    return this.#commits;
  }

  entry(group: string): GroupEntry | undefined {
    return this.#groups.get(group);
  }

  groups(): IterableIterator<string> {
    return this.#groups.keys();
  }

  /** What the producer's transactions hold, by key, the earlier before the later. */
  heldBy(producerId: bigint): [string, GroupValue & { kind: "held" }][] {
    return Array.from(this.#held.get(producerId) ?? [], (key) => [
      key,
      this.get(key) as GroupValue & { kind: "held" },
    ]);
  }

  override set(key: string, value: GroupValue): this {
    let entry = this.#groups.get(value.group);
    if (entry === undefined) {
      entry = { record: undefined, offsets: new Map(), held: new Map() };
      this.#groups.set(value.group, entry);
    }
    if (value.kind === "group") entry.record = value.record;
    else {
      this.#commits = Math.max(this.#commits, value.record.commit);
      if (value.kind === "offset") {
        const { topic, partition } = value.record;
        const partitions = entry.offsets.get(topic) ?? new Map<number, OffsetRecord>();
        entry.offsets.set(topic, partitions.set(partition, value.record));
      } else {
        const { producerId, commit } = value.record;
        entry.held.set(commit, value.record);
        this.#held.set(producerId, (this.#held.get(producerId) ?? new Set()).add(key));
      }
    }
    return super.set(key, value);
  }

  override delete(key: string): boolean {
    const value = this.get(key);
    const entry = value && this.#groups.get(value.group);
    if (value === undefined || entry === undefined) return false;
    if (value.kind === "group") entry.record = undefined;
    else if (value.kind === "offset") {
      const { topic, partition } = value.record;
      const partitions = entry.offsets.get(topic);
      partitions?.delete(partition);
      if (partitions?.size === 0) entry.offsets.delete(topic);
    } else {
      const { producerId, commit } = value.record;
      entry.held.delete(commit);
      const keys = this.#held.get(producerId);
      keys?.delete(key);
      if (keys?.size === 0) this.#held.delete(producerId);
    }
    if (entry.record === undefined && entry.offsets.size === 0 && entry.held.size === 0)
      this.#groups.delete(value.group);
    return super.delete(key);
  }

  override clear(): void {
    this.#groups.clear();
    this.#held.clear();
    super.clear();
  }
}

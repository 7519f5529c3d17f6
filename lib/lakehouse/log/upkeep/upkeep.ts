import { closed } from "../../errors.js";
import type { ObjectStore } from "../../storage/index.js";
import type { Cluster } from "../cluster/cluster.js";
import { offsetOutOfRange, policyViolation } from "../errors.js";
import type { Manifest } from "../manifest/manifest.js";
import { readManifest } from "../manifest/manifest-file.js";
import type { LogMeta, TopicRecord } from "../meta/log-meta.js";
import { logUpkeep, logUpkeepFailures } from "../metrics.js";
import type { Clock } from "../partition/clock.js";
import type { Partition } from "../partition/partition.js";
import type { Place } from "../partition/place.js";
import type { StoredSegment } from "../segment/layout.js";
import { partitionKey } from "../wal/wal.js";
import { beginAt, changeManifest, type RewritingParts, replaceRun } from "./changes.js";
import { Compaction, planCompaction } from "./compaction.js";
import { groupsOf, mergeLimits, planMerge } from "./merge-plan.js";
import { retainedFrom } from "./retention.js";
import { type FoundObject, findUnlisted, purgeTopic } from "./sweep.js";

/** Something that upkeep does, or would do. */
export interface UpkeepAction {
  /**
   * `expire`: records that are too old or too many are no longer readable. `merge`: several objects become one. `compact`: they do,
   * with the latest record of each key. `forget`: objects that nobody knows of are to be deleted. `delete`: objects are
   * deleted that had been replaced, expired or forgotten before.
   */
  readonly what: "expire" | "merge" | "compact" | "forget" | "delete";
  /** Its name; its id where it is deleted. */
  readonly topic: string;
  /** All of them where not given: the topic is deleted. */
  readonly partition?: number | undefined;
  readonly objects: number;
  /** Of the objects, where they are known. */
  readonly bytes?: number | undefined;
}

export interface UpkeepOptions {
  /** Says what would be done, and does nothing. */
  readonly dryRun?: boolean | undefined;
}

export interface UpkeepParts {
  readonly store: ObjectStore;
  readonly meta: LogMeta;
  readonly place: Place;
  readonly clock: Clock;
  readonly writerId: bigint;
  /** Says which partitions this process leads: of the others, it does nothing. */
  readonly cluster: Cluster;
  /** Makes known what others have put into one that it leads. */
  readonly learn: (topicId: string, number: number) => Promise<void>;
  /** The writer of a partition, where it is open. */
  readonly opened: (topicId: string, number: number) => Partition | undefined;
  /** The writer of a partition. */
  readonly partition: (topic: TopicRecord, number: number) => Promise<Partition>;
  /** Stops writing to a topic that is deleted. */
  readonly forget: (topic: TopicRecord) => Promise<void>;
  /** How many small segments become one, at least. */
  readonly mergeAt?: number | undefined;
  /** How many keys compaction looks at in one round. */
  readonly mostKeys?: number | undefined;
  /** Hears of all failures but the first of a run. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

type Attempt = (work: () => Promise<void>) => Promise<void>;

/** How often all objects are listed, for those that nobody knows of. */
const SWEEP_MS = 24 * 60 * 60_000;

/**
 * Keeps a log's objects in order: what its topics' settings no longer want goes.
 *
 * Deletion has two phases. First the partition's manifest says that an object counts no more; a while later, when those who
 * read by the manifest before are done, the object is deleted. A process may end anywhere in between: what the manifest
 * names is deleted by the next, and what no manifest names is found by listing.
 */
export class Upkeep {
  readonly #parts: UpkeepParts;
  /** One after the other: what one run has put and not yet listed must not be forgotten by another. */
  #running: Promise<unknown> = Promise.resolve();
  #sweptAt: number | undefined;
  #cancelTimer = () => {};
  readonly #ending = new AbortController();
  readonly #rewriting: RewritingParts;
  /** Where there was nothing to merge, by partition: what its last segment and its manifest were. */
  readonly #settled = new Map<string, string>();

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
    this.#rewriting = { ...parts, signal: this.#ending.signal };
  }

  /** Runs now and then, in the background, until it is closed. @param ms how long after the last time. */
  start(ms: number): void {
    this.#cancelTimer = this.#parts.clock.after(ms, () => {
      this.run()
        .catch((error: unknown) => this.#parts.onFailure?.(error))
        .finally(() => {
          if (!this.#ending.signal.aborted) this.start(ms);
        });
    });
  }

  /** Ends after the step that runs. */
  async close(): Promise<void> {
    this.#ending.abort(closed("log"));
    this.#cancelTimer();
    await this.#running;
  }

  /**
   * Does what there is to do. A partition that fails keeps no other from its turn.
   *
   * @returns what was done, or would be.
   * @throws LakehouseError the first of the failures.
   */
  run({ dryRun = false }: UpkeepOptions = {}): Promise<UpkeepAction[]> {
    const run = this.#running.then(() => this.#run(dryRun));
    this.#running = run.catch(() => undefined);
    if (!dryRun) run.then(publish, () => logUpkeepFailures.publish({ count: 1 }));
    return run;
  }

  async #run(isDry: boolean): Promise<UpkeepAction[]> {
    const actions: UpkeepAction[] = [];
    const failures: unknown[] = [];
    const attempt: Attempt = async (work) => {
      if (this.#ending.signal.aborted) return;
      await work().catch((error: unknown) => failures.push(error));
    };
    for (const [topic, number] of await this.#led()) await attempt(() => this.#parts.learn(topic.id, number));
    await attempt(() => this.#sweep(actions, isDry, attempt));
    for (const [topic, number] of await this.#led()) {
      await attempt(() => this.#expire(topic, number, actions, isDry));
      await attempt(() => this.#compact(topic, number, actions, isDry));
      await attempt(() => this.#merge(topic, number, actions, isDry));
      await attempt(() => this.#delete(topic, number, actions, isDry));
    }
    const [first, ...others] = failures;
    for (const error of others) this.#parts.onFailure?.(error);
    if (first !== undefined) throw first;
    return actions;
  }

  async #led(): Promise<[TopicRecord, number][]> {
    const { meta, cluster } = this.#parts;
    const led: [TopicRecord, number][] = [];
    for (const topic of await meta.topics())
      for (let number = 0; number < topic.partitions; number++)
        if (cluster.leads(topic.id, number)) led.push([topic, number]);
    return led;
  }

  /**
   * Lets a partition begin at an offset. It waits until all before that is in the object store.
   *
   * @returns where it begins then.
   * @throws LakehouseError OFFSET_OUT_OF_RANGE behind its end; POLICY_VIOLATION where its topic is only compacted.
   */
  async deleteRecords(topic: TopicRecord, number: number, before: bigint): Promise<bigint> {
    const name = `${topic.name}/${number}`;
    if (topic.config.cleanupPolicy === "compact")
      throw policyViolation(
        name,
        `Records of ${name} cannot be deleted by their offsets: its topic is compacted by key.`,
        'Append a record without a value for each key that is to go, or set the cleanupPolicy to "compact,delete".',
      );
    const partition = await this.#parts.partition(topic, number);
    const { highWatermark } = partition;
    if (before < 0n || before > highWatermark)
      throw offsetOutOfRange(
        name,
        `Records of ${name} cannot be deleted up to ${before}: it ends at ${highWatermark}.`,
        "Give an offset from 0 to its end.",
      );
    if (partition.stored < before) await partition.flush();
    await beginAt(this.#parts, partition, before);
    return partition.start;
  }

  async #expire(topic: TopicRecord, number: number, actions: UpkeepAction[], isDry: boolean): Promise<void> {
    const { meta, clock } = this.#parts;
    const { retentionMs, retentionBytes } = topic.config;
    if (retentionMs < 0 && retentionBytes < 0) return;
    const segments = await meta.segments(topic.id, number);
    const start = (await meta.manifest(topic.id, number))?.start ?? 0n;
    const from = retainedFrom(segments, topic.config, start, clock.now());
    if (from <= start) return;
    const expired = segments.filter(({ nextOffset }) => nextOffset > start && nextOffset <= from);
    actions.push({ what: "expire", topic: topic.name, partition: number, ...totalOf(expired) });
    if (!isDry) await beginAt(this.#parts, await this.#parts.partition(topic, number), from);
  }

  /** Segments that waited for the object store one by one are small: neighbours become one, but for the newest. */
  async #merge(topic: TopicRecord, number: number, actions: UpkeepAction[], isDry: boolean): Promise<void> {
    const { meta } = this.#parts;
    const limits = mergeLimits(topic.config, this.#parts.mergeAt);
    const key = partitionKey(topic.id, number);
    for (;;) {
      const { cleaned = 0n, revision } = (await meta.manifest(topic.id, number)) ?? {};
      const state = JSON.stringify([(await meta.lastSegment(topic.id, number))?.object, revision, limits]);
      if (this.#settled.get(key) === state) return;
      const segments = (await meta.segments(topic.id, number)).slice(0, -1);
      // What was compacted is not mixed with what was not: so it is known how much is new.
      const isClean = ({ nextOffset }: StoredSegment) => nextOffset <= cleaned;
      const run =
        planMerge(segments.filter(isClean), limits) ??
        planMerge(
          segments.filter((one) => !isClean(one)),
          limits,
        );
      if (run === undefined) {
        this.#settled.set(key, state);
        return;
      }
      actions.push({ what: "merge", topic: topic.name, partition: number, ...totalOf(run) });
      if (isDry || !(await replaceRun(this.#rewriting, await this.#parts.partition(topic, number), run)))
        return;
    }
  }

  /** Of a compacted topic, all but the latest record of each key goes, a round for as many keys as memory is taken for. */
  async #compact(topic: TopicRecord, number: number, actions: UpkeepAction[], isDry: boolean): Promise<void> {
    const { meta, clock, mostKeys } = this.#parts;
    if (topic.config.cleanupPolicy === "delete") return;
    for (;;) {
      const segments = await meta.segments(topic.id, number);
      const { cleaned = 0n } = (await meta.manifest(topic.id, number)) ?? {};
      const plan = planCompaction(segments, cleaned, topic.config, clock.now());
      if (plan === undefined) return;
      actions.push({ what: "compact", topic: topic.name, partition: number, ...totalOf(plan.segments) });
      if (isDry) return;
      const partition = await this.#parts.partition(topic, number);
      const compaction = await Compaction.prepare(
        this.#rewriting,
        plan,
        cleaned,
        topic.config,
        clock.now(),
        mostKeys,
      );
      const wanted = plan.segments.filter(({ baseOffset }) => baseOffset < compaction.end);
      const groups = groupsOf(wanted, mergeLimits(topic.config));
      for (const [i, run] of groups.entries()) {
        const change = i === groups.length - 1 ? { cleaned: compaction.end } : {};
        if (!(await replaceRun(this.#rewriting, partition, run, compaction, change))) return;
      }
    }
  }

  /** Finds what nobody knows of: once for each process, and then now and then. */
  async #sweep(actions: UpkeepAction[], isDry: boolean, attempt: Attempt): Promise<void> {
    const { store, meta, place, clock, cluster } = this.#parts;
    if (!isDry && this.#sweptAt !== undefined && clock.now() - this.#sweptAt < SWEEP_MS) return;
    const { unlisted, deleted, manifests } = await findUnlisted(store, place, meta);
    for (const topic of await meta.topics())
      for (const [number, found] of unlisted.get(topic.id) ?? [])
        if (cluster.leads(topic.id, number))
          await attempt(() => this.#forget(topic, number, found, actions, isDry));
    for (const topic of await meta.topics())
      for (const number of manifests.get(topic.id) ?? [])
        if (cluster.leads(topic.id, number)) await attempt(() => this.#catchUp(topic, number));
    for (const id of deleted) await attempt(() => this.#purge(id, actions, isDry));
    this.#settled.clear();
    if (!isDry) this.#sweptAt = clock.now();
  }

  /** Opens a partition whose manifest says more than the metadata knows, or names objects that are to be deleted. */
  async #catchUp(topic: TopicRecord, number: number): Promise<void> {
    const { store, meta, place } = this.#parts;
    const manifest = await readManifest(store, place.manifest(topic.id, number));
    const known = await meta.manifest(topic.id, number);
    if (manifest === undefined) return;
    if (manifest.doomed.length > 0 || known === undefined || known.revision < manifest.revision)
      await this.#parts.partition(topic, number);
  }

  /**
   * The manifest is changed before anything is deleted: so a merge that is under way elsewhere cannot list what it has put
   * here any more.
   */
  async #forget(
    topic: TopicRecord,
    number: number,
    found: readonly FoundObject[],
    actions: UpkeepAction[],
    isDry: boolean,
  ): Promise<void> {
    const { clock } = this.#parts;
    const partition = await this.#parts.partition(topic, number);
    const manifest = await partition.manifest.read();
    if (manifest === undefined) return;
    const isForgotten = ({ segments, doomed }: Manifest, { object }: FoundObject) =>
      ![...segments, ...doomed].some((one) => one.object === object);
    const objects = found.filter((one) => isForgotten(manifest, one));
    if (objects.length === 0) return;
    actions.push({ what: "forget", topic: topic.name, partition: number, ...totalOf(objects) });
    if (isDry) return;
    const since = clock.now();
    await changeManifest(this.#parts, partition, (manifest) => ({
      doomed: [
        ...manifest.doomed,
        ...objects.filter((one) => isForgotten(manifest, one)).map(({ object }) => ({ object, since })),
      ],
    }));
  }

  async #purge(id: string, actions: UpkeepAction[], isDry: boolean): Promise<void> {
    const { store, meta, place } = this.#parts;
    // A listing may be late.
    const isMarked = (await store.head(place.deleted(id))) !== undefined;
    if (!isMarked && (await store.head(place.topic(id))) !== undefined) return;
    let objects = 0;
    let bytes = 0;
    for await (const { size } of store.list(place.folder(id))) {
      objects++;
      bytes += size;
    }
    actions.push({ what: "delete", topic: id, objects, bytes });
    if (isDry) return;
    const topic = (await meta.topics()).find((one) => one.id === id);
    await meta.deleteTopic(id);
    if (topic !== undefined) await this.#parts.forget(topic);
    await purgeTopic(store, place, id);
  }

  /** The second phase. */
  async #delete(topic: TopicRecord, number: number, actions: UpkeepAction[], isDry: boolean): Promise<void> {
    const { store, place, clock } = this.#parts;
    const partition = this.#parts.opened(topic.id, number);
    const before = clock.now() - topic.config.fileDeleteDelayMs;
    const dueOf = (manifest: Manifest | undefined) =>
      (manifest?.doomed ?? []).filter(({ since }) => since <= before).map(({ object }) => object);
    if (partition === undefined || dueOf(partition.manifest.known).length === 0) return;
    const gone = dueOf(await partition.manifest.read());
    if (gone.length === 0) return;
    actions.push({ what: "delete", topic: topic.name, partition: number, objects: gone.length });
    if (isDry) return;
    await store.delete(gone.map((object) => place.partition(topic.id, number) + object));
    await changeManifest(this.#parts, partition, ({ doomed }) => ({
      doomed: doomed.filter(({ object }) => !gone.includes(object)),
    }));
  }
}

function publish(actions: readonly UpkeepAction[]): void {
  for (const { what, objects, bytes = 0 } of actions) logUpkeep.publish({ what, objects, bytes });
}

function totalOf(objects: readonly { readonly bytes: number }[]) {
  return { objects: objects.length, bytes: objects.reduce((sum, { bytes }) => sum + bytes, 0) };
}

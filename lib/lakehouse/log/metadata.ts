/** Where a log's metadata is: with this machine alone, or in etcd. */
import { join } from "node:path";
import { invalidConfig } from "../errors.js";
import type { ObjectStore } from "../storage/index.js";
import { Alone } from "./cluster/alone.js";
import type { Cluster } from "./cluster/cluster.js";
import type { LogMeta, TopicRecord } from "./meta/log-meta.js";
import { OnFirstUse } from "./on-first-use.js";
import type { SharedLog } from "./open-shared.js";
import type { Place } from "./partition/place.js";
import { makeLogFolder } from "./wal/disk.js";

export interface MetadataParts {
  readonly store: ObjectStore;
  readonly place: Place;
  readonly folder: string;
  /** As `LogOptions.meta`. */
  readonly uri: string | undefined;
  /** @throws LakehouseError CLOSED once nothing more is to be opened. */
  readonly checkOpen: () => void;
}

const SQLITE = "sqlite:";

/**
 * The metadata of a log, and who writes the log: this process alone, or several servers, which share the metadata. It is
 * opened when it is first used: most lakehouses are opened for their tables, and load neither SQLite nor etcd's client.
 */
export class Metadata {
  /** Other servers may write the log, too. */
  readonly isShared: boolean;
  readonly #checkOpen: () => void;
  readonly #alone = new Alone();
  readonly #sqlite: OnFirstUse<LogMeta>;
  readonly #shared: OnFirstUse<SharedLog>;
  readonly #learner;

  /** @throws LakehouseError INVALID_CONFIG */
  constructor({ store, place, folder, uri, checkOpen }: MetadataParts) {
    checkUri(uri);
    this.isShared = uri?.startsWith("etcd:") ?? false;
    this.#checkOpen = checkOpen;
    this.#sqlite = new OnFirstUse(async () => {
      const { SqliteMeta } = await import("./meta/sqlite-meta.js");
      checkOpen();
      makeLogFolder(folder);
      return new SqliteMeta(uri?.slice(SQLITE.length) ?? join(folder, "meta.db"));
    });
    this.#shared = new OnFirstUse(async () => {
      makeLogFolder(folder);
      const { openShared } = await import("./open-shared.js");
      return openShared(uri as string, folder);
    });
    this.#learner = new OnFirstUse(async () => {
      const { Learner } = await import("./partition/learn.js");
      return new Learner({ store, place, meta: await this.open() });
    });
  }

  /** @throws LakehouseError CLOSED, STORAGE_FAILED */
  async open(): Promise<LogMeta> {
    this.#checkOpen();
    return this.isShared ? (await this.#shared.get()).meta : this.#sqlite.get();
  }

  /** Who writes the log, and who leads which partition. @throws LakehouseError CLOSED, STORAGE_FAILED */
  async cluster(): Promise<Cluster> {
    return (await this.shared())?.cluster ?? this.#alone;
  }

  /** What servers agree by; `undefined` where there is one. @throws LakehouseError CLOSED, STORAGE_FAILED */
  async shared(): Promise<SharedLog | undefined> {
    if (!this.isShared) return undefined;
    this.#checkOpen();
    return this.#shared.get();
  }

  /** Makes known what others have put into the object store. */
  async learn({ id }: TopicRecord, number: number): Promise<void> {
    if (this.isShared) await (await this.#learner.get()).learn(id, number);
  }

  /** Who leads a partition is decided in a moment where it is new, or a server has ended. */
  async untilLed({ id }: TopicRecord, number: number): Promise<void> {
    await (await this.shared())?.cluster.untilLed(id, number);
  }

  /** After all that uses it. */
  async close(): Promise<void> {
    const shared = await this.#shared.toClose();
    // The others have all that is in the object store.
    await shared?.cluster.leave();
    await shared?.close();
    await (await this.#sqlite.toClose())?.close();
  }
}

/** @throws LakehouseError INVALID_CONFIG */
function checkUri(uri: string | undefined): void {
  if (uri === undefined || /^(etcd:|sqlite:.)/.test(uri)) return;
  throw invalidConfig(
    uri,
    `A log's metadata cannot be at ${JSON.stringify(uri)}.`,
    "Write etcd://host:2379/prefix for a log that several servers share, or leave it out.",
  );
}

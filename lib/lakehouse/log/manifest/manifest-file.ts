import { corruptFile } from "../../errors.js";
import { type ObjectStore, objectNotFound, preconditionFailed } from "../../storage/index.js";
import { decodeManifest, encodeManifest, type Manifest } from "./manifest.js";

/** What a change may not touch: who changes, and how often it was. */
export type ManifestChange = Partial<Omit<Manifest, "revision" | "writerId">>;

interface Known {
  readonly etag: string;
  readonly manifest: Manifest;
}

/** A partition's manifest in the object store. It changes by compare-and-set, one change of this process after the other. */
export class ManifestFile {
  readonly #store: ObjectStore;
  readonly #uri: string;
  readonly #writerId: bigint;
  #known: Known | undefined;
  #foreign = 0;
  #changing: Promise<unknown> = Promise.resolve();

  constructor(store: ObjectStore, uri: string, writerId: bigint) {
    this.#store = store;
    this.#uri = uri;
    this.#writerId = writerId;
  }

  /** How many changes of others were seen. What was put beside a manifest that another has changed may be deleted by now. */
  get foreign(): number {
    return this.#foreign;
  }

  /** As it was seen last. */
  get known(): Manifest | undefined {
    return this.#known?.manifest;
  }

  /** As it is now: one request, where it has not changed. `undefined` where there is none. */
  async read(): Promise<Manifest | undefined> {
    const info = await this.#store.head(this.#uri);
    if (info === undefined) return undefined;
    if (this.#known?.etag === info.etag) return this.#known.manifest;
    // What is read may be newer than the etag: then the next change fails, and reads again.
    const manifest = await readManifest(this.#store, this.#uri);
    if (manifest === undefined) return undefined;
    if (manifest.writerId !== this.#writerId) this.#foreign++;
    this.#known = { etag: info.etag, manifest };
    return manifest;
  }

  /** Puts a first one, where there is none yet. */
  async create(first: Manifest): Promise<Manifest> {
    const manifest = { ...first, writerId: this.#writerId };
    try {
      await this.#store.put(this.#uri, encodeManifest(manifest), { ifAbsent: true });
    } catch (error) {
      if (!preconditionFailed.is(error)) throw error;
    }
    return (await this.read()) ?? manifest;
  }

  /**
   * Writes it anew.
   *
   * @param change gets it as it is, more than once where another changes it in between; `undefined` leaves it.
   * @returns as it is then; `undefined` where there is none, because its topic was deleted.
   * @throws LakehouseError STORAGE_FAILED where it may have been written, or may still be.
   */
  change(change: (manifest: Manifest) => ManifestChange | undefined): Promise<Manifest | undefined> {
    const changed = this.#changing.then(() => this.#change(change));
    this.#changing = changed.catch(() => undefined);
    return changed;
  }

  async #change(change: (manifest: Manifest) => ManifestChange | undefined): Promise<Manifest | undefined> {
    for (;;) {
      const before = await this.read();
      if (before === undefined) return undefined;
      const changed = change(before);
      if (changed === undefined) return before;
      const manifest = {
        ...before,
        ...changed,
        revision: before.revision + 1,
        writerId: this.#writerId,
      };
      try {
        const { etag } = await this.#store.put(this.#uri, encodeManifest(manifest), {
          ifEtag: (this.#known as Known).etag,
        });
        this.#known = { etag, manifest };
        return manifest;
      } catch (error) {
        if (!preconditionFailed.is(error)) throw error;
      }
    }
  }
}

export function missingManifest(uri: string) {
  return corruptFile(
    uri,
    `The partition's manifest ${uri} is missing, which says which of its older segments count.`,
    "Open the log again where it was written: the metadata there knows, and makes it anew. Or restore it from a backup.",
  );
}

/** @throws LakehouseError CORRUPT_FILE, UNSUPPORTED_FEATURE, STORAGE_FAILED */
export async function readManifest(store: ObjectStore, uri: string): Promise<Manifest | undefined> {
  try {
    return decodeManifest(await store.read(uri), uri);
  } catch (error) {
    if (objectNotFound.is(error)) return undefined;
    throw error;
  }
}

import { mapConcurrent, READ_CONCURRENCY } from "../../../concurrency.js";
import type { ObjectStore } from "../../../storage/index.js";
import { DeleteIndex } from "../../files/deletes/delete-index.js";
import type { SequencedFile } from "../../files/deletes/delete-rules.js";
import { readManifests } from "../../files/manifest/list.js";
import { readLiveEntries } from "../../files/manifest/reader.js";
import { specsById } from "../../files/manifest/specs.js";
import type { DataFile, ManifestContent } from "../../model/metadata/manifest-types.js";
import type { SequenceNumber, Snapshot, TableMetadata } from "../../model/metadata/types.js";
import { deleteScope } from "../scan/delete-scope.js";
import { fileKey } from "./selector.js";

/** The files of one content that a snapshot has. */
export async function liveFiles(
  store: ObjectStore,
  metadata: TableMetadata,
  snapshot: Snapshot | undefined,
  content: ManifestContent,
): Promise<SequencedFile[]> {
  if (snapshot === undefined) return [];
  const manifests = (await readManifests(store, snapshot)).filter((each) => each.content === content);
  const specs = specsById(metadata);
  const entries = await mapConcurrent(manifests, READ_CONCURRENCY, (each) =>
    readLiveEntries(store, each, specs),
  );
  return entries.flat().map(({ dataFile, sequenceNumber = 0n }) => ({ file: dataFile, sequenceNumber }));
}

/** The delete files of a snapshot, to be asked which of them apply to a data file. */
export class LiveDeletes {
  readonly files: readonly SequencedFile[];
  readonly #index: DeleteIndex;
  readonly #ages: ReadonlyMap<string, SequenceNumber>;

  constructor(files: readonly SequencedFile[], metadata: TableMetadata) {
    this.files = files;
    this.#index = new DeleteIndex(files, deleteScope(metadata));
    this.#ages = new Map(files.map(({ file, sequenceNumber }) => [fileKey(file), sequenceNumber]));
  }

  static async of(
    store: ObjectStore,
    metadata: TableMetadata,
    snapshot: Snapshot | undefined,
  ): Promise<LiveDeletes> {
    return new LiveDeletes(await liveFiles(store, metadata, snapshot, "deletes"), metadata);
  }

  /** Those that apply to a data file. */
  for(data: SequencedFile): readonly DataFile[] {
    return this.#index.forDataFile(data);
  }

  /** The data sequence number of one of them. */
  ageOf(file: DataFile): SequenceNumber {
    return this.#ages.get(fileKey(file)) ?? 0n;
  }

  /** Those that apply to none of these data files. */
  idle(data: Iterable<SequencedFile>): readonly DataFile[] {
    const used = new Set<string>();
    for (const each of data) for (const file of this.for(each)) used.add(fileKey(file));
    return this.files.map(({ file }) => file).filter((file) => !used.has(fileKey(file)));
  }
}

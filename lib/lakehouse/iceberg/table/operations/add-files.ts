import { mapConcurrent, READ_CONCURRENCY } from "../../../concurrency.js";
import { invalidArgument, type LakehouseError } from "../../../errors.js";
import { checkOptions } from "../../../options.js";
import {
  type ObjectInfo,
  type ObjectStore,
  objectNotFound,
  reachingOut,
  recordedLocation,
  spelledUri,
} from "../../../storage/index.js";
import { currentSchema } from "../../model/metadata/lookup.js";
import {
  createNameMapping,
  DEFAULT_NAME_MAPPING,
  nameMappingFromJson,
  nameMappingToJson,
} from "../../model/schema/name-mapping.js";
import { updateProperties } from "../evolution/settings.js";
import { TableScan } from "../scan/scan.js";
import type { PendingUpdate } from "../snapshot/pending.js";
import { validateNoNewDataFiles } from "../snapshot/validate.js";
import { Adopter } from "./adopt-file.js";
import { FileChange, readRef, type SnapshotOptions, sinceOf, type TableState } from "./file-change.js";
import { ADD_FILES } from "./option-names.js";

export interface AddFilesOptions extends SnapshotOptions {
  /**
   * Passes over columns that the table does not have, at every depth, where they are refused otherwise. Should the table
   * get a column of such a name later, files without field ids have its values.
   * PyIceberg (0.12) does not read such files without field ids: it wants every column of theirs in the name mapping.
   */
  readonly ignoreExtraColumns?: boolean | undefined;
}

/**
 * Adopts Parquet files where they are, by reference, without rewriting them: their metrics come from their footers,
 * their partition from Hive-style folders (`origin=ATL/`) or, where these tell nothing, from bounds that leave one value.
 * Files without field ids are matched by name: the table gets a name mapping of its schema if it has none.
 * A folder that tells a column which the table does not have is passed over, and what it tells is not in the table; one that
 * alone tells a column which the table has, under this name or an earlier one, must be kept by the partition.
 *
 * A file may lie outside the table's folder, and outside the warehouse. The table then depends on it: one within the
 * warehouse is collected as garbage like the table's own when nothing refers to it any more; one outside is read, and
 * never deleted.
 *
 * @param paths paths or URIs of files, or of folders that end in `/`, of which all `.parquet` files are taken.
 * @throws LakehouseError INVALID_ARGUMENT for a file that the table has already, or that is given twice, or whose
 *   partition cannot be told; SCHEMA_MISMATCH for one that does not fit the schema, at any depth; OBJECT_NOT_FOUND,
 *   CORRUPT_FILE, UNSUPPORTED_FEATURE.
 */
export async function addFiles(
  state: TableState,
  paths: readonly string[],
  options: AddFilesOptions,
): Promise<PendingUpdate[]> {
  checkOptions("addFiles", options, ADD_FILES);
  if (!Array.isArray(paths) || !paths.every((path) => typeof path === "string")) {
    throw invalidArgument("paths", "The files to add are no array of paths.", 'Write ["/data/2024/"].');
  }
  const { metadata } = state;
  const store = reachingOut(state.store);
  const recorded = paths.map((path) => locationOf(state.store, path));
  const objects = await findObjects(store, recorded);
  if (objects.length === 0) return [];
  const { tasks } = await new TableScan(state.store, metadata, { ref: readRef(state, options) }).planAll();
  const known = new Set(tasks.map((task) => spelledUri(task.dataFile.filePath)));
  const given = new Set(objects.map(({ uri }) => spelledUri(uri)));
  const twice = objects.find(({ uri }) => known.has(spelledUri(uri)));
  if (twice !== undefined) throw refused(twice.uri, "is in the table already");
  const text = metadata.properties[DEFAULT_NAME_MAPPING];
  const mapping = text === undefined ? createNameMapping(currentSchema(metadata)) : nameMappingFromJson(text);
  const adopter = new Adopter(store, metadata, mapping, options.ignoreExtraColumns ?? false);
  const files = await mapConcurrent(objects, READ_CONCURRENCY, (object) => adopter.adopt(object));
  const since = sinceOf(state, options);
  const change = new FileChange(
    state,
    {
      operation: "append",
      addedDataFiles: files,
      validate: (base, parent) =>
        validateNoNewDataFiles(since(base, parent), (file) => given.has(spelledUri(file.filePath))),
    },
    options,
  );
  if (!adopter.mapped || text !== undefined) return [new Adoption(change)];
  const set = { [DEFAULT_NAME_MAPPING]: nameMappingToJson(mapping) };
  return [updateProperties({ set }), new Adoption(change)];
}

/** A change whose files are not its own: when it comes to nothing, they stay. */
class Adoption implements PendingUpdate {
  readonly #change: FileChange;

  constructor(change: FileChange) {
    this.#change = change;
  }

  propose(base: Parameters<PendingUpdate["propose"]>[0]): ReturnType<PendingUpdate["propose"]> {
    return this.#change.propose(base);
  }

  settle(committed: Parameters<NonNullable<PendingUpdate["settle"]>>[0]): Promise<void> {
    return this.#change.settleMetadata(committed);
  }
}

/**
 * Where the table will say that a file is. Of the many spellings of one location it is always the same, so that a file
 * is recognized that the table has: a second time its rows would count twice.
 */
function locationOf(store: ObjectStore, path: string): string {
  const recorded = recordedLocation(store, path);
  return recorded.startsWith(`${store.root}/`) ? recorded : recordedLocation(store, spelledUri(path));
}

async function findObjects(store: ObjectStore, paths: readonly string[]): Promise<ObjectInfo[]> {
  const found = new Map<string, ObjectInfo>();
  const add = (object: ObjectInfo): void => {
    if (found.has(object.uri)) throw refused(object.uri, "is given twice");
    found.set(object.uri, object);
  };
  for (const path of paths) {
    if (!path.endsWith("/")) {
      const object = await store.head(path);
      if (object === undefined) {
        throw objectNotFound(
          path,
          `There is no object ${path}.`,
          (await holdsObjects(store, `${path}/`))
            ? `It is a folder: to add all Parquet files in it, write ${path}/.`
            : undefined,
        );
      }
      add(object);
      continue;
    }
    for await (const object of store.list(path)) {
      const parts = object.uri.slice(path.length).split("/");
      // Engines leave markers and unfinished files under names that begin so.
      const hidden = parts.some((part) => part.startsWith("_") || part.startsWith("."));
      if (object.uri.endsWith(".parquet") && !hidden) add(object);
    }
  }
  return [...found.values()];
}

async function holdsObjects(store: ObjectStore, folder: string): Promise<boolean> {
  for await (const _ of store.list(folder)) return true;
  return false;
}

function refused(uri: string, problem: string): LakehouseError {
  return invalidArgument(uri, `${uri} cannot be added: it ${problem}.`);
}

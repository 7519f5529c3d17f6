import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { mapConcurrent, READ_CONCURRENCY } from "../concurrency.js";
import { throwIfAborted } from "../errors.js";
import { openSqlite } from "../sqlite.js";
import { type ObjectInfo, objectNotFound, systemCode, writeBeside } from "../storage/index.js";
import type { FilesToCopy } from "./copy-in.js";
import { backupCorrupt, backupIncomplete, restoreRefused } from "./errors.js";
import type { BackedUpFile } from "./model.js";
import { type BackupPlace, IN_MEMORY_BYTES } from "./place.js";

/** What locations of the runs of experiments begin with: paths from the folder that their SQLite file is in. */
const RUNS = "experiments:";
/** Whatever the file is called in its lakehouse. */
const DATABASE = `${RUNS}mlflow.db`;
const ARTIFACTS = "artifacts";
/** An artifact that is being written: see `experiments`. */
const UNFINISHED = ".unfinished-";
/** How long a transaction of another process is waited for, in milliseconds. */
const BUSY_TIMEOUT_MS = 20_000;

/** The file of `sqlite:<path>`; `undefined` for a server. */
function fileOf(uri: string): string | undefined {
  return /^sqlite:(?!\/\/)(.+)$/.exec(uri)?.[1];
}

/** Runs of experiments as files to copy: MLflow's SQLite file as it is at one moment, and the folder of artifacts beside it. */
export class RunFiles implements FilesToCopy {
  readonly root = RUNS;
  readonly #file: string | undefined;
  #database: Uint8Array = new Uint8Array();

  /** @param uri where runs are kept. */
  constructor(uri: string | undefined) {
    this.#file = uri === undefined ? undefined : fileOf(uri);
  }

  /**
   * What there is now. The database is read before the folder is: what it says of artifacts is on the disk by then.
   *
   * @returns locations; none where runs are on a server, or there are none.
   * @throws LakehouseError BACKUP_INCOMPLETE where they cannot be read.
   */
  async locations(): Promise<readonly string[]> {
    const file = this.#file;
    if (file === undefined || !existsSync(file)) return [];
    try {
      const db = openSqlite(file, { timeout: BUSY_TIMEOUT_MS, fileMustExist: true });
      try {
        this.#database = db.serialize();
      } finally {
        db.close();
      }
      const folder = join(dirname(file), ARTIFACTS);
      const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error) => {
        if (systemCode(error) === "ENOENT") return [];
        throw error;
      });
      const paths = entries
        .filter((entry) => entry.isFile() && !entry.name.startsWith(UNFINISHED))
        .map(({ parentPath, name }) => relative(dirname(file), join(parentPath, name)).split(sep).join("/"));
      return [DATABASE, ...paths.sort().map((path) => RUNS + path)];
    } catch (cause) {
      throw backupIncomplete(
        file,
        `The runs of experiments in ${file} cannot be read: ${(cause as Error).message}. There is no backup.`,
        "Mend or move the file, or back up tables by name.",
        cause,
      );
    }
  }

  async head(location: string): Promise<ObjectInfo | undefined> {
    if (location === DATABASE) {
      const etag = createHash("sha256").update(this.#database).digest("hex");
      return { uri: location, size: this.#database.length, etag, lastModified: new Date(0) };
    }
    const { size, mtimeMs, mtime } = await this.#found(location, () => stat(this.#pathOf(location)));
    return { uri: location, size, etag: `${mtimeMs}`, lastModified: mtime };
  }

  read(location: string): Promise<Uint8Array> {
    if (location === DATABASE) return Promise.resolve(this.#database);
    return this.#found(location, () => readFile(this.#pathOf(location)));
  }

  async *stream(location: string): AsyncGenerator<Uint8Array, void, undefined> {
    if (location === DATABASE) yield this.#database;
    else yield* createReadStream(this.#pathOf(location));
  }

  #pathOf(location: string): string {
    return join(dirname(this.#file as string), location.slice(RUNS.length));
  }

  async #found<T>(location: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (systemCode(cause) !== "ENOENT") throw cause;
      throw objectNotFound(location, `There is no artifact ${this.#pathOf(location)}.`, undefined, cause);
    }
  }
}

/** `restored`, or `kept`: there are others already, or a server has them. */
export type RestoredRuns = "restored" | "kept";

/**
 * Puts the runs of a backup where a lakehouse keeps its own, artifacts before the file that names them. Where there are runs
 * already, they stay as they are: they may be newer.
 *
 * @param uri where runs are to be kept.
 * @returns `undefined` where the backup has none.
 * @throws LakehouseError BACKUP_CORRUPT; RESTORE_REFUSED where an artifact is another file; ABORTED.
 */
export async function restoreRuns(
  place: BackupPlace,
  files: readonly BackedUpFile[],
  uri: string,
  signal: AbortSignal | undefined,
): Promise<RestoredRuns | undefined> {
  const database = files.find(({ location }) => location === DATABASE);
  if (database === undefined) return undefined;
  const file = fileOf(uri);
  if (file === undefined) return "kept";
  if (existsSync(file)) return (await isSame(file, database)) ? "restored" : "kept";
  // SQLite would take what is in it for changes of the file that comes.
  const journal = `${file}-wal`;
  if (existsSync(journal))
    throw restoreRefused(
      journal,
      `${journal} is there, without the file that it is of.`,
      "Move it away, and restore again.",
    );
  await mapConcurrent(
    files.filter((each) => each !== database),
    READ_CONCURRENCY,
    async (each) => {
      throwIfAborted(signal);
      await put(place, each, join(dirname(file), ...partsOf(each.location)));
    },
  );
  await put(place, database, file);
  return "restored";
}

function partsOf(location: string): string[] {
  const parts = location.slice(RUNS.length).split("/");
  const isBelow = parts[0] === ARTIFACTS && parts.every((part) => !/^\.{0,2}$|[\\\0]/.test(part));
  if (location.startsWith(RUNS) && isBelow) return parts;
  throw backupCorrupt(
    location,
    `The backup has an artifact ${location}, which is outside of its folder.`,
    "Restore another backup.",
  );
}

async function put(place: BackupPlace, file: BackedUpFile, path: string): Promise<void> {
  if (existsSync(path)) {
    if (await isSame(path, file)) return;
    throw restoreRefused(
      path,
      `${path} is there already, and is another file than the backup has for this place.`,
      "Move it away, and restore again.",
    );
  }
  await mkdir(dirname(path), { recursive: true });
  const body =
    file.size > IN_MEMORY_BYTES ? place.stream(file, file.location) : await place.read(file, file.location);
  await writeBeside(path, (beside) => writeFile(beside, body));
}

async function isSame(path: string, { size, sha256 }: BackedUpFile): Promise<boolean> {
  if ((await stat(path)).size !== size) return false;
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex") === sha256;
}

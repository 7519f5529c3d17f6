import type { BranchingCatalog, Catalog } from "../catalog/index.js";
import type { Abortable } from "../errors.js";
import { observe } from "../observability/index.js";
import { checkFlag, checkOptions, type OptionNames } from "../options.js";
import type { StoreOptions } from "../storage/index.js";
import { type BackupRun, backupRuns } from "./metrics.js";
import type { BackupSummary } from "./model.js";
import type { BackupPlace, BackupStore } from "./place.js";
import type { PruneOptions, PruneReport } from "./prune.js";
import type { RestoreReport } from "./restore-lake.js";
import type { RestoreTablesOptions } from "./restore-tables.js";
import type { BackupReport, TakeOptions } from "./take.js";
import type { VerifyReport } from "./verify.js";

/** What backups need of an open lakehouse. */
export interface BackupContext {
  readonly profile: { readonly experiments: string };
  readonly catalog: Catalog;
}

/** Where backups are kept: a path, a `file://` or `s3://` URI, or a store. */
export type BackupLocation = string | BackupStore;

export interface BackupOptions extends TakeOptions {
  readonly to: BackupLocation;
  /** How to reach that place: by default what the environment says. */
  readonly storage?: StoreOptions | undefined;
}

export interface FromBackup extends Abortable {
  readonly from: BackupLocation;
  /** The id of a backup, or a time: the newest that was made until then. The newest of all where not given. */
  readonly asOf?: string | undefined;
  /** How to reach that place: by default what the environment says. */
  readonly storage?: StoreOptions | undefined;
}

export interface PruneBackups extends Omit<FromBackup, "asOf">, PruneOptions {}

export interface RestoreOptions extends FromBackup, RestoreTablesOptions {}

const BACKUP: OptionNames<BackupOptions> = { to: true, tables: true, storage: true, signal: true };
const FROM: OptionNames<FromBackup> = { from: true, asOf: true, storage: true, signal: true };
const PRUNE: OptionNames<PruneBackups> = {
  from: true,
  storage: true,
  keep: true,
  dryRun: true,
  signal: true,
};
const RESTORE: OptionNames<RestoreOptions> = {
  ...FROM,
  tables: true,
  as: true,
  ref: true,
  overwrite: true,
};

/**
 * Backups: `lake.backup`. A backup has all branches and tags with their history and the runs of experiments, or single tables, at one moment. A whole
 * lakehouse comes back by `restoreLakehouse`, to any place.
 *
 * @example
 * await lake.backup({ to: "s3://backups/lake" });             // what is there from earlier backups is not copied again
 * await lake.backup.verify({ from: "s3://backups/lake" });    // every object against its checksum
 * await lake.backup.restore({ from: "s3://backups/lake", tables: ["flights.demo"], as: "flights.then" });
 */
export interface Backup {
  /**
   * Takes a backup. Others may write, compact and collect garbage meanwhile.
   *
   * @throws LakehouseError NO_SUCH_TABLE; BACKUP_INCOMPLETE where the lakehouse lacks a file; UNSUPPORTED_FEATURE for a
   *   catalog without branches; CORRUPT_FILE; STORAGE_FAILED; ABORTED. There is no new backup then.
   */
  (options: BackupOptions): Promise<BackupReport>;
  /** The backups at a place, newest first. */
  list(options: Omit<FromBackup, "asOf">): Promise<BackupSummary[]>;
  /**
   * Reads every object of a backup, and says which are missing or damaged.
   *
   * @throws LakehouseError NO_SUCH_BACKUP; BACKUP_CORRUPT where the backup's own index is damaged.
   */
  verify(options: FromBackup): Promise<VerifyReport>;
  /**
   * Removes all but the newest backups of a place, and the objects that no other has.
   *
   * @throws LakehouseError BACKUP_BUSY where a backup is being made there; BACKUP_CORRUPT, with nothing removed.
   */
  prune(options: PruneBackups): Promise<PruneReport>;
  /**
   * Puts tables of a backup beside those that are here, on the branch that the lakehouse is on: with all snapshots, in
   * folders of their own.
   *
   * @throws LakehouseError RESTORE_REFUSED where there is a table of that name; NO_SUCH_BACKUP; NO_SUCH_TABLE; BACKUP_CORRUPT.
   */
  restore(options: RestoreOptions): Promise<RestoreReport>;
}

export function backupOf({ catalog, profile }: BackupContext): Backup {
  const backup = async (given: BackupOptions): Promise<BackupReport> => {
    checkOptions("backup", given, BACKUP);
    const { to, storage, ...options } = given;
    const { takeBackup } = await import("./take.js");
    const place = await placeAt(to, storage);
    const work = async () => takeBackup(await branching(catalog), place, options, profile.experiments);
    return observed(
      "take",
      () => (place.isShared ? place.alone("backup", work) : work()),
      ({ id, copied }) => ({ backup: id, bytes: copied.bytes }),
    );
  };
  return Object.assign(backup, {
    async list(options: Omit<FromBackup, "asOf">): Promise<BackupSummary[]> {
      checkOptions("backup.list", options, FROM);
      return (await placeAt(options.from, options.storage)).summaries();
    },
    async verify(options: FromBackup): Promise<VerifyReport> {
      checkOptions("backup.verify", options, FROM);
      const { verifyBackup } = await import("./verify.js");
      const place = await placeAt(options.from, options.storage);
      return observed(
        "verify",
        async () => verifyBackup(place, await place.find(options.asOf), options),
        ({ backup, bytes, corrupt }) => ({ backup, bytes, corrupt: corrupt.length }),
      );
    },
    async prune(options: PruneBackups): Promise<PruneReport> {
      checkOptions("backup.prune", options, PRUNE);
      checkFlag("backup.prune", "dryRun", options.dryRun);
      const { prune } = await import("./prune.js");
      const place = await placeAt(options.from, options.storage);
      return observed("prune", () => prune(place, options));
    },
    async restore(options: RestoreOptions): Promise<RestoreReport> {
      checkOptions("backup.restore", options, RESTORE);
      checkFlag("backup.restore", "overwrite", options.overwrite);
      const { restoreTables } = await import("./restore-tables.js");
      const place = await placeAt(options.from, options.storage);
      return observed(
        "restore",
        async () => restoreTables(place, await place.find(options.asOf), await branching(catalog), options),
        ({ backup, bytes }) => ({ backup, bytes }),
      );
    },
  });
}

function observed<Result>(
  what: BackupRun["what"],
  work: () => Promise<Result>,
  told: (result: Result) => Partial<BackupRun> = () => ({}),
): Promise<Result> {
  return observe(backupRuns, work, ({ result, outcome, milliseconds }) => ({
    what,
    backup: undefined,
    bytes: 0,
    corrupt: 0,
    ...(result === undefined ? {} : told(result)),
    outcome,
    milliseconds,
  }));
}

async function branching(catalog: Catalog): Promise<BranchingCatalog> {
  const { branchingOf } = await import("../catalog/index.js");
  return branchingOf(catalog);
}

async function placeAt(location: BackupLocation, storage: StoreOptions | undefined): Promise<BackupPlace> {
  const { openPlace } = await import("./place.js");
  return openPlace(location, storage);
}

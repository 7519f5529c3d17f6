import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { invalidConfig } from "./errors.js";

/**
 * Where a lakehouse runs.
 *
 * - `embedded`: one folder, SQLite, DuckDB; nothing to start.
 * - `stack`: tables on an S3 service (SeaweedFS in `deploy/compose`), reached by the `SLH_S3_*` variables.
 *
 * On either, the catalog is a Nessie server's where `SLH_NESSIE_URI` names one, or kept in the etcd cluster of
 * `SLH_ETCD_URI`.
 */
export type ProfileName = "embedded" | "stack";

export interface Profile {
  readonly name: ProfileName;
  /** Folder of this machine that holds the catalog, caches and, embedded, the warehouse. */
  readonly root: string;
  /** URI or path below which tables get their folders. */
  readonly warehouse: string;
  /** Base of the API v2 of the Nessie server that keeps the catalog. */
  readonly nessie?: string;
  /** The etcd cluster that keeps the catalog. Without it and Nessie it is kept in `root`. */
  readonly etcd?: string;
}

export interface ProfileOptions {
  /** Default: `SLH_PROFILE`, or `embedded`. */
  readonly profile?: ProfileName | undefined;
  /** Default: `SLH_LAKE`, or `.lake` in the project that the working directory lies in. */
  readonly root?: string | undefined;
  /** Default: `warehouse` in the root; on the stack `SLH_WAREHOUSE`, or `s3://lakehouse/warehouse`. */
  readonly warehouse?: string | undefined;
  /** Such as `http://127.0.0.1:19120/api/v2`. Default: `SLH_NESSIE_URI`, or none. */
  readonly nessie?: string | undefined;
  /** Such as `etcd://127.0.0.1:2379/lake`. Default: `SLH_ETCD_URI`, or none. */
  readonly etcd?: string | undefined;
}

/**
 * The profile that the options and the environment ask for.
 *
 * @throws LakehouseError `INVALID_CONFIG` for a profile that does not exist, or a catalog in two places.
 */
export function resolveProfile(
  options: ProfileOptions = {},
  env: Readonly<Record<string, string | undefined>> = process.env,
): Profile {
  const name = options.profile ?? (env.SLH_PROFILE || "embedded");
  if (name !== "embedded" && name !== "stack") {
    throw invalidConfig(
      "SLH_PROFILE",
      `There is no profile "${name}".`,
      "Set SLH_PROFILE to embedded or stack.",
    );
  }
  const root = resolve(options.root ?? (env.SLH_LAKE || join(projectFolder(process.cwd()), ".lake")));
  const warehouse =
    options.warehouse ??
    (name === "stack" ? env.SLH_WAREHOUSE || "s3://lakehouse/warehouse" : join(root, "warehouse"));
  const nessie = options.nessie ?? (env.SLH_NESSIE_URI || undefined);
  const etcd = options.etcd ?? (env.SLH_ETCD_URI || undefined);
  if (nessie !== undefined && etcd !== undefined) {
    throw invalidConfig(
      "SLH_ETCD_URI",
      `The catalog cannot be both on the Nessie server ${nessie} and in ${etcd}.`,
      "Unset SLH_NESSIE_URI or SLH_ETCD_URI.",
    );
  }
  return {
    name,
    root,
    warehouse,
    ...(nessie === undefined ? {} : { nessie }),
    ...(etcd === undefined ? {} : { etcd }),
  };
}

/**
 * The folder whose `.lake` a script or notebook means: the nearest one above that already has a lake or is the top
 * of a checkout, so that a notebook in `milestones/m03-…` and a command at the top see the same tables.
 */
function projectFolder(from: string): string {
  const marks = [".lake", "package-lock.json", ".git"];
  for (let folder = from; ; folder = dirname(folder)) {
    if (marks.some((mark) => existsSync(join(folder, mark)))) return folder;
    if (dirname(folder) === folder) return from;
  }
}

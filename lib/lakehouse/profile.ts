import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { invalidConfig } from "./errors.js";

/**
 * Where a lakehouse runs.
 *
 * - `embedded`: one folder, SQLite, DuckDB; nothing to start.
 * - `stack`: tables on an S3 service (SeaweedFS in `deploy/compose`), reached by the `SLH_S3_*` variables.
 *
 * On either, the catalog is the one at the URI in `SLH_CATALOG`: in an etcd cluster or an object store, on a Nessie
 * server, or of any server of the Iceberg REST protocol. `SLH_NESSIE_URI` and `SLH_ETCD_URI` are its older spellings.
 */
export type ProfileName = "embedded" | "stack";

export interface Profile {
  readonly name: ProfileName;
  /** Folder of this machine that holds the catalog, caches and, embedded, the warehouse. */
  readonly root: string;
  /** URI or path below which tables get their folders. */
  readonly warehouse: string;
  /** URI of the catalog, as `openCatalogAt` takes it. */
  readonly catalog: string;
}

export interface ProfileOptions {
  /** Default: `SLH_PROFILE`, or `embedded`. */
  readonly profile?: ProfileName | undefined;
  /** Default: `SLH_LAKE`, or `.lake` in the project that the working directory lies in. */
  readonly root?: string | undefined;
  /** Default: `warehouse` in the root; on the stack `SLH_WAREHOUSE`, or `s3://lakehouse/warehouse`. */
  readonly warehouse?: string | undefined;
  /**
   * URI of the catalog, such as `s3://lakehouse/catalog`, `nessie:http://127.0.0.1:19120/api/v2` or
   * `rest:https://catalog.example.org?warehouse=lake`. Default: `SLH_CATALOG`, or a SQLite file in the root.
   */
  readonly catalog?: string | undefined;
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
  const named = [
    env.SLH_CATALOG,
    env.SLH_NESSIE_URI && `nessie:${env.SLH_NESSIE_URI}`,
    env.SLH_ETCD_URI,
  ].filter((uri) => uri);
  if (options.catalog === undefined && named.length > 1) {
    throw invalidConfig(
      "SLH_CATALOG",
      "The catalog cannot be at two places, as SLH_CATALOG, SLH_NESSIE_URI and SLH_ETCD_URI say.",
      "Set SLH_CATALOG alone.",
    );
  }
  const catalog = options.catalog ?? named[0] ?? `sqlite:${join(root, "catalog.db")}`;
  return { name, root, warehouse, catalog };
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

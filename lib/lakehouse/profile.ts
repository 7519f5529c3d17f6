import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type FoundConfig, findConfig } from "./config-file.js";
import { invalidConfig, type LakehouseError } from "./errors.js";

/**
 * Where a lakehouse runs.
 *
 * - `embedded`: one folder, SQLite, DuckDB; nothing to start.
 * - `stack`: tables on an S3 service (SeaweedFS in `deploy/compose`), reached by the `SLH_S3_*` variables.
 *
 * On either, the catalog is the one at the URI in `SLH_CATALOG`: in an etcd cluster or an object store, on a Nessie
 * server, or of any server of the Iceberg REST protocol. `SLH_NESSIE_URI` and `SLH_ETCD_URI` are its older spellings.
 * A config file (`LakehouseConfig`) says the same for a project, and the environment wins over it. Where both are asked for
 * one profile and an option asks for the other, what they say of warehouse, catalog, log and experiments is not meant.
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
  /** URI of the log's metadata: a SQLite file of this machine, or an etcd that servers share. */
  readonly log: string;
  /** URI of the runs of experiments: a SQLite file of this machine, or an MLflow server. */
  readonly experiments: string;
}

export interface ProfileOptions {
  /** Default: `SLH_PROFILE`, then the config file, then `embedded`; so with all settings. */
  readonly profile?: ProfileName | undefined;
  /** Default: `SLH_LAKE`, or `.lake` beside the config file or in the project that the working directory lies in. */
  readonly root?: string | undefined;
  /** Default: `warehouse` in the root; on the stack `SLH_WAREHOUSE`, or `s3://lakehouse/warehouse`. */
  readonly warehouse?: string | undefined;
  /**
   * URI of the catalog, such as `s3://lakehouse/catalog`, `nessie:http://127.0.0.1:19120/api/v2` or
   * `rest:https://catalog.example.org?warehouse=lake`. Default: `SLH_CATALOG`, or a SQLite file in the root.
   */
  readonly catalog?: string | undefined;
  /**
   * Where the log's metadata is: `etcd://host:2379,host:2379/prefix` where several servers share the log, each with a root
   * of its own over one warehouse. Default: `SLH_LOG`, or a SQLite file in the root, for one process that writes.
   */
  readonly log?: string | undefined;
  /**
   * Where runs of experiments are: `sqlite:<path>`, or the address of an MLflow server, such as `http://127.0.0.1:5000`. Default:
   * `SLH_EXPERIMENTS`, or a SQLite file in the root.
   */
  readonly experiments?: string | undefined;
}

/** A setting in force, and who says so: an option, a variable of the environment, the config file's path, or nobody. */
export interface Setting {
  readonly name: "profile" | "root" | "warehouse" | "catalog" | "log" | "experiments";
  readonly value: string;
  readonly source: string;
}

/** Who has said nothing of a setting. */
export const DEFAULT = "default";

/**
 * The profile that the options, the environment and the nearest config file ask for, each setting by itself: options
 * win over the environment, the environment over the file.
 *
 * @throws LakehouseError `INVALID_CONFIG` for a profile that does not exist, a catalog in two places, or a config file
 *   that makes no sense.
 */
export function resolveProfile(
  options: ProfileOptions = {},
  env: Readonly<Record<string, string | undefined>> = process.env,
): Profile {
  const [name, root, warehouse, catalog, log, experiments] = settingsInForce(options, env).map(
    ({ value }) => value,
  );
  return { name, root, warehouse, catalog, log, experiments } as Profile;
}

/** The settings of a profile, in the order of their names in `Setting`. Throws as `resolveProfile`. */
export function settingsInForce(
  options: ProfileOptions = {},
  env: Readonly<Record<string, string | undefined>> = process.env,
  cwd: string = process.cwd(),
): readonly Setting[] {
  const file = findConfig(cwd);
  const outside = env.SLH_PROFILE || file?.config.profile;
  const isAnother = options.profile !== undefined && outside !== undefined && outside !== options.profile;
  const setting = (
    name: Setting["name"],
    variables: Readonly<Record<string, string | undefined>>,
    fallback: () => string,
  ): Setting => {
    const [option, written] = [options[name], file?.config[name]];
    const set = Object.keys(variables).filter((variable) => variables[variable]);
    const [variable, second] = set;
    if (option !== undefined) return { name, value: option, source: `option ${name}` };
    if (second !== undefined) throw twoPlaces(set);
    if (variable !== undefined) return { name, value: variables[variable] as string, source: variable };
    if (written !== undefined) return { name, value: written, source: (file as FoundConfig).path };
    return { name, value: fallback(), source: DEFAULT };
  };
  /** A setting that goes with a profile: where tables are is not said of a lakehouse that is elsewhere. */
  const ofProfile: typeof setting = (name, variables, fallback) =>
    isAnother && options[name] === undefined
      ? { name, value: fallback(), source: DEFAULT }
      : setting(name, variables, fallback);
  const profile = setting("profile", { SLH_PROFILE: env.SLH_PROFILE }, () => "embedded");
  if (profile.value !== "embedded" && profile.value !== "stack") {
    const subject = profile.source;
    throw invalidConfig(
      subject,
      `There is no profile "${profile.value}", which is said by ${subject}.`,
      "Say embedded or stack.",
    );
  }
  const isStack = profile.value === "stack";
  const home = () => (file === undefined ? projectFolder(cwd) : dirname(file.path));
  const asked = setting("root", { SLH_LAKE: env.SLH_LAKE }, () => join(home(), ".lake"));
  const root = { ...asked, value: resolve(cwd, asked.value) };
  const warehouse = ofProfile("warehouse", isStack ? { SLH_WAREHOUSE: env.SLH_WAREHOUSE } : {}, () =>
    isStack ? "s3://lakehouse/warehouse" : join(root.value, "warehouse"),
  );
  const catalogs = {
    SLH_CATALOG: env.SLH_CATALOG,
    SLH_NESSIE_URI: env.SLH_NESSIE_URI && `nessie:${env.SLH_NESSIE_URI}`,
    SLH_ETCD_URI: env.SLH_ETCD_URI,
  };
  const catalog = ofProfile("catalog", catalogs, () => `sqlite:${join(root.value, "catalog.db")}`);
  const log = ofProfile(
    "log",
    { SLH_LOG: env.SLH_LOG },
    () => `sqlite:${join(root.value, "log", "meta.db")}`,
  );
  const experiments = ofProfile(
    "experiments",
    { SLH_EXPERIMENTS: env.SLH_EXPERIMENTS },
    () => `sqlite:${join(root.value, "experiments", "mlflow.db")}`,
  );
  return [profile, root, warehouse, catalog, log, experiments];
}

function twoPlaces(variables: readonly string[]): LakehouseError {
  return invalidConfig(
    variables[0] as string,
    `The catalog cannot be at two places, as ${variables.join(" and ")} say.`,
    "Set SLH_CATALOG alone.",
  );
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

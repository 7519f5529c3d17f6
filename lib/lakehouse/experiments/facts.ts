import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { type Catalog, isBranchingCatalog } from "../catalog/index.js";
import { schemaToJson, type Table } from "../iceberg/index.js";
import type { DatasetInput } from "./model.js";

/** The tags that bind a run to what it was made of. */
export const TAGS = {
  /** The catalog's commit: all tables as they were. */
  commit: "sololakehouse.catalog.commit",
  /** The branch or tag that it was seen on. */
  ref: "sololakehouse.catalog.ref",
  /** MLflow's own: its page shows it as the version. */
  code: "mlflow.source.git.commit",
  /** Whether files differed from that commit. */
  dirty: "sololakehouse.code.dirty",
  /** The function that made it: `<module>#<export>`. */
  task: "sololakehouse.task",
  /** The run that it makes again. */
  reproduces: "sololakehouse.reproduces",
  host: "sololakehouse.host",
  process: "sololakehouse.process",
  /** When that process started: another of its number has another. */
  started: "sololakehouse.process.started",
  /** Of a dataset and of a table: columns, types, nulls, keys and checks, as a hash. */
  contract: "sololakehouse.contract",
  /** Of a model: of its files. */
  model: "sololakehouse.model.sha256",
} as const;

/** The name of the catalog's tag that keeps what a run read. */
export const tagOf = (runId: string) => `runs/${runId}`;

/** The commit of the code in the working directory; nothing where git or a repository is missing. */
export async function codeFacts(cwd: string): Promise<Readonly<Record<string, string>>> {
  const git = async (...args: readonly string[]) => {
    const { stdout } = await promisify(execFile)("git", [...args], { cwd, maxBuffer: 64 * 1024 * 1024 });
    return stdout.trim();
  };
  try {
    const [commit, changes] = await Promise.all([git("rev-parse", "HEAD"), git("status", "--porcelain")]);
    return { [TAGS.code]: commit, [TAGS.dirty]: String(changes !== "") };
  } catch {
    // What is in no repository has no commit.
    return {};
  }
}

/** Where a catalog is; nothing of one without commits. */
export async function catalogFacts(catalog: Catalog): Promise<Readonly<Record<string, string>>> {
  if (!isBranchingCatalog(catalog)) return {};
  const { hash } = await catalog.commitAt();
  return { [TAGS.commit]: hash, [TAGS.ref]: catalog.ref };
}

/** What a table promises, as a hash: its columns with their types, nulls and ids, its keys, and the checks that it carries. */
function contractHash({ schema, properties }: Pick<Table, "schema" | "properties">): string {
  const { fields, identifierFieldIds } = schema;
  const said = {
    schema: schemaToJson({ schemaId: 0, fields, identifierFieldIds }),
    checks: properties["quality.checks"] ?? "[]",
  };
  return createHash("sha256")
    .update(JSON.stringify(sorted(said)))
    .digest("hex");
}

/** Of a model's files with their names, in the order of these. */
export function filesHash(files: readonly (readonly [string, Uint8Array])[]): string {
  const hash = createHash("sha256");
  for (const [path, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(`${JSON.stringify(path)} ${content.byteLength}\n`).update(content);
  return hash.digest("hex");
}

/** With the keys of objects in their order, so that equal values are equal texts. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, each]) => [key, sorted(each)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** MLflow's types by ours; it has none for the others, which it is told are text. */
const COLUMN_TYPES: Readonly<Record<string, string>> = {
  boolean: "boolean",
  int: "integer",
  long: "long",
  float: "float",
  double: "double",
  date: "datetime",
  timestamp: "datetime",
  timestamptz: "datetime",
  binary: "binary",
};

/** A table at its current snapshot, as a dataset of a run. A table without one has no rows, and the digest `empty`. */
export function tableInput(table: Table, rows: bigint, tags: Readonly<Record<string, string>>): DatasetInput {
  const { name, schema, currentSnapshot, metadata } = table;
  const columns = schema.fields.map(({ name: column, type, required }) => ({
    type: COLUMN_TYPES[type.type] ?? "string",
    name: column,
    required,
  }));
  const digest = currentSnapshot === undefined ? "empty" : String(currentSnapshot.snapshotId);
  return {
    name,
    digest,
    sourceType: "iceberg",
    // A dataset is its snapshot, in whichever run: so nothing of the run is said here.
    source: JSON.stringify({
      table: name,
      uuid: metadata.tableUuid,
      location: metadata.location,
      snapshot_id: digest,
    }),
    schema: JSON.stringify({ mlflow_colspec: columns }),
    profile: JSON.stringify({ num_rows: Number(rows) }),
    tags: { ...tags, [TAGS.contract]: contractHash(table) },
  };
}

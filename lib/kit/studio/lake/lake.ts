import { existsSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Lakehouse, openLakehouse, type Table } from "sololakehouse";
import { type FileRow, typeToString } from "sololakehouse/iceberg";
import type { Project } from "../../milestones/index.js";
import type {
  LakeCommits,
  LakeFile,
  LakeState,
  LakeTable,
  LogState,
  SqlResult,
  TableDetail,
} from "../contract.js";
import { Refused } from "../http/refused.js";
import { columnsOf, plain } from "./values.js";

/** Commits of the graph that are told. */
const MOST_COMMITS = 200;
/** Files of a table that are told, the largest. */
const MOST_FILES = 1000;
/** Rows of a query's result that are told. */
export const SQL_ROWS = 1000;

/**
 * The lakehouse that a project's cells work on, looked at from beside them. It is opened for one question and closed again,
 * so that no lock of it is held while a cell runs, and it is never made: before the first cell has, there is none.
 */
export class LakeView {
  readonly #project: Project;

  constructor(project: Project) {
    this.#project = project;
  }

  /** As cells find it. */
  get root(): string {
    const { root, lake } = this.#project;
    return process.env.SLH_LAKE ? resolve(root, process.env.SLH_LAKE) : lake;
  }

  async state(ref = "main"): Promise<LakeState> {
    const inside = relative(this.#project.root, this.root);
    const folder = inside.startsWith("..") || isAbsolute(inside) ? this.root : inside;
    if (!this.#exists()) return { exists: false, folder, ref, refs: [], tables: [] };
    return this.#with(async (lake) => {
      const refs = (await lake.refs()).map(({ type, name, hash }) => ({
        name,
        kind: type === "TAG" ? ("tag" as const) : ("branch" as const),
        hash,
      }));
      const on = lake.on(ref);
      const tables: LakeTable[] = [];
      for (const { namespace, name } of await on.tables())
        tables.push(await summaryOf(on, [...namespace, name].join(".")));
      return { exists: true, folder, ref, refs, tables };
    });
  }

  /** The commits behind all branches and tags, each before its parents. */
  commits(): Promise<LakeCommits> {
    if (!this.#exists()) return Promise.resolve({ commits: [], isCut: false });
    return this.#with(async (lake) => {
      const refs = await lake.refs();
      const found = await lake.history({ limit: MOST_COMMITS + 1 });
      const commits = found.slice(0, MOST_COMMITS).map(({ hash, parents, message, commitTime }) => ({
        hash,
        parents,
        message,
        time: new Date(commitTime).toISOString(),
        refs: refs.filter((each) => each.hash === hash).map(({ name }) => name),
      }));
      return { commits, isCut: found.length > MOST_COMMITS };
    });
  }

  /** What the metadata of the streaming log says; nobody becomes its writer by that. */
  log(): Promise<LogState> {
    if (!this.#exists()) return Promise.resolve({ topics: [] });
    return this.#with(async (lake) => {
      const { log } = lake.profile;
      if (log.startsWith("sqlite:") && !existsSync(log.slice("sqlite:".length))) return { topics: [] };
      const { core } = lake.log;
      const topics = (await core.topics()).map(async (topic) => ({
        name: topic.name,
        partitions: await Promise.all(
          Array.from({ length: topic.partitions }, async (_, partition) => {
            const segments = await core.segments(topic, partition);
            return {
              partition,
              start: String(segments[0]?.baseOffset ?? 0n),
              end: String(segments.at(-1)?.nextOffset ?? 0n),
              segments: segments.map(({ object, baseOffset, records, bytes }) => ({
                key: object,
                base: String(baseOffset),
                records,
                bytes,
              })),
            };
          }),
        ),
      }));
      return { topics: await Promise.all(topics) };
    });
  }

  /** @throws LakehouseError `NO_SUCH_TABLE`, `NO_SUCH_LAKE` */
  table(name: string, ref = "main"): Promise<TableDetail> {
    return this.#with(async (lake) => detailOf(await lake.on(ref).table(name), lake));
  }

  /**
   * The rows of one statement that reads, `SQL_ROWS` at most.
   *
   * @throws LakehouseError `INVALID_SQL`, also for a statement that is no query.
   */
  sql(text: string, ref = "main"): Promise<SqlResult> {
    return this.#with(async (lake) => {
      const began = performance.now();
      // As a subquery it can be nothing but a query, and no more of it is computed than is shown.
      const query = text.trim().replace(/;\s*$/, "");
      const result = await lake.on(ref).sql(`SELECT * FROM (\n${query}\n) LIMIT ${SQL_ROWS + 1}`);
      const rows = await result.rows();
      return {
        columns: columnsOf(result.schema),
        rows: rows.slice(0, SQL_ROWS).map((row) => result.columns.map((column) => plain(row[column]))),
        isCut: rows.length > SQL_ROWS,
        milliseconds: performance.now() - began,
        plan: result.tables.map(({ name, dataFiles, skippedDataFiles, bytes }) => ({
          table: name,
          filesRead: dataFiles,
          filesSkipped: skippedDataFiles,
          bytesRead: Number(bytes),
        })),
      };
    });
  }

  /**
   * The bytes of a file of the warehouse, by the location that a table lists it under.
   *
   * @throws Refused 403 for what lies outside of the warehouse; LakehouseError `OBJECT_NOT_FOUND`
   */
  file(location: string): Promise<Uint8Array> {
    return this.#with((lake) => {
      const { warehouse } = lake.profile;
      const home = warehouse.includes("://") ? warehouse : pathToFileURL(warehouse).href;
      const inside = location.startsWith(`${home}/`) ? location.slice(home.length + 1) : "";
      // A store may read `%2e` as a dot: no name that our writers give has one of these signs.
      if (inside === "" || /%(?:2e|2f|5c)|\\|\0/i.test(inside) || inside.split("/").includes(".."))
        throw new Refused(403, "FORBIDDEN", `${location} is no file of the warehouse.`);
      return lake.store.read(location);
    });
  }

  #exists(): boolean {
    return process.env.SLH_CATALOG !== undefined || existsSync(join(this.root, "catalog.db"));
  }

  async #with<T>(look: (lake: Lakehouse) => Promise<T>): Promise<T> {
    const lake = await openLakehouse({ root: this.root, create: false });
    try {
      return await look(lake);
    } finally {
      await lake.close();
    }
  }
}

function kindOf(content: FileRow["content"], format: string): LakeFile["content"] {
  if (content === "data") return "data";
  if (content === "equality-deletes") return "equality deletes";
  return format === "puffin" ? "deletion vector" : "position deletes";
}

async function summaryOf(lake: Lakehouse, name: string): Promise<LakeTable> {
  try {
    const { metadata, currentSnapshot }: Table = await lake.table(name);
    const summary = currentSnapshot?.summary as Readonly<Record<string, string>> | undefined;
    return {
      name,
      rows: summary?.["total-records"],
      bytes: summary?.["total-files-size"],
      files: summary?.["total-data-files"],
      snapshots: metadata.snapshots?.length ?? 0,
    };
  } catch (error) {
    // One table that is damaged does not hide the others.
    return { name, snapshots: 0, trouble: error instanceof Error ? error.message : String(error) };
  }
}

async function detailOf(table: Table, lake: Lakehouse): Promise<TableDetail> {
  const { schema, spec, sortOrder, properties, currentSnapshot, metadataLocation } = table;
  const nameOf = (id: number) => schema.fields.find((field) => field.id === id)?.name ?? `field ${id}`;
  const files = (await table.inspect.files()).sort((a, b) => Number(b.fileSizeInBytes - a.fileSizeInBytes));
  const metadata = await lake.store.read(metadataLocation);
  return {
    name: table.name,
    schema: schema.fields.map(({ id, name, type, required, doc }) => ({
      id,
      name,
      type: typeToString(type),
      required,
      doc,
    })),
    partitioning: spec.fields.map(({ name }) => name),
    sortOrder: sortOrder.fields.map(
      ({ sourceIds, direction }) => `${sourceIds.map(nameOf).join(", ")} ${direction}`,
    ),
    properties,
    snapshots: table.inspect
      .snapshots()
      .map(({ snapshotId, parentId, committedAt, operation, summary }) => ({
        id: String(snapshotId),
        parent: parentId === undefined ? undefined : String(parentId),
        time: committedAt.toISOString(),
        operation: operation ?? "",
        summary,
        isCurrent: snapshotId === currentSnapshot?.snapshotId,
      }))
      .reverse(),
    files: files.slice(0, MOST_FILES).map(
      ({ content, fileFormat, filePath, recordCount, fileSizeInBytes, partition }): LakeFile => ({
        path: filePath,
        content: kindOf(content, fileFormat),
        rows: Number(recordCount),
        bytes: Number(fileSizeInBytes),
        partition: Object.entries(partition)
          .map(([field, value]) => `${field}=${value}`)
          .join(", "),
      }),
    ),
    filesCut: files.length > MOST_FILES,
    metadata: new TextDecoder().decode(metadata),
  };
}

import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type * as arrow from "apache-arrow";
import { invalidArgument, type LakehouseError } from "../../errors.js";
import {
  type AppendData,
  type ArrowSource,
  assignFreshIds,
  Column,
  type IngestOptions,
  type Schema,
  type Source,
  type SourceRequest,
  schemaToArrow,
  storedSchema,
} from "../../iceberg/index.js";
import { schemaMismatch, writeParquet } from "../../parquet/index.js";
import { LocalStore, type ObjectStore } from "../../storage/index.js";
import { duckdbMessage } from "../duckdb/open.js";
import type { Relations } from "../relation/relations.js";
import { execute } from "../result/execute.js";
import type { Use } from "../result/use.js";
import { foldName } from "../text/names.js";
import { toByteString } from "../text/tokens.js";
import { type Misfit, misfitIn } from "../types/fit.js";
import { arrowFileBatches, arrowFileFields, dataBatches, inferData } from "./data.js";
import { findFiles, type SourceFile } from "./files.js";
import { expressionColumns, fittedRows, ROW } from "./fitted.js";
import { toldOfAny } from "./folders.js";
import { checkIngest, type Given, givenSource } from "./given.js";
import { type FoundColumn, folderType, icebergType, inferColumns } from "./infer.js";
import {
  csvLayouts,
  emptyLayout,
  fileError,
  jsonLayout,
  type Layout,
  parquetLayouts,
  sqlLayout,
} from "./layouts.js";
import { requireWhole } from "./whole.js";

/** A user's query that DuckDB can run as it is, and what its failures are to the user. */
export interface PreparedSql {
  readonly sql: string;
  readonly renamed?: ReadonlyMap<string, string> | undefined;
  readonly onError: (cause: unknown) => LakehouseError;
}

export interface InferRequest extends Pick<IngestOptions, "cast"> {
  readonly store: ObjectStore;
  readonly source: Source;
  /** The catalog's ref for a query that says none. */
  readonly ref?: string | undefined;
}

export interface InferredSource {
  /** Ids from 1 up, all columns optional. */
  readonly schema: Schema;
  /** The source to read from now on: data that can be read once has been begun. */
  readonly source: Source;
}

type Relational = Exclude<Given, { kind: "data" } | { kind: "arrow" }>;
type Data = AppendData<Record<string, unknown>>;

/** Where paths and names are looked up. */
type Where = Pick<InferRequest, "store" | "ref">;

/** A source that DuckDB reads, while it is read. */
interface Opened {
  readonly use: Use;
  readonly layouts: readonly Layout[];
  readonly files: readonly SourceFile[];
  readonly onError: (cause: unknown) => LakehouseError;
}

/** Makes a user's query one that DuckDB can run. */
export type Prepare = (text: string, ref: string | undefined, use: Use) => Promise<PreparedSql>;

/** Reads sources: queries, files and data at hand. */
export class Ingest {
  readonly #relations: Relations;
  readonly #scratch: string;
  readonly #prepare: Prepare;

  /** @param scratch folder for copies of remote files, and for data that is to be cast. */
  constructor(relations: Relations, scratch: string, prepare: Prepare) {
    this.#relations = relations;
    this.#scratch = scratch;
    this.#prepare = prepare;
  }

  /**
   * The rows of a source as those of a schema, in flat memory.
   *
   * @param prepare of a query, where it is not the one of all.
   */
  async *rows(
    request: SourceRequest,
    prepare: Prepare = this.#prepare,
  ): AsyncGenerator<arrow.RecordBatch, void, undefined> {
    checkIngest(request);
    const given = givenSource(request.source);
    if (given.kind === "data") yield* this.#dataRows(given.data, request);
    else if (given.kind !== "arrow") yield* this.#relationalRows(given, request, prepare);
    else if (given.arrow instanceof Uint8Array) yield* this.#dataRows(arrowFileBatches(given.arrow), request);
    else yield* this.#arrowRows(given.arrow, given.hivePartitioning, request);
  }

  /** The columns of a source. */
  async infer({ source, store, ref, cast = {} }: InferRequest): Promise<InferredSource> {
    checkIngest({ cast });
    const given = givenSource(source);
    if (given.kind === "data") {
      const { fields, data } = await inferData(given.data);
      return { schema: await this.#schema(fields, cast, "the data"), source: data };
    }
    if (given.kind === "arrow") {
      const fields = await this.#arrowColumns(given, store);
      return { schema: await this.#schema(fields, cast, "the Arrow file"), source };
    }
    return this.#open(given, { store, ref }, async (opened) => {
      const isText = given.kind === "csv";
      const columns = await inferColumns(opened.use.connection, opened.layouts, isText, cast).catch(
        (cause) => {
          throw opened.onError(cause);
        },
      );
      const layout = opened.layouts[0] ?? (await emptyLayout(opened.use.connection, []));
      const name = opened.files[0]?.name ?? "the query";
      return { schema: await this.#withCasts(columns, cast, name, opened.use, layout), source };
    });
  }

  async #schema(
    columns: readonly FoundColumn[],
    cast: NonNullable<IngestOptions["cast"]>,
    name: string,
  ): Promise<Schema> {
    return this.#held(async (use) =>
      this.#withCasts(columns, cast, name, use, await emptyLayout(use.connection, columns)),
    );
  }

  async #withCasts(
    columns: readonly FoundColumn[],
    cast: NonNullable<IngestOptions["cast"]>,
    name: string,
    { connection }: Use,
    layout: Layout,
  ): Promise<Schema> {
    const types = new Map(columns.map((column) => [column.name, column.type]));
    const computed = await expressionColumns(connection, layout, columns, cast);
    for (const { name: column, type } of computed) types.set(column, icebergType(column, type));
    for (const [column, each] of Object.entries(cast))
      if (each instanceof Column) types.set(column, each.type);
    if (types.size === 0) {
      throw invalidArgument(
        name,
        `No columns can be told from ${name}: it holds no values.`,
        "Give the schema.",
      );
    }
    let last = 0;
    const fields = [...types].map(([column, type]) => ({ id: 0, name: column, required: false, type }));
    const fresh = assignFreshIds(fields, () => {
      last += 1;
      return last;
    });
    return { schemaId: 0, fields: fresh, identifierFieldIds: [] };
  }

  /** Opens a source for as long as `work` takes. */
  async #open<T>(given: Relational, from: Where, work: (opened: Opened) => Promise<T>): Promise<T> {
    const opening = this.#opened(given, from);
    const { use, ...rest } = (await opening.next()).value as Opened;
    try {
      return await work({ use, ...rest });
    } catch (error) {
      throw use.stopped ?? error;
    } finally {
      await opening.return();
    }
  }

  /** Gives the source, once, and closes it when it is left. */
  async *#opened(
    given: Relational,
    { store, ref }: Where,
    prepare: Prepare = this.#prepare,
  ): AsyncGenerator<Opened, void, undefined> {
    const use = await this.#relations.use(async (own) => own.hold());
    const { connection } = use;
    try {
      if (given.kind === "sql") {
        const { sql, renamed = new Map(), onError } = await prepare(given.sql, given.ref ?? ref, use);
        const layout = await sqlLayout(connection, sql, renamed).catch((cause) => {
          throw onError(cause);
        });
        yield { use, layouts: [layout], files: [], onError };
        return;
      }
      const { files, end } = await findFiles(
        connection,
        store,
        pathsOf(given),
        this.#scratch,
        given.hivePartitioning,
      );
      try {
        yield {
          use,
          layouts: await layoutsOf(use, given, files),
          files,
          onError: (cause) => fileError(cause, files),
        };
      } finally {
        await end();
      }
    } catch (error) {
      throw use.stopped ?? error;
    } finally {
      use.release();
    }
  }

  async *#relationalRows(
    given: Relational,
    request: SourceRequest,
    prepare: Prepare = this.#prepare,
  ): AsyncGenerator<arrow.RecordBatch, void, undefined> {
    const opening = this.#opened(given, request, prepare);
    try {
      for await (const opened of opening) {
        try {
          yield* this.#openedRows(opened, request);
        } catch (error) {
          throw opened.use.stopped ?? error;
        }
      }
    } finally {
      await opening.return();
    }
  }

  async *#openedRows(
    opened: Opened,
    request: SourceRequest,
  ): AsyncGenerator<arrow.RecordBatch, void, undefined> {
    const { layouts, use } = opened;
    if (layouts.length === 0) return;
    const parts: string[] = [];
    for (const layout of layouts)
      parts.push(await fittedRows(use.connection, layout, request.schema, request));
    let misfit: Misfit | undefined;
    try {
      yield* this.#run(parts.join(" UNION ALL "), request.schema, (cause) => {
        misfit = misfitIn(duckdbMessage(cause).message);
        return misfit === undefined ? opened.onError(cause) : misfitError(misfit, opened.files);
      });
    } catch (error) {
      throw misfit === undefined ? error : await this.#located(misfit, opened, request, error);
    }
  }

  /** The error of a value that did not fit, with its row: the file is read again up to there, counting. */
  async #located(
    { where }: Misfit,
    { use, layouts, files }: Opened,
    { schema, ...options }: SourceRequest,
    unlocated: unknown,
  ): Promise<unknown> {
    const file = files.find(({ path }) => path === where);
    const layout = layouts.find((each) => file !== undefined && each.files.includes(file));
    if (file === undefined || layout === undefined) return unlocated;
    const sql = await fittedRows(use.connection, layout, schema, options, file);
    try {
      for await (const _ of this.#run(sql, schema, (cause) => {
        const misfit = misfitIn(duckdbMessage(cause).message);
        return misfit === undefined ? fileError(cause, files) : misfitError(misfit, files);
      }));
      return unlocated;
    } catch (error) {
      return error;
    }
  }

  async *#run(
    sql: string,
    schema: Schema,
    onError: (cause: unknown) => LakehouseError,
  ): AsyncGenerator<arrow.RecordBatch, void, undefined> {
    const bytes = toByteString(sql);
    const arrowSchema = schemaToArrow(storedSchema(schema));
    const result = await this.#relations.use((use) => execute(use, { bytes, onError, schema: arrowSchema }));
    yield* result.batches();
  }

  async *#dataRows(data: Data, request: SourceRequest): AsyncGenerator<arrow.RecordBatch, void, undefined> {
    if (Object.keys(request.cast ?? {}).length > 0) yield* this.#castRows(data, request);
    else yield* dataBatches(data, request.schema, request);
  }

  /** Data at hand, cast as DuckDB casts: it lies in a file meanwhile. */
  async *#castRows(rows: Data, request: SourceRequest): AsyncGenerator<arrow.RecordBatch, void, undefined> {
    const { fields, data } = await inferData(rows);
    await mkdir(this.#scratch, { recursive: true });
    const store = new LocalStore(this.#scratch, { durable: false });
    const uri = `${store.root}/${randomUUID()}.parquet`;
    const schema = { schemaId: 0, fields, identifierFieldIds: [] };
    try {
      // Columns that its first batch has; of several files each may lack some.
      const { missingFields } = request;
      const batches = dataBatches(data, schema, { missingFields });
      if (fields.length === 0) {
        // There is no file without columns; and no rows have none.
        if ((await batches.next()).done) return;
        throw schemaMismatch("*", "The rows have no columns that could be cast.", "Give them some.");
      }
      await writeParquet(store, uri, schemaToArrow(schema), batches);
      const parquet = store.localPath(uri) as string;
      const given = { kind: "parquet", parquet, hivePartitioning: false } as const;
      yield* this.#relationalRows(given, { ...request, source: { parquet } });
    } finally {
      await store.delete([uri]);
    }
  }

  async *#arrowRows(
    paths: string | readonly string[],
    hivePartitioning: boolean | undefined,
    request: SourceRequest,
  ): AsyncGenerator<arrow.RecordBatch, void, undefined> {
    const use = await this.#relations.use(async (own) => own.hold());
    try {
      const scratch = join(this.#scratch, "copies");
      const { files, end } = await findFiles(use.connection, request.store, paths, scratch, hivePartitioning);
      try {
        const data = arrowFileBatches(files);
        // What folders tell is text, of which the table's types are made as for a cast.
        if (toldOfAny(files).length > 0) yield* this.#castRows(data, request);
        else yield* this.#dataRows(data, request);
      } finally {
        await end();
      }
    } catch (error) {
      throw use.stopped ?? error;
    } finally {
      use.release();
    }
  }

  /** The columns of Arrow IPC, and those that folders of its files tell. */
  async #arrowColumns(
    { arrow: source, hivePartitioning }: ArrowSource,
    store: ObjectStore,
  ): Promise<FoundColumn[]> {
    if (source instanceof Uint8Array) return [...(await arrowFileFields(source))];
    return this.#held(async ({ connection }) => {
      const { files, end } = await findFiles(connection, store, source, this.#scratch, hivePartitioning);
      try {
        const columns: FoundColumn[] = [...(await arrowFileFields(files))];
        const own = new Set(columns.map(({ name }) => foldName(name)));
        for (const name of toldOfAny(files).filter((each) => !own.has(foldName(each)))) {
          columns.push({ name, type: await folderType(connection, files, name) });
        }
        return columns;
      } finally {
        await end();
      }
    });
  }

  /** Work with a connection for as long as it takes. Where that was cut, the error says so, and not what broke by it. */
  async #held<T>(work: (use: Use) => Promise<T>): Promise<T> {
    const use = await this.#relations.use(async (own) => own.hold());
    try {
      return await work(use);
    } catch (error) {
      throw use.stopped ?? error;
    } finally {
      use.release();
    }
  }
}

function pathsOf(given: Exclude<Relational, { kind: "sql" }>): string | readonly string[] {
  switch (given.kind) {
    case "csv":
      return given.csv;
    case "json":
      return given.json;
    case "ndjson":
      return given.ndjson;
    case "parquet":
      return given.parquet;
  }
}

async function layoutsOf(
  { connection }: Use,
  given: Exclude<Relational, { kind: "sql" }>,
  files: readonly SourceFile[],
): Promise<readonly Layout[]> {
  switch (given.kind) {
    case "csv":
      for (const file of files) await requireWhole(file, { isJson: false });
      return csvLayouts(connection, files, given);
    case "json":
    case "ndjson":
      for (const file of files) await requireWhole(file, { isJson: true });
      return [jsonLayout(files)];
    case "parquet":
      return parquetLayouts(connection, files);
  }
}

function misfitError({ column, where, problem }: Misfit, files: readonly SourceFile[]): LakehouseError {
  const [path, row] = where.split(ROW);
  const name = files.find((file) => file.path === path)?.name;
  const place = [
    ...(row === undefined ? [] : [`row ${row}`]),
    ...(name === undefined ? [] : [`${row === undefined ? "" : "of "}${name}`]),
    ...(column === "*" ? [] : [`column ${JSON.stringify(column)}`]),
  ].join(", ");
  const text = `${place === "" ? "A row" : place.replace(", of", " of")}: ${problem}.`;
  return schemaMismatch(
    column,
    text.replace(/^./, (letter) => letter.toUpperCase()),
    column === "*"
      ? 'Mend the source; keys that are no columns are left out with extraFields: "ignore".'
      : `Mend the value, or say how it is to be converted: cast: { ${JSON.stringify(column)}: … }.`,
  );
}

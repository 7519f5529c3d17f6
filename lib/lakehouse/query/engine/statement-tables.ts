import {
  allTables,
  allViews,
  type Catalog,
  type LoadedView,
  noSuchNamespace,
  noSuchView,
} from "../../catalog/index.js";
import { nearNames, unsupported } from "../../errors.js";
import {
  changelogSchema,
  metadataColumns,
  type NestedField,
  noSuchTable,
  type Table,
  withMainAt,
} from "../../iceberg/index.js";
import { invalidSql } from "../errors.js";
import { requireWholeFiles } from "../ingest/whole.js";
import type { TableSql } from "../result/prepared.js";
import type { Use } from "../result/use.js";
import { describeSql } from "../sql/describe.js";
import { fileReferences, requireTables } from "../sql/files.js";
import {
  type Extended,
  extend,
  type KnownTable,
  mayNameMetadata,
  starEdits,
} from "../sql/metadata-columns.js";
import { metadataTable } from "../sql/metadata-tables.js";
import { columnEdits, comparesNulls, parseStatement } from "../sql/parse.js";
import { pushedFilter } from "../sql/pushdown.js";
import { Spellings, spellColumns } from "../sql/spelling.js";
import { type SnapshotChoice, snapshotOf } from "../sql/state.js";
import {
  findReferences,
  type Node,
  type StatementReferences,
  type TableReference,
} from "../sql/statement.js";
import { prepareText } from "../sql/time-travel.js";
import { checkSameMeaning } from "../sql/view-dialects.js";
import { type Narrowing, narrowedThrough } from "../sql/view-filter.js";
import { errorInView, namesInView, viewSql, viewText } from "../sql/views.js";
import type { Target } from "../statements/context.js";
import { applyEdits, type Edit } from "../text/edits.js";
import { edgeOf } from "../text/names.js";
import { fromByteString, quoteIdentifier, toByteString, withoutEnd } from "../text/tokens.js";
import { asDuckDB } from "../types/sql-types.js";
import { informationSchema, shown } from "./listing.js";
import { namedRelation } from "./named-rows.js";
import type { PlannedRelations } from "./planned-relations.js";
import type {
  NamedRows,
  QueryEngineOptions,
  SqlOptions,
  StatementOptions,
  TableRequest,
} from "./query-engine.js";
import { uncommittedTasks } from "./uncommitted.js";

/** No filter passes it: DuckDB then evaluates what it would push down wrongly (`comparesNulls`). */
export const BARRIER = " OFFSET 0";

/** Where the names of a statement are looked up. */
export interface Scope extends StatementOptions {
  /** The views that the statement is the text of, outermost first. */
  readonly views?: readonly string[] | undefined;
}

type TableOptions = Pick<QueryEngineOptions, "resolve" | "lake" | "uncommitted">;

/** What makes a user's statement one that DuckDB can run. */
export interface StatementEdits {
  readonly edits: readonly Edit[];
  /** Names of columns that the result shall have, by those that they have in the statement. */
  readonly renamed: ReadonlyMap<string, string>;
}

/** Puts the tables of the lakehouse in the place of their names in a statement. */
export class StatementTables {
  readonly #options: TableOptions;
  readonly #relations: PlannedRelations;
  readonly #scratch: string;

  /** @param scratch folder for rows that are in no commit. */
  constructor(options: TableOptions, relations: PlannedRelations, scratch: string) {
    this.#options = options;
    this.#relations = relations;
    this.#scratch = scratch;
  }

  /** What runs in place of a SHOW that lists something; `undefined` for any other statement. */
  async shown(statement: Node, { ref }: SqlOptions): Promise<string | undefined> {
    const sql = await shown(statement, () => this.#catalog({ ref }, "SHOW"));
    return sql === undefined ? undefined : toByteString(sql);
  }

  #catalog(request: TableRequest, asked: string): Catalog {
    const catalog = this.#options.lake?.catalog(request);
    if (catalog !== undefined) return catalog;
    throw unsupported(asked, "This engine has no catalog to list.", "Open the lakehouse, whose sql() has.");
  }

  /**
   * @param targets what stands for names of ours, as the table that a statement changes.
   * @param narrowing what narrows the rows of a table, where it is not the statement alone.
   */
  async edits(
    statement: Node,
    references: StatementReferences,
    body: string,
    options: Scope,
    use: Use,
    targets: readonly Target[] = [],
    narrowing: (reference: TableReference) => Narrowing = (reference) => (fields) =>
      pushedFilter(reference, fields),
  ): Promise<StatementEdits> {
    if (options.tablesOnly) requireTables(statement, references.tables);
    await use.reading(requireWholeFiles(use.connection, fileReferences(statement, body)));
    const renamed = new Map<string, string>();
    const edits = columnEdits(references, body);
    const barrier = comparesNulls(statement) ? BARRIER : "";
    const targetOf = ({ node }: TableReference) => targets.find(({ name }) => node.table_name === name);
    const read = references.tables.filter((reference) => targetOf(reference) === undefined);
    const extended = mayNameMetadata(body) ? await this.#extended(read, options, use) : [];
    edits.push(...starEdits(extended, body));
    for (const reference of references.tables) {
      const added = extended.find((each) => each.reference === reference)?.added ?? [];
      const target = targetOf(reference);
      const table =
        target !== undefined
          ? await target.rows(reference)
          : await this.#tableSql(reference, narrowing(reference), options, use, added);
      const spellings = new Spellings(table.schema?.fields ?? []);
      edits.push(...spellColumns(reference, body, spellings));
      for (const [said, column] of spellings.originals) renamed.set(said, column);
      const text = toByteString(inPlace(reference, table, barrier));
      edits.push({ start: reference.start, end: reference.end, text });
    }
    return { edits, renamed };
  }

  /** The tables that a statement reads, as far as it names their metadata columns. */
  async #extended(tables: readonly TableReference[], options: Scope, use: Use): Promise<Extended[]> {
    const known: KnownTable[] = [];
    for (const reference of tables) {
      const table = await this.#options.resolve(reference.parts, { ref: reference.ref ?? options.ref });
      if (!table) continue;
      const state = await snapshotOf(reference, options, use.connection);
      const { fields } = table.scan(state).schema;
      known.push({ reference, fields, metadataColumns: metadataColumns(table.metadata) });
    }
    return extend(known);
  }

  /**
   * What stands for a reference in the statement.
   *
   * @param added metadata columns, of a table.
   */
  async #tableSql(
    reference: TableReference,
    narrowing: Narrowing,
    options: Scope,
    use: Use,
    added: readonly NestedField[],
  ): Promise<TableSql> {
    const { parts } = reference;
    const named = namedBy(reference, options.rows);
    if (named !== undefined) {
      const { relation, schema } = await namedRelation(named, narrowing, this.#relations, this.#scratch, use);
      return { sql: edgeOf(relation, schema.fields, [], asDuckDB).sql, schema };
    }
    const request = { ref: reference.ref ?? options.ref };
    const state = await snapshotOf(reference, options, use.connection);
    const table = await this.#options.resolve(parts, request);
    if (table) {
      const { schema } = table.scan(state);
      const { fields } = schema;
      const scan = table.scan({ ...state, filter: narrowing(fields) });
      const relation = await this.#relations.ofScan(table, scan, use, { fields, metadataColumns: added });
      return { sql: edgeOf(relation, fields, added, asDuckDB).sql, schema };
    }
    const owner = parts.length > 1 ? await this.#options.resolve(parts.slice(0, -1), request) : undefined;
    if (owner && parts.at(-1)?.toLowerCase() === "changes") {
      const schema = changelogSchema(owner.metadata);
      const filter = narrowing(schema.fields);
      const to = owner.scan(state).snapshot?.snapshotId;
      const { relation, fields } = await this.#relations.ofChanges(
        owner,
        { from: "oldest", to, filter },
        use,
      );
      return { sql: edgeOf(relation, fields, [], asDuckDB).sql, schema: { ...schema, fields } };
    }
    if (owner && parts.at(-1)?.toLowerCase() === "stream") {
      const stream = await this.#streamSql(owner, state, narrowing, use);
      if (stream) return stream;
    }
    const view = await this.#view(parts, request);
    if (view) return this.#viewSql(view, reference, narrowing, { ...options, ref: request.ref }, use);
    const metadata = owner && (await metadataTable(owner, parts.at(-1) ?? "", owner.scan(state).snapshot));
    if (metadata) return { sql: metadata };
    if (["information_schema", "pg_catalog"].includes(parts[0]?.toLowerCase() ?? "")) {
      return { sql: await informationSchema(parts, this.#catalog(request, parts.join("."))) };
    }
    throw noSuchTable(
      parts.join("."),
      `There is no table ${parts.join(".")}${request.ref === undefined ? "" : ` on ${request.ref}`}.`,
      await this.#meant(parts.join("."), request),
    );
  }

  /** A table with the rows that no commit has yet; `undefined` where nothing feeds it. */
  async #streamSql(
    table: Table,
    state: SnapshotChoice,
    narrowing: Narrowing,
    use: Use,
  ): Promise<TableSql | undefined> {
    const { schema, snapshot } = table.scan(state);
    const { fields } = schema;
    const at = table.view(withMainAt(table.metadata, snapshot?.snapshotId), undefined);
    const rows = await this.#options.uncommitted?.(at);
    if (rows === undefined) return undefined;
    const more = await uncommittedTasks(table, rows, this.#scratch, use);
    const scan = table.scan({ ...state, filter: narrowing(fields) });
    const relation = await this.#relations.ofScan(table, scan, use, { fields, metadataColumns: [], more });
    return { sql: edgeOf(relation, fields, [], asDuckDB).sql, schema };
  }

  async #view(parts: readonly string[], request: TableRequest): Promise<LoadedView | undefined> {
    const catalog = this.#options.lake?.catalog(request);
    if (catalog === undefined || parts.length < 2) return undefined;
    try {
      return await catalog.loadView({ namespace: parts.slice(0, -1), name: parts.at(-1) ?? "" });
    } catch (error) {
      if (noSuchView.is(error) || noSuchNamespace.is(error) || unsupported.is(error)) return undefined;
      throw error;
    }
  }

  /** A view's query, with the tables of the ref on which it was looked up. */
  async #viewSql(
    view: LoadedView,
    { parts, version, timestamp }: TableReference,
    around: Narrowing,
    scope: Scope,
    use: Use,
  ): Promise<TableSql> {
    const name = parts.join(".");
    const key = scope.ref === undefined ? name : `${name}@${scope.ref}`;
    const chain = [...(scope.views ?? []), key];
    if (version !== undefined || timestamp !== undefined) {
      throw invalidSql(
        name,
        `${name} is a view, which has no snapshots: FOR VERSION and FOR TIMESTAMP are for tables.`,
        "Name the tables' versions in the view, or read it on a tag or at a commit: view@ref.",
      );
    }
    if (scope.views?.includes(key)) {
      throw invalidSql(
        name,
        `The view ${name} reads itself: ${chain.join(" reads ")}.`,
        "Replace one of them by a view of tables.",
      );
    }
    const text = viewText(view, name);
    try {
      const source = toByteString(text.sql);
      const prepared = prepareText(withoutEnd(source));
      const statement = await parseStatement(use.connection, prepared.text, source, prepared.original);
      if (text.isForeign) checkSameMeaning(statement, name);
      const found = findReferences(statement, prepared.text, prepared.special);
      const inner = { ...scope, views: chain, rows: undefined };
      const tables: TableReference[] = [];
      for (const reference of found.tables) {
        const [first = [], ...others] = namesInView(reference.parts, text);
        const ref = reference.ref ?? scope.ref;
        const isThere = async (each: readonly string[]) =>
          (await this.#options.resolve(each, { ref })) ?? (await this.#view(each, { ref }));
        let meant = first;
        for (const other of others) if (!(await isThere(first))) meant = other;
        tables.push({ ...reference, parts: meant });
      }
      const narrowing = (reference: TableReference) => narrowedThrough(around, statement, text, reference);
      const references = { ...found, tables };
      const { edits } = await this.edits(
        statement,
        references,
        prepared.text,
        inner,
        use,
        undefined,
        narrowing,
      );
      const query = fromByteString(applyEdits(prepared.text, edits).text);
      return { sql: viewSql(query, text, parts.at(-1) ?? ""), schema: text.schema };
    } catch (error) {
      throw errorInView(error, name);
    }
  }

  async #meant(name: string, request: TableRequest): Promise<string> {
    const catalog = this.#options.lake?.catalog(request);
    const tables = catalog === undefined ? [] : [...(await allTables(catalog)), ...(await allViews(catalog))];
    const [best] = nearNames(
      name,
      tables.map((table) => [...table.namespace, table.name].join(".")),
    );
    return best === undefined
      ? "SHOW TABLES lists them."
      : `Did you mean ${best}? SHOW TABLES lists them all.`;
  }
}

/** A table as the text that replaces its name. */
function inPlace(
  { parts, alias, mayAlias, isSelect, isDescribed }: TableReference,
  { sql, schema }: TableSql,
  barrier: string,
): string {
  if (isDescribed && schema) return describeSql(sql, schema);
  const head = isSelect ? "SELECT * FROM " : isDescribed ? "DESCRIBE " : "";
  const name = mayAlias && !alias ? ` AS ${quoteIdentifier(parts.at(-1) ?? "")}` : "";
  return head + (mayAlias ? `(${sql}${barrier})` : sql) + name;
}

/** The rows that the caller of the statement gave a reference's name to, where it names no state of a table. */
function namedBy(
  { parts: [name = "", ...more], ref, version, timestamp }: TableReference,
  rows: Scope["rows"],
): NamedRows | undefined {
  const isPlain = more.length === 0 && ref === undefined && version === undefined && timestamp === undefined;
  return isPlain && rows !== undefined && Object.hasOwn(rows, name) ? rows[name] : undefined;
}

import { branchingOf, type Catalog } from "../../catalog/index.js";
import {
  type AppendData,
  type IngestOptions,
  isRereadable,
  noSuchTable,
  type RowEngine,
  requireFit,
  type Source,
  type Table,
} from "../../iceberg/index.js";
import { ensureNamespace } from "../../namespaces.js";
import type { QueryEngine } from "../../query/index.js";
import type { QualityContext } from "../check.js";
import type { Contract } from "../contracts/contract.js";
import { checksProperty } from "../contracts/stored.js";
import type { Landing } from "./publish.js";

/** The table on the branch that is to be written, and the branch, for SQL: `lake.sql(…, { ref: branch })`. */
export interface WriteTarget<Row> {
  readonly table: Table<Row>;
  readonly branch: string;
}

/** Writes by any number of commits on the branch. It is called again where what it wrote does not go with others' writes. */
export type WriteRows<Row> = (target: WriteTarget<Row>) => Promise<unknown>;

/** How given rows, or a function that writes, land on a branch. */
export function landingOf<Row>(
  context: QualityContext,
  name: string,
  contract: Contract<Row> | undefined,
  given: Source<Row> | WriteRows<Row>,
  ingest: IngestOptions,
): Landing {
  return {
    isRepeatable: typeof given === "function" || isRepeatableSource(given),
    write: async (branch) => {
      const table = await openOn(context, branch, name, contract);
      if (typeof given === "function") await given({ table, branch });
      else await appendTo(table, given, ingest);
    },
  };
}

/** The table on a branch, made where a contract says what it is; it has to be what the contract says. */
export async function openOn<Row>(
  context: QualityContext,
  branch: string,
  name: string,
  contract: Contract<Row> | undefined,
): Promise<Table<Row>> {
  const catalog = branchingOf(context.catalog).on(branch);
  const table = await loadOrCreate(catalog, name, contract);
  return table.withEngine(engineOn(context.engine, branch));
}

/** The table of a contract, made where it is missing. */
export async function openContract<Row>(
  { catalog, engine }: QualityContext,
  contract: Contract<Row>,
): Promise<Table<Row>> {
  return (await loadOrCreate(catalog, contract.name, contract)).withEngine(engine);
}

/** @throws LakehouseError SCHEMA_MISMATCH for a table that is not as the contract says. */
async function loadOrCreate<Row>(
  catalog: Catalog,
  name: string,
  contract: Contract<Row> | undefined,
): Promise<Table<Row>> {
  try {
    const table = await catalog.loadTable<Row>(name);
    if (contract !== undefined) requireFit(name, table.schema, contract.schema);
    return table;
  } catch (error) {
    if (contract === undefined || !noSuchTable.is(error)) throw error;
  }
  await ensureNamespace(catalog, name);
  return catalog.createTable<Row>(name, creationOf(contract));
}

/** What a table of a contract is made of. */
function creationOf<Row>(contract: Contract<Row>) {
  const { schema, partitionSpec, sortOrder, formatVersion, properties, owner, description, checks } =
    contract;
  return {
    schema,
    partitionSpec,
    sortOrder,
    formatVersion,
    properties: {
      ...properties,
      owner,
      ...(description !== undefined && { comment: description }),
      ...checksProperty(checks),
    },
  };
}

/** Queries that rows come from are read on the branch, unless they say where. */
function engineOn(engine: QueryEngine, ref: string): RowEngine {
  return {
    remainingRows: (request) => engine.remainingRows(request),
    changedRows: (request) => engine.changedRows(request),
    matchingPositions: (request) => engine.matchingPositions(request),
    openMerge: (request) => engine.openMerge(request),
    scanRows: (table, scan) => engine.scanRows(table, scan),
    readSource: (request) => engine.readSource({ ref, ...request }),
  };
}

export async function appendTo<Row>(
  table: Table<Row>,
  given: Source<Row>,
  ingest: IngestOptions,
): Promise<void> {
  const isPlain = Object.values(ingest).every((option) => option === undefined);
  if (isPlain && isData(given)) await table.append(given);
  else await table.appendFrom(given, ingest);
}

/** Rows or Arrow data at hand. */
function isData<Row>(given: Source<Row>): given is AppendData<Row> {
  if (typeof given !== "object" || given === null || given instanceof Uint8Array) return false;
  if (Array.isArray(given) && given.length > 0 && given.every((item) => typeof item === "string"))
    return false;
  return Symbol.iterator in given || Symbol.asyncIterator in given || "numRows" in given;
}

/** True for what can be read again: no generator, no stream. */
export function isRepeatableSource<Row>(given: Source<Row>): boolean {
  return isData(given) ? "numRows" in given || isRereadable(given) : true;
}

import { branchingOf, ConflictError } from "../../catalog/index.js";
import { invalidArgument } from "../../errors.js";
import {
  assignFreshIds,
  defineSchema,
  type IngestOptions,
  list,
  type NestedField,
  noSuchTable,
  requireFit,
  type Schema,
  type Source,
  string,
  type Table,
  timestamptz,
  UpdateSchema,
} from "../../iceberg/index.js";
import { schemaMismatch } from "../../parquet/index.js";
import { identifier, type SqlFragment, sql, verbatim } from "../../query/index.js";
import type { QualityContext } from "../check.js";
import { notNulls } from "../checks/builders.js";
import { and, columnOf, joined } from "../checks/columns.js";
import { type Target, whereOf } from "../checks/plan.js";
import { isOfAll, planOf } from "../checks/planners.js";
import type { Allowance, Check, CheckOf } from "../checks/types.js";
import type { Contract } from "../contracts/contract.js";
import { checkFailed, invalidCheck } from "../errors.js";
import { isOver } from "../run/judge.js";
import { isBlamed } from "../run/run-checks.js";
import { appendTo, isRepeatableSource, openOn } from "./landing.js";
import type { Landing } from "./publish.js";

/** Why a row was set aside, when, and by which publication, after the table's own columns. */
const ABOUT = defineSchema({
  rejected_because: list(string()).optional().doc("The checks that it failed."),
  rejected_at: timestamptz().optional(),
  rejected_from: string().optional().doc("The publication that it came with."),
});

/** The table that rows are set aside in. */
export function rejectedName(table: string): string {
  return `${table}_rejected`;
}

/**
 * Rows land in a table that takes whatever fits the columns' types, then are parted by the checks that block: the good go to
 * the table, the bad to the one beside it, and both come to the target by one commit.
 */
export function quarantineOf<Row>(
  context: QualityContext,
  name: string,
  contract: Contract<Row> | undefined,
  given: Source<Row>,
  checks: readonly Check[],
  options: IngestOptions & {
    readonly now: Date;
    readonly from: string;
    readonly maxRejected?: Allowance | undefined;
  },
): Landing {
  const { now, from, maxRejected, ...ingest } = options;
  const staging = `${name}_landing`;
  const catalog = branchingOf(context.catalog);
  const run = async (statement: SqlFragment, ref: string) =>
    (await context.engine.sql(statement, { ref, tablesOnly: true })).rows();
  return {
    isRepeatable: isRepeatableSource(given),
    others: [rejectedName(name)],
    write: async (branch) => {
      const { schema } = await openOn(context, branch, name, contract);
      requireDistinct(name, schema);
      const table = await catalog
        .on(branch)
        .createTable(staging, { schema: relaxed(schema), formatVersion: 3 });
      await appendTo(table.withEngine(context.engine), given as Source<Record<string, unknown>>, ingest);
    },
    prepare: async (landed, at, branch) => {
      await catalog.createBranch(branch, { from: at });
      const table = (await openOn(context, branch, name, contract)) as unknown as Table;
      requireSameColumns(table, (await catalog.on(landed).loadTable(staging)).schema);
      const rows = onRef(staging, landed);
      const [landing] = await run(sql`SELECT count(*) AS n FROM ${rows}`, branch);
      const all = Number(landing?.n);
      if (all === 0) return 0;
      // The verdicts are written down: asked again, by the clock or by chance, checks may say something else of a row.
      const verdicts = nameOf(staging);
      const parted = partedRows(table, rows, checks, now);
      const [found] = await run(
        sql`CREATE TABLE ${verdicts} AS SELECT ${ORDER}, ${REASONS} FROM (${parted}) WHERE ${BAD}`,
        branch,
      ).catch((cause: unknown) => {
        throw isBlamed(cause) ? impossible(name, cause as Error) : cause;
      });
      const failing = Number(found?.Count);
      if (maxRejected !== undefined && isOver(maxRejected, { failing, rows: all }))
        throw tooMany(name, failing, all);
      const numbered = sql`(SELECT *, _row_id AS ${ORDER} FROM ${rows} AS "rows") AS "rows"`;
      const columns = namesOf(table.schema);
      if (failing > 0) {
        const aside = nameOf((await openRejected(context, branch, table)).name);
        const about = sql`${REASONS}, ${now}, ${from}`;
        const bad = sql`${numbered} JOIN ${verdicts} AS verdicts USING (${ORDER})`;
        await run(
          sql`INSERT INTO ${aside} (${columns}, ${namesOf(ABOUT)}) SELECT ${columns}, ${about} FROM ${bad}`,
          branch,
        );
      }
      const good = sql`${numbered} ANTI JOIN ${verdicts} AS verdicts USING (${ORDER})`;
      if (failing < all)
        await run(sql`INSERT INTO ${nameOf(name)} (${columns}) SELECT ${columns} FROM ${good}`, branch);
      await run(sql`DROP TABLE ${verdicts}`, branch);
      return failing;
    },
  };
}

const REASONS = identifier("(reasons)");
const BAD = sql`(len(${REASONS}) > 0)`;
const ORDER = identifier("(order)");

/**
 * The rows with the names of the checks that each fails. Of rows with one key, that are right otherwise, the one that came
 * first is good, unless the table has the key.
 */
function partedRows(table: Table, rows: SqlFragment, checks: readonly Check[], now: Date): SqlFragment {
  const target: Target = {
    schema: table.schema,
    scope: "batch",
    hasWhole: true,
    now,
    earlierCounts: () => [],
    baseline: () => undefined,
  };
  // What is about rows together says of none of them that it is bad.
  const blocking = checks.filter((check) => check.severity === "block" && !isOfAll(check));
  const all = [...notNulls(table.schema, blocking), ...blocking];
  const flags: SqlFragment[] = [];
  const keys = all.filter((check): check is CheckOf<"unique"> => check.kind === "unique");
  for (const check of all) {
    const fails = check.kind === "unique" ? undefined : planOf(check, target).fails;
    if (fails !== undefined) flags.push(sql`CASE WHEN ${fails} THEN ${check.name} END`);
  }
  const taken = keys.map((check) => knownKeys(table, check));
  const known = taken.map(({ isKnown }, i) => sql`${isKnown} AS ${identifier(`(known ${i})`)}`);
  const first = sql`SELECT "rows".*, _row_id AS ${ORDER}, ${reasonsOf(flags)} AS "(own)"${joined(
    known.map((each) => sql`, ${each}`),
    sql``,
  )} FROM ${rows} AS "rows" ${joined(
    taken.map(({ join }) => join),
    sql` `,
  )}`;
  const again = keys.map((check, i) => {
    const columns = check.columns.map((column) => columnOf(table.schema, column, check.name).sql);
    const isKey = keyOf(table, check);
    // Rows that the check is not about take no key.
    const nth = sql`row_number() OVER (PARTITION BY len("(own)") > 0, ${isKey}, ${joined(columns, sql`, `)} ORDER BY ${ORDER})`;
    return sql`CASE WHEN len("(own)") = 0 AND ${isKey} AND (${identifier(`(known ${i})`)} OR ${nth} > 1) THEN ${check.name} END`;
  });
  return sql`SELECT *, list_concat("(own)", ${reasonsOf(again)}) AS ${REASONS} FROM (${first}) AS "rows"`;
}

function reasonsOf(flags: readonly SqlFragment[]): SqlFragment {
  return sql`list_filter([${joined(flags, sql`, `)}]::VARCHAR[], lambda each: each IS NOT NULL)`;
}

function keyOf({ schema }: Table, check: CheckOf<"unique">): SqlFragment {
  const columns = check.columns.map((column) => columnOf(schema, column, check.name).sql);
  return sql`(${whereOf(check)} IS TRUE AND ${and(columns.map((column) => sql`${column} IS NOT NULL`))})`;
}

/** The keys that the table has already, each once. */
function knownKeys(
  table: Table,
  check: CheckOf<"unique">,
): { readonly join: SqlFragment; readonly isKnown: SqlFragment } {
  const columns = check.columns.map((column) => columnOf(table.schema, column, check.name).sql);
  const alias = identifier(`known by ${check.name}`);
  const names = columns.map((_, i) => identifier(`${check.name} known ${i}`));
  const selected = columns.map((column, i) => sql`${column} AS ${names[i] as SqlFragment}`);
  const isKey = keyOf(table, check);
  const on = and(columns.map((column, i) => sql`${column} = ${alias}.${names[i] as SqlFragment}`));
  const join = sql`LEFT JOIN (SELECT DISTINCT ${joined(selected, sql`, `)} FROM ${nameOf(table.name)} AS "rows" WHERE ${isKey}) AS ${alias} ON ${on}`;
  return { join, isKnown: sql`(${alias}.${names[0] as SqlFragment} IS NOT NULL)` };
}

/** The table of rejected rows on the branch: made, or given the columns that the table has got since. */
async function openRejected(
  context: QualityContext,
  branch: string,
  { name, schema, metadata: { formatVersion } }: Table,
): Promise<Table> {
  const catalog = branchingOf(context.catalog).on(branch);
  // What a rejected row lacks is not to be made up by a default.
  const own = relaxed(schema).fields.map(({ id, name, required, type, doc }) => ({
    id,
    name,
    required,
    type,
    doc,
  }));
  let last = 0;
  const fields = assignFreshIds([...own, ...ABOUT.fields], () => ++last);
  const wanted = { schemaId: 0, fields, identifierFieldIds: [] };
  try {
    const table = await catalog.loadTable(rejectedName(name));
    return await table.update([new UpdateSchema().unionByName(wanted)]);
  } catch (error) {
    if (!noSuchTable.is(error)) throw error;
  }
  const comment = `Rows that checks have kept out of ${name}.`;
  return catalog.createTable(rejectedName(name), { schema: wanted, formatVersion, properties: { comment } });
}

/** Whatever fits the types: which rows lack a value is for the checks to say. */
function relaxed(schema: Schema): Schema {
  const fields = schema.fields.map((field): NestedField => ({ ...field, required: false }));
  return { ...schema, fields, identifierFieldIds: [] };
}

function requireDistinct(name: string, { fields }: Schema): void {
  const taken = new Set(ABOUT.fields.map((field) => field.name));
  for (const field of fields) {
    if (!taken.has(field.name.toLowerCase())) {
      taken.add(field.name.toLowerCase());
      continue;
    }
    throw invalidArgument(
      field.name,
      `The rows of ${name} cannot be quarantined: its column ${JSON.stringify(field.name)} has a name that the table of rejected rows needs, or one that differs from another by case alone.`,
      "Rename the column, or publish without quarantine.",
    );
  }
}

/** Rows that landed before the table got other columns are written anew: they may lack some, and would lose others. */
function requireSameColumns({ name, schema }: Table, landed: Schema): void {
  try {
    requireFit(name, relaxed(schema), landed);
  } catch (error) {
    if (!schemaMismatch.is(error)) throw error;
    throw new ConflictError(
      name,
      `The columns of ${name} have changed since its rows landed`,
      [{ type: "VALUE_DIFFERS", message: error.message }],
      "Publish the rows again.",
    );
  }
}

function impossible(name: string, cause: Error) {
  return invalidCheck(name, `A check of ${name} cannot be run: ${cause.message}`, undefined, cause);
}

function tooMany(name: string, failing: number, rows: number) {
  return checkFailed(
    name,
    `${failing} of ${rows} rows for ${name} would be rejected, which is more than is allowed: nothing was published.`,
    "Look into where the rows come from, or allow for more by maxRejected.",
  );
}

function nameOf(name: string): SqlFragment {
  return identifier(...name.split("."));
}

function namesOf({ fields }: Pick<Schema, "fields">): SqlFragment {
  return joined(
    fields.map((field) => identifier(field.name)),
    sql`, `,
  );
}

function onRef(name: string, ref: string): SqlFragment {
  return sql`${nameOf(name)}${verbatim("@")}${identifier(ref)}`;
}

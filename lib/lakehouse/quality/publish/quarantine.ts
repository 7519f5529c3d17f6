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
import { joined } from "../checks/columns.js";
import type { Allowance, Check } from "../checks/types.js";
import type { Contract } from "../contracts/contract.js";
import { checkFailed } from "../errors.js";
import { isOver } from "../run/judge.js";
import { appendTo, isRepeatableSource, openOn } from "./landing.js";
import type { Landing } from "./publish.js";
import { nameOf, ORDER, REASONS, verdictsOf, writeVerdicts } from "./verdicts.js";

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
      const verdicts = staging;
      const failing = await writeVerdicts(context, { table, rows, checks, now, branch, verdicts });
      if (maxRejected !== undefined && isOver(maxRejected, { failing, rows: all }))
        throw tooMany(name, failing, all);
      const numbered = sql`(SELECT *, _row_id AS ${ORDER} FROM ${rows} AS "rows") AS "rows"`;
      const columns = namesOf(table.schema);
      if (failing > 0) {
        const aside = nameOf((await openRejected(context, branch, table)).name);
        const about = sql`${REASONS}, ${now}, ${from}`;
        const bad = sql`${numbered} JOIN ${verdictsOf(verdicts)} AS verdicts USING (${ORDER})`;
        await run(
          sql`INSERT INTO ${aside} (${columns}, ${namesOf(ABOUT)}) SELECT ${columns}, ${about} FROM ${bad}`,
          branch,
        );
      }
      const good = sql`${numbered} ANTI JOIN ${verdictsOf(verdicts)} AS verdicts USING (${ORDER})`;
      if (failing < all)
        await run(sql`INSERT INTO ${nameOf(name)} (${columns}) SELECT ${columns} FROM ${good}`, branch);
      await run(sql`DROP TABLE ${nameOf(verdicts)}`, branch);
      return failing;
    },
  };
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

function tooMany(name: string, failing: number, rows: number) {
  return checkFailed(
    name,
    `${failing} of ${rows} rows for ${name} would be rejected, which is more than is allowed: nothing was published.`,
    "Look into where the rows come from, or allow for more by maxRejected.",
  );
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

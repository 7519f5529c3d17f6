import { assignFreshIds, type NestedField, rowsToBatches, type Schema } from "../../iceberg/index.js";
import type { JudgeRows } from "../../log/index.js";
import { type SqlFragment, sql } from "../../query/index.js";
import type { QualityContext } from "../check.js";
import { isOfAll, planOf } from "../checks/planners.js";
import type { Check } from "../checks/types.js";
import { invalidCheck } from "../errors.js";
import { isBlamed } from "../run/run-checks.js";
import { ORDER, REASONS, reasonsOf } from "./verdicts.js";

/**
 * Judges rows by the checks that block, in one query over as many as are given. Checks that warn are not run. Allowances do
 * not count, as in every quarantine.
 *
 * @param name of the table, for errors.
 * @throws LakehouseError INVALID_CHECK for a check that does not tell of each row by itself whether it fails
 */
export function rowJudge(
  { engine }: QualityContext,
  name: string,
  checks: readonly Check[],
  ref: string | undefined,
): JudgeRows {
  const blocking = checks.filter(({ severity }) => severity === "block");
  const unfit = blocking.find((check) => isOfAll(check) || check.kind === "unique" || check.kind === "types");
  if (unfit !== undefined)
    throw invalidCheck(
      unfit.name,
      `The check ${JSON.stringify(unfit.name)} is about rows together, and a topic's rows come to ${name} each by itself.`,
      "Give checks without it, and check it where the table is read or published further.",
    );
  return async (schema, rows) => {
    if (rows.length === 0 || blocking.length === 0) return new Map();
    const placed = withPlace(schema);
    const batches = [];
    const numbered = rows.map((row, place) => ({ ...row, [PLACE]: BigInt(place) }));
    for await (const batch of rowsToBatches(placed, numbered)) batches.push(batch);
    const found = await engine
      .sql(failing(schema, blocking), { rows: { rows: { schema: placed, batches } }, ref, tablesOnly: true })
      .then((result) => result.rows<{ [PLACE]: bigint; "(reasons)": string[] }>())
      .catch((cause: unknown) => {
        if (!isBlamed(cause)) throw cause;
        const message = `A check of ${name} cannot be run: ${(cause as Error).message}`;
        throw invalidCheck(name, message, undefined, cause);
      });
    return new Map(found.map((row) => [Number(row[PLACE]), `it fails ${row["(reasons)"].join(", ")}`]));
  };
}

/** `ORDER`, as rows have it. */
const PLACE = "(order)";

/** The rows' columns, and a row's place among those given. */
function withPlace({ fields }: Schema): Schema {
  let last = 0;
  const place: NestedField = { id: 0, name: PLACE, required: true, type: { type: "long" } };
  return { schemaId: 0, fields: assignFreshIds([...fields, place], () => ++last), identifierFieldIds: [] };
}

/** The places of the rows that fail, with the names of the checks. */
function failing(schema: Schema, checks: readonly Check[]): SqlFragment {
  const target = {
    schema,
    scope: "batch",
    hasWhole: false,
    now: new Date(),
    earlierCounts: () => [],
    baseline: () => undefined,
  } as const;
  const flags = checks.map((check) => {
    const { fails } = planOf(check, target);
    return sql`CASE WHEN ${fails as SqlFragment} THEN ${check.name} END`;
  });
  return sql`SELECT * FROM (SELECT ${ORDER}, ${reasonsOf(flags)} AS ${REASONS} FROM "rows") WHERE len(${REASONS}) > 0`;
}

import { randomUUID } from "node:crypto";
import type { TaskRun } from "../run.js";
import type { TableColumn, TaskLineage } from "./lineage.js";

const PRODUCER = "https://www.npmjs.com/package/sololakehouse";
const SPEC = "https://openlineage.io/spec";

export interface OpenLineageOptions {
  /** Names the lakehouse among others: its datasets and jobs are in it. */
  readonly namespace: string;
  /** When the run ended; now where not given. */
  readonly at?: Date | undefined;
}

/** An event of OpenLineage 2, as JSON has it. */
export type OpenLineageEvent = Readonly<Record<string, unknown>>;

/**
 * A run of a task as an event of OpenLineage, for Marquez, DataHub and their like: its inputs, its table, and of which
 * columns each of that table's is (the facet `columnLineage`).
 *
 * @example
 * const lineage = await lake.pipeline.lineage(tasks);
 * for (const run of await lake.pipeline.run(tasks)) post(openLineageEvent(run, lineage, { namespace: "lake" }));
 */
export function openLineageEvent(
  { task, inputs, report }: TaskRun,
  lineage: readonly TaskLineage[],
  { namespace, at = new Date() }: OpenLineageOptions,
): OpenLineageEvent {
  const own = lineage.find(({ table }) => table === task);
  const field = (type: "DIRECT" | "INDIRECT") => (of: TableColumn) => ({
    namespace,
    name: of.table,
    field: of.column,
    transformations: [{ type, subtype: type === "DIRECT" ? "TRANSFORMATION" : "FILTER" }],
  });
  const columnLineage = own && {
    _producer: PRODUCER,
    _schemaURL: `${SPEC}/facets/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet`,
    fields: Object.fromEntries(
      Object.entries(own.columns).map(([column, from]) => [
        column,
        { inputFields: from.map(field("DIRECT")) },
      ]),
    ),
    dataset: own.rows.map(field("INDIRECT")),
  };
  const read = [
    ...Object.values(inputs).map(({ table }) => table),
    ...(own === undefined
      ? []
      : [...Object.values(own.columns).flat(), ...own.rows].map(({ table }) => table)),
  ];
  return {
    eventType: "COMPLETE",
    eventTime: at.toISOString(),
    producer: PRODUCER,
    schemaURL: `${SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent`,
    run: { runId: report?.run ?? randomUUID(), facets: {} },
    job: { namespace, name: task, facets: {} },
    inputs: [...new Set(read)].map((name) => ({ namespace, name, facets: {} })),
    outputs: [{ namespace, name: task, facets: columnLineage === undefined ? {} : { columnLineage } }],
  };
}

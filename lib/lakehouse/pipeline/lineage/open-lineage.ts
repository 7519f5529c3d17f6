import { type Schema, typeToString } from "../../iceberg/index.js";
import type { TaskRun } from "../run.js";
import type { TableColumn, TaskLineage } from "./lineage.js";

const PRODUCER = "https://www.npmjs.com/package/sololakehouse";
const SPEC = "https://openlineage.io/spec";

export interface OpenLineageOptions {
  /** Names the lakehouse among others: its datasets and jobs are in it. */
  readonly namespace: string;
  /** What happened: the run began, or it has ended well, which it is where not given. A run has one event of each. */
  readonly eventType?: "START" | "COMPLETE" | undefined;
  /** When that was; where not given, when the run began, or now. */
  readonly at?: Date | undefined;
}

/** An event of OpenLineage 2, as JSON has it. */
export type OpenLineageEvent = Readonly<Record<string, unknown>>;

/**
 * A run of a task as an event of OpenLineage, for Marquez, DataHub and their like: its inputs and its table with their
 * columns (the facet `schema`), and of which columns each of the table's is (`columnLineage`).
 *
 * @example
 * const lineage = await lake.pipeline.lineage(tasks);
 * for (const run of await lake.pipeline.run(tasks))
 *   for (const eventType of ["START", "COMPLETE"] as const)
 *     await post(openLineageEvent(run, lineage, { namespace: "lake", eventType }));
 */
export function openLineageEvent(
  { task, id, at: began, inputs }: TaskRun,
  lineage: readonly TaskLineage[],
  options: OpenLineageOptions,
): OpenLineageEvent {
  const { namespace, eventType = "COMPLETE" } = options;
  const own = lineage.find(({ table }) => table === task);
  // Whether a column is a filter, a join's or a group's, which the subtype would say, the lineage does not know.
  const field = (type: "DIRECT" | "INDIRECT") => (of: TableColumn) => ({
    namespace,
    name: of.table,
    field: of.column,
    transformations: [{ type }],
  });
  const columnLineage = own && {
    ...facet("1-2-0", "ColumnLineageDatasetFacet"),
    fields: Object.fromEntries(
      Object.entries(own.columns).map(([column, from]) => [
        column,
        { inputFields: from.map(field("DIRECT")) },
      ]),
    ),
    dataset: own.rows.map(field("INDIRECT")),
  };
  const dataset = (name: string, more = {}) => {
    const schema = own?.schemas[name];
    return { namespace, name, facets: { ...(schema && { schema: schemaFacet(schema) }), ...more } };
  };
  const read = [
    ...Object.values(inputs).map(({ table }) => table),
    ...Object.keys(own?.schemas ?? {}).filter((table) => table !== task),
  ];
  return {
    eventType,
    eventTime: options.at?.toISOString() ?? (eventType === "START" ? began : new Date().toISOString()),
    producer: PRODUCER,
    schemaURL: `${SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent`,
    run: { runId: id, facets: {} },
    job: { namespace, name: task, facets: {} },
    inputs: [...new Set(read)].map((name) => dataset(name)),
    outputs: [dataset(task, columnLineage && { columnLineage })],
  };
}

const facet = (version: string, name: string) => ({
  _producer: PRODUCER,
  _schemaURL: `${SPEC}/facets/${version}/${name}.json#/$defs/${name}`,
});

/** Readers look a table's columns up here: to those that they do not know, no lineage leads. */
const schemaFacet = ({ fields }: Schema) => ({
  ...facet("1-2-0", "SchemaDatasetFacet"),
  fields: fields.map(({ name, type, doc }) => ({
    name,
    type: typeToString(type),
    ...(doc !== undefined && { description: doc }),
  })),
});

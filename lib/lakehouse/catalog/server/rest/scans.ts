import {
  currentSchema,
  expressionFromJson,
  incrementalAppends,
  type JsonInput,
  type JsonNode,
  type LoadedTable,
  locateByName,
  type ScanTask,
  type Schema,
  schemaOfSnapshot,
  snapshotById,
  specsById,
  TableScan,
} from "../../../iceberg/index.js";
import { badRequest } from "../http/fault.js";
import { bodyOf, type Call, NO_CONTENT, type Operation, param } from "./operation.js";
import { scanTasksToJson } from "./scan-json.js";
import { firstPage, planTasks, type ScanPlan } from "./scan-plans.js";
import { access } from "./table-answers.js";
import { targetOf } from "./target.js";

const TABLE = "/v1/{prefix}/namespaces/{namespace}/tables/{table}";

/** Scan planning by the server, for clients that do not read manifests. Plans are complete when they are answered. */
export const scanOperations: readonly Operation[] = [
  {
    endpoint: `POST ${TABLE}/plan`,
    idempotent: true,
    async run(call) {
      const body = bodyOf(call);
      const plan = await planned(call, await loaded(call), body);
      const id = call.context.plans.keep(plan);
      return { status: 200, body: { ...completed(call, id, plan), "plan-id": id } };
    },
  },
  {
    endpoint: `GET ${TABLE}/plan/{plan-id}`,
    async run(call) {
      const id = param(call, "plan_id");
      const plan = call.context.plans.get(id, (await loaded(call)).metadata.tableUuid);
      return { status: 200, body: completed(call, id, plan) };
    },
  },
  {
    endpoint: `DELETE ${TABLE}/plan/{plan-id}`,
    idempotent: true,
    async run(call) {
      call.context.plans.cancel(param(call, "plan_id"), (await loaded(call)).metadata.tableUuid);
      return NO_CONTENT;
    },
  },
  {
    endpoint: `POST ${TABLE}/tasks`,
    idempotent: true,
    async run(call) {
      const planTask = bodyOf(call).get("plan-task").string();
      const { plan, tasks } = call.context.plans.page(planTask, (await loaded(call)).metadata.tableUuid);
      return { status: 200, body: scanTasksToJson(plan, tasks) };
    },
  },
];

async function loaded(call: Call): Promise<LoadedTable> {
  const { catalog, identifier } = await targetOf(call, "table");
  return catalog.loadTable(identifier);
}

/** REST spec, `CompletedPlanningResult`. */
function completed(call: Call, id: string, plan: ScanPlan): { [key: string]: JsonInput | undefined } {
  const more = planTasks(id, plan);
  const { config: _, ...credentials } = access(call);
  return {
    status: "completed",
    ...scanTasksToJson(plan, firstPage(plan)),
    "plan-tasks": more.length === 0 ? undefined : more,
    ...credentials,
  };
}

/** Plans what a `PlanTableScanRequest` asks for. */
async function planned({ context }: Call, { metadata }: LoadedTable, body: JsonNode): Promise<ScanPlan> {
  const snapshotId = body.optional("snapshot-id")?.long();
  const start = body.optional("start-snapshot-id")?.long();
  const end = body.optional("end-snapshot-id")?.long();
  const isIncremental = start !== undefined || end !== undefined;
  if (isIncremental && (end === undefined || snapshotId !== undefined)) {
    throw badRequest("A scan is of snapshot-id, or from start-snapshot-id to end-snapshot-id.");
  }
  const caseSensitive = body.optional("case-sensitive")?.boolean() ?? true;
  const asWritten = body.optional("use-snapshot-schema")?.boolean() ?? false;
  const snapshot = snapshotId === undefined ? undefined : snapshotById(metadata, snapshotId);
  const schema: Schema =
    asWritten && snapshot !== undefined ? schemaOfSnapshot(metadata, snapshot) : currentSchema(metadata);
  const filterJson = body.optional("filter");
  const filter = filterJson && expressionFromJson(filterJson.value, schema);
  const named = (key: string): string[] =>
    body
      .optional(key)
      ?.array()
      .map((name) => name.string()) ?? [];
  const idOf = (name: string): number => {
    const field = locateByName(schema, name, { caseSensitive })?.field;
    if (field === undefined) throw badRequest(`There is no column ${JSON.stringify(name)} in the table.`);
    return field.id;
  };
  const rows = body.optional("min-rows-requested")?.long();
  let tasks: readonly ScanTask[];
  if (isIncremental) {
    named("select").forEach(idOf);
    tasks = await incrementalAppends(
      context.store,
      metadata,
      { from: start, to: end },
      { filter, caseSensitive },
    );
  } else {
    // A scan of a snapshot binds names to its schema; the client may want them bound to the table's.
    const bound = metadata.snapshots.map((each) =>
      each.snapshotId === snapshotId ? { ...each, schemaId: schema.schemaId } : each,
    );
    const scan = new TableScan(
      context.store,
      { ...metadata, snapshots: bound },
      {
        snapshotId,
        filter,
        caseSensitive,
        ...(named("select").length === 0 ? {} : { select: named("select") }),
        ...(rows === undefined || rows < 0n ? {} : { limit: Number(rows) }),
      },
    );
    tasks = (await scan.planAll()).tasks;
  }
  return {
    tableUuid: metadata.tableUuid,
    tasks,
    schema,
    specs: specsById(metadata),
    statsFields: named("stats-fields").map(idOf),
  };
}

import { type Backend, openCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { date, defineSchema, int, long, type RowOf, string } from "../../../lib/lakehouse/iceberg/index.js";
import { append, Pipeline, replace, type Task, task, upsert } from "../../../lib/lakehouse/pipeline/index.js";
import { contract, Quality, range } from "../../../lib/lakehouse/quality/index.js";
import { countRows, openQueryEngine, type QueryEngine } from "../../../lib/lakehouse/query/index.js";
import type { ObjectStore } from "../../../lib/lakehouse/storage/index.js";

export const EVENTS = contract({
  name: "n.events",
  schema: defineSchema({ id: int().optional(), day: date().optional(), v: int().optional(), seq: int() }),
  owner: "test",
});
export type Event = RowOf<typeof EVENTS.schema>;

const LATEST = contract({
  name: "n.latest",
  schema: defineSchema({ id: int(), day: date(), v: int(), seq: int() }),
  keys: ["id", "day"],
  owner: "test",
  properties: { "write.merge.mode": "copy-on-write" },
  checks: [range("v", { max: 99 })],
});
const REJECTED = contract({
  name: "n.rejected",
  schema: defineSchema({ seq: int(), reason: string() }),
  owner: "test",
});
const ALL = contract({ name: "n.all", schema: LATEST.schema, owner: "test" });
const DAYS = contract({
  name: "n.days",
  schema: defineSchema({ day: date(), rows: long(), total: long() }),
  keys: ["day"],
  owner: "test",
});
const TRAILING = contract({
  name: "n.trailing",
  schema: defineSchema({ day: date(), total: long() }),
  keys: ["day"],
  owner: "test",
});

const OF_EVENTS = {
  changes: { events: EVENTS },
  with: {
    typed:
      "SELECT *, CASE WHEN id IS NULL THEN 'no id' WHEN day IS NULL THEN 'no day' WHEN v IS NULL THEN 'no v' END AS reason FROM events -- what is wrong",
  },
};

export const TASKS: readonly Task[] = [
  // Given in no order on purpose.
  task({
    into: TRAILING,
    changes: { latest: LATEST },
    sql: `SELECT days.day, CAST(sum(l.v) AS BIGINT) AS total FROM (SELECT DISTINCT day FROM latest) AS days
      JOIN latest AS l ON l.day <= days.day AND l.day >= days.day - INTERVAL 2 DAY GROUP BY days.day;`,
    write: replace("day", { lookback: 2 }),
  }),
  task({
    into: DAYS,
    changes: { latest: LATEST },
    sql: "SELECT day, count(*) AS rows, CAST(sum(v) AS BIGINT) AS total FROM latest GROUP BY day",
    write: replace("day"),
  }),
  task({
    ...OF_EVENTS,
    into: LATEST,
    sql: "SELECT id, day, v, seq FROM typed WHERE reason IS NULL",
    write: upsert({ newest: "seq", slice: "day" }),
  }),
  task({
    ...OF_EVENTS,
    into: ALL,
    sql: "SELECT id, day, v, seq FROM typed WHERE reason IS NULL",
    write: append({ slice: "day" }),
  }),
  task({
    ...OF_EVENTS,
    into: REJECTED,
    sql: "SELECT seq, reason FROM typed WHERE reason IS NOT NULL",
    write: append(),
  }),
];

/** The lakehouse as one process has it. */
export async function openOn(backend: Backend, store: ObjectStore, engines: QueryEngine[]) {
  const catalog = await openCatalog({ backend, store });
  const on = (ref: string | undefined) => (ref === undefined ? catalog : catalog.on(ref));
  const engine = await openQueryEngine({
    resolve: async (name, { ref }) =>
      on(ref).loadTable({ namespace: name.slice(0, -1), name: name.at(-1) ?? "" }),
    lake: { catalog: ({ ref }) => on(ref), store },
  });
  engines.push(engine);
  const context = {
    catalog,
    store,
    engine,
    countRows: (table: Parameters<typeof countRows>[1]) => countRows(engine, table),
  };
  return { ...context, quality: new Quality(context), pipeline: new Pipeline(context) };
}

/** What the tables are by a plain reading of all events. */
export function modelOf(events: readonly Event[]) {
  const reasonOf = ({ id, day, v }: Event) =>
    id === null ? "no id" : day === null ? "no day" : v === null ? "no v" : undefined;
  const latest = new Map<string, Event>();
  for (const event of events) {
    if (reasonOf(event) !== undefined) continue;
    const key = `${event.id} ${event.day}`;
    const before = latest.get(key);
    if (before === undefined || before.seq < event.seq) latest.set(key, event);
  }
  const rows = [...latest.values()] as { id: number; day: string; v: number; seq: number }[];
  const names = [...new Set(rows.map(({ day }) => day))].sort();
  const sum = (some: typeof rows) => some.reduce((total, { v }) => total + v, 0);
  const before = (day: string, n: number) =>
    new Date(Date.parse(`${day}T00:00:00Z`) - n * 86_400_000).toISOString().slice(0, 10);
  return {
    "n.latest": rows.sort((a, b) => a.id - b.id || (a.day < b.day ? -1 : 1)),
    "n.all": events.filter((event) => reasonOf(event) === undefined).sort((a, b) => a.seq - b.seq),
    "n.rejected": events
      .flatMap((event) => {
        const reason = reasonOf(event);
        return reason === undefined ? [] : [{ seq: event.seq, reason }];
      })
      .sort((a, b) => a.seq - b.seq),
    "n.days": names.map((day) => {
      const own = rows.filter((row) => row.day === day);
      return { day, rows: own.length, total: sum(own) };
    }),
    "n.trailing": names.map((day) => ({
      day,
      total: sum(rows.filter((row) => row.day <= day && row.day >= before(day, 2))),
    })),
  };
}

import {
  bucket,
  date,
  decimal,
  defineSchema,
  double,
  identity,
  int,
  long,
  type PartitionFieldInit,
  string,
  struct,
  type Table,
  truncate,
} from "../../../../lib/lakehouse/iceberg/index.js";
import { catalog, engine, newName } from "../lake.js";
import type { Column } from "./model.js";
import type { Random } from "./random.js";
import { KEY } from "./row-steps.js";
import type { State } from "./steps.js";

const SCHEMA = defineSchema({
  k: long(),
  p: string().optional(),
  v: int().optional(),
  w: decimal(4, 2).optional(),
  t: date().optional(),
  f: double().optional(),
  s: struct({ x: int().optional(), y: string().optional() }).optional(),
});

const COLUMNS: readonly Column[] = [
  { id: KEY, name: "k", kind: "long", initial: null },
  { id: 1, name: "p", kind: "string", initial: null },
  { id: 2, name: "v", kind: "int", initial: null },
  { id: 3, name: "w", kind: "decimal4", initial: null },
  { id: 4, name: "t", kind: "date", initial: null },
  { id: 5, name: "f", kind: "double", initial: null },
  {
    id: 6,
    name: "s",
    kind: "string",
    initial: null,
    members: [
      { id: 7, name: "x", kind: "int", initial: null },
      { id: 8, name: "y", kind: "string", initial: null },
    ],
  },
];

const PARTITIONINGS: readonly (readonly PartitionFieldInit<"p" | "k" | "v" | "s.x">[])[] = [
  [],
  [],
  [identity("p")],
  [truncate("p", 1)],
  [bucket("k", 2)],
  [identity("v"), bucket("k", 2)],
  [identity("s.x")],
];

/** A new table of columns of all kinds, and its empty model. */
export async function createState(random: Random): Promise<State> {
  const table = await catalog.createTable(newName(), {
    schema: SCHEMA,
    formatVersion: random.one([2, 3] as const),
    partitionSpec: [...random.one(PARTITIONINGS)],
    properties: {
      "write.metadata.metrics.default": random.one(["none", "counts", "truncate(3)", "truncate(16)", "full"]),
      "write.delete.granularity": random.one(["file", "partition"]),
    },
  });
  return {
    table: table.withEngine(engine) as unknown as Table,
    model: { columns: COLUMNS, rows: [] },
    random,
    history: new Map(),
    nextId: 9,
    engine,
    story: [],
  };
}

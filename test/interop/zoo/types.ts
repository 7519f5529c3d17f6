import {
  binary,
  boolean,
  bucket,
  date,
  decimal,
  defineSchema,
  double,
  fixed,
  float,
  int,
  list,
  long,
  map,
  string,
  struct,
  time,
  timestamp,
  timestampNs,
  timestamptz,
  timestamptzNs,
  uuid,
} from "../../../lib/lakehouse/iceberg/index.js";
import type { ZooTable } from "./zoo-table.js";

const bytes = (...values: number[]) => Uint8Array.of(...values);
const UUID = "f79c3e09-677c-4bbd-a479-3f349cb785e7";

const primitives = defineSchema({
  id: long(),
  flag: boolean().optional(),
  i: int().optional(),
  l: long().optional(),
  f: float().optional(),
  d: double().optional(),
  small: decimal(4, 2).optional(),
  medium: decimal(18, 3).optional(),
  large: decimal(38, 10).optional(),
  day: date().optional(),
  ts: timestamp().optional(),
  instant: timestamptz().optional(),
  text: string().optional(),
  key: uuid().optional(),
  five: fixed(5).optional(),
  blob: binary().optional(),
});

const primitiveRows = [
  {
    id: 1,
    flag: true,
    i: 42,
    l: 2n ** 53n + 1n,
    f: 0.1,
    d: Math.PI,
    small: "12.34",
    medium: "123456789012345.678",
    large: "1234567890123456789012345678.0123456789",
    day: "2024-02-29",
    ts: "2024-03-01T13:33:20.123456",
    instant: "2024-03-01T13:33:20.000001+02:00",
    text: "plain",
    key: UUID,
    five: bytes(1, 2, 3, 4, 5),
    blob: bytes(0, 255, 128),
  },
  {
    id: 2,
    flag: false,
    i: -(2 ** 31),
    l: -(2n ** 63n),
    f: Number.NaN,
    d: Number.NaN,
    small: "-99.99",
    medium: "-999999999999999.999",
    large: "-9999999999999999999999999999.9999999999",
    day: "1969-12-31",
    ts: "1969-12-31T23:59:59.999999",
    instant: "1900-01-01T00:00:00Z",
    text: "",
    key: "00000000-0000-0000-0000-000000000000",
    five: bytes(0, 0, 0, 0, 0),
    blob: bytes(),
  },
  {
    id: 3,
    i: 2 ** 31 - 1,
    l: 2n ** 63n - 1n,
    f: Number.POSITIVE_INFINITY,
    d: Number.NEGATIVE_INFINITY,
    small: "0.00",
    medium: "0.001",
    large: "0.0000000001",
    day: "1582-10-15",
    ts: "9999-12-31T23:59:59.999999",
    instant: "9999-12-31T23:59:59.999999Z",
    text: "Zürich 🛫 \u0000 \uffff",
    key: "ffffffff-ffff-ffff-ffff-ffffffffffff",
    five: bytes(255, 255, 255, 255, 255),
    blob: bytes(...Array(40).fill(255)),
  },
  { id: 4, f: -0, d: -0, text: "a long text whose bounds are cut ".repeat(4) },
  { id: 5, text: `${"🛫".repeat(20)}`, blob: bytes(...Array(40).fill(7)) },
  { id: 6 },
];

/** Every type, with the values that are easily got wrong. */
export const TYPES: readonly ZooTable[] = [
  {
    name: "primitives",
    make: async (world) => (await world.create("primitives", { schema: primitives })).append(primitiveRows),
  },
  {
    name: "clocks",
    beyond: { spark: "has no type for a time of day" },
    make: async (world) => {
      const schema = defineSchema({ id: long(), clock: time().optional() });
      const table = await world.create("clocks", { schema });
      return table.append([
        { id: 1, clock: "00:00:00" },
        { id: 2, clock: "23:59:59.999999" },
        { id: 3, clock: null },
      ]);
    },
  },
  {
    name: "nanoseconds",
    beyond: { spark: "3.5 has no timestamps of nanoseconds" },
    make: async (world) => {
      const schema = defineSchema({
        id: long(),
        ts: timestampNs().optional(),
        instant: timestamptzNs().optional(),
      });
      const table = await world.create("nanoseconds", { schema, formatVersion: 3 });
      return table.append([
        // DuckDB, with which we read, has microseconds for instants.
        { id: 1, ts: "2024-03-01T13:33:20.123456789", instant: "1969-12-31T23:59:59.999999Z" },
        { id: 2, ts: "1969-12-31T23:59:59.999999999" },
        { id: 3 },
      ]);
    },
  },
  {
    name: "nested",
    emptied: ["points"],
    make: async (world) => {
      const schema = defineSchema({
        id: long(),
        tags: list(string().optional()).optional(),
        numbers: list(int()).optional(),
        place: struct({
          city: string().optional(),
          at: struct({ x: double(), y: double().optional() }).optional(),
        }).optional(),
        counts: map(string(), int().optional()).optional(),
        points: list(struct({ x: int(), label: string().optional() }).optional()).optional(),
        matrix: list(list(float().optional())).optional(),
        routes: map(int(), list(struct({ to: string(), km: decimal(9, 3).optional() }))).optional(),
      });
      const table = await world.create("nested", { schema });
      return table.append([
        {
          id: 1,
          tags: ["a", null, ""],
          numbers: [1, 2, 3],
          place: { city: "Bern", at: { x: 7.4, y: null } },
          counts: new Map([
            ["a", 1],
            ["b", null],
          ]),
          points: [{ x: 1, label: "one" }, null, { x: 2 }],
          matrix: [[1, null], [], [Number.NaN]],
          routes: new Map([
            [1, [{ to: "ATL", km: "1.500" }, { to: "JFK" }]],
            [2, []],
          ]),
        },
        {
          id: 2,
          tags: [],
          numbers: [],
          place: { city: null, at: null },
          counts: new Map(),
          points: [],
          matrix: [],
          routes: new Map(),
        },
        { id: 3 },
        { id: 4, tags: [null], place: { at: { x: -0 } }, matrix: [[]] },
      ]);
    },
  },
  {
    name: "empty",
    make: (world) => world.create("empty", { schema: primitives, partitionSpec: [bucket("id", 4)] }),
  },
];

import {
  asc,
  binary,
  boolean,
  bucket,
  date,
  day,
  decimal,
  defineSchema,
  desc,
  double,
  eq,
  fixed,
  float,
  hour,
  identity,
  int,
  isIn,
  list,
  long,
  map,
  month,
  replaceSortOrder,
  string,
  struct,
  type Table,
  time,
  timestamp,
  timestampNs,
  timestamptz,
  timestamptzNs,
  truncate,
  UpdatePartitionSpec,
  UpdateSchema,
  upgradeFormatVersion,
  uuid,
  voidTransform,
  year,
} from "../../lib/lakehouse/iceberg/index.js";
import { deleteByEquality, deleteOnRead } from "./deletes.js";
import type { World } from "./world.js";

/** A table that we write and others read. */
export interface ZooTable {
  readonly name: string;
  /** Engines that cannot read it, whoever wrote it, with the reason. */
  readonly beyond?: { readonly [engine in "pyiceberg" | "spark"]?: string };
  /** PyIceberg 0.12 reads a null list or map of structs as an empty one: the columns of that kind. */
  readonly emptied?: readonly string[];
  make(world: World): Promise<Table>;
}

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

const flights = defineSchema({ id: long(), date: timestamp(), origin: string(), delay: int().optional() });

function flightRows(days: readonly number[], perDay: number) {
  return days.flatMap((d) =>
    Array.from({ length: perDay }, (_, i) => ({
      id: d * 1000 + i,
      date: `2001-01-0${d}T${String(i % 24).padStart(2, "0")}:00:00`,
      origin: ["ATL", "JFK", "ORD"][i % 3] as string,
      delay: i % 5 === 0 ? null : i - 20,
    })),
  );
}

/** One column per transform, the first row all nulls. */
const times = defineSchema({
  id: long(),
  y: timestamp().optional(),
  m: date().optional(),
  d: timestamptz().optional(),
  h: timestamp().optional(),
  day: date().optional(),
});

const buckets = defineSchema({
  id: long(),
  i: int().optional(),
  dec: decimal(9, 2).optional(),
  day: date().optional(),
  ts: timestamp().optional(),
  text: string().optional(),
  key: uuid().optional(),
  five: fixed(5).optional(),
  blob: binary().optional(),
});

const texts = ["a b/c", "50%=x&y?#", "Zürich 🛫", "", ".", "__HIVE_DEFAULT_PARTITION__", "null", null];

export const ZOO: readonly ZooTable[] = [
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
    name: "identities",
    make: async (world) => {
      const schema = defineSchema({
        id: long(),
        text: string().optional(),
        day: date().optional(),
        flag: boolean().optional(),
        price: decimal(9, 2).optional(),
        number: long().optional(),
      });
      const partitionSpec = ["text", "day", "flag", "price", "number"].map((name) => identity(name));
      const table = await world.create("identities", { schema, partitionSpec });
      return table.append(
        texts.map((text, id) => ({
          id,
          text,
          day: id === 1 ? null : "1969-12-31",
          flag: id === 2 ? null : id % 2 === 0,
          price: id === 3 ? null : `-${id}.05`,
          number: id === 4 ? null : -(2n ** 60n),
        })),
      );
    },
  },
  {
    name: "times",
    make: async (world) => {
      const table = await world.create("times", {
        schema: times,
        partitionSpec: [year("y"), month("m"), day("d"), hour("h"), day("day")],
      });
      const moments = [
        "1969-12-31T23:59:59.999999",
        "1970-01-01T00:00:00",
        "2024-02-29T12:30:00",
        "1900-06-01T07:00:00",
      ];
      return table.append([
        { id: 0 },
        ...moments.map((at, i) => ({
          id: i + 1,
          y: at,
          m: at.slice(0, 10),
          d: `${at}Z`,
          h: at,
          day: at.slice(0, 10),
        })),
      ]);
    },
  },
  {
    name: "buckets",
    make: async (world) => {
      const table = await world.create("buckets", {
        schema: buckets,
        partitionSpec: buckets.fields.map(({ name }) => bucket(name, 5)),
      });
      return table.append([
        { id: -1 },
        ...texts.map((text, i) => ({
          id: i,
          i: i * 1000 - 3,
          dec: `-${i}.10`,
          day: `19${60 + i * 3}-07-04`,
          ts: `19${60 + i * 3}-07-04T01:02:03.000004`,
          text,
          key: `${UUID.slice(0, -1)}${i}`,
          five: bytes(i, 0, 1, 2, 255),
          blob: bytes(...Array(i).fill(200 + i)),
        })),
      ]);
    },
  },
  {
    name: "truncations",
    make: async (world) => {
      const schema = defineSchema({
        id: long(),
        i: int().optional(),
        l: long().optional(),
        dec: decimal(9, 2).optional(),
        text: string().optional(),
        blob: binary().optional(),
        gone: string().optional(),
      });
      const partitionSpec = [
        truncate("i", 10),
        truncate("l", 10),
        truncate("dec", 50),
        truncate("text", 2),
        truncate("blob", 2),
        voidTransform("gone"),
      ];
      const table = await world.create("truncations", { schema, partitionSpec });
      return table.append([
        { id: 1 },
        { id: 2, i: -1, l: -11n, dec: "-0.01", text: "🛫🛬x", blob: bytes(1, 2, 3), gone: "x" },
        { id: 3, i: 19, l: 2n ** 60n, dec: "10.65", text: "iceberg", blob: bytes(9), gone: "y" },
      ]);
    },
  },
  {
    name: "sorted",
    make: async (world) => {
      const table = await world.create("sorted", {
        schema: flights,
        partitionSpec: [day("date")],
        sortOrder: [asc("origin"), desc("delay")],
        properties: { "write.parquet.row-group-limit": "100" },
      });
      return table.append(flightRows([1, 2], 250));
    },
  },
  {
    name: "history",
    make: async (world) => {
      const table = await world.create("history", { schema: flights, partitionSpec: [day("date")] });
      const loaded = await (await table.append(flightRows([1, 2, 3], 10))).append(flightRows([4], 10));
      const again = await loaded.overwrite(flightRows([2], 5), {
        where: eq(day("date"), "2001-01-02"),
      });
      return again.deleteRows(isIn("id", [1003, 1004, 4000]));
    },
  },
  {
    name: "evolved",
    emptied: ["points", "attrs"],
    make: async (world) => {
      const schema = defineSchema({
        id: int(),
        origin: string().optional(),
        gone: string().optional(),
        price: decimal(9, 2).optional(),
        ratio: float().optional(),
        place: struct({ city: string().optional(), zip: int().optional() }).optional(),
        points: list(struct({ x: int() })).optional(),
        attrs: map(string(), struct({ v: int().optional() })).optional(),
      });
      const first = await world.create<Record<string, unknown>>("evolved", { schema });
      const place = { city: "Bern", zip: 3000 };
      const one = await first.append([
        {
          id: 1,
          origin: "ATL",
          gone: "x",
          price: "1.25",
          ratio: 0.5,
          place,
          points: [{ x: 1 }],
          attrs: new Map([["a", { v: 1 }]]),
        },
        { id: 2 },
      ]);
      const changed = await one.update([
        new UpdateSchema()
          .updateType("id", { type: "long" })
          .updateType("ratio", { type: "double" })
          .updateType("price", { type: "decimal", precision: 20, scale: 2 })
          .dropColumn("gone")
          .renameColumn("origin", "departure")
          .addColumn("note", string().optional().doc("why"))
          .moveFirst("note")
          .renameColumn("place.city", "town")
          .dropColumn("place.zip")
          .addColumn("place.country", string().optional())
          .moveFirst("place.country")
          .updateType("points.x", { type: "long" })
          .addColumn("points.y", int().optional())
          .addColumn("attrs.w", string().optional()),
        new UpdatePartitionSpec().addField(identity("departure")),
      ]);
      const two = await changed.append([
        {
          id: 2n ** 40n,
          note: "new",
          departure: "JFK",
          price: "123456789012345678.99",
          ratio: 0.1,
          place: { country: "CH", town: "Thun" },
          points: [{ x: 2n ** 40n, y: 2 }],
          attrs: new Map([["b", { v: 2, w: "w" }]]),
        },
      ]);
      const again = await two.update([
        new UpdateSchema().addColumn("gone", long().optional()).addColumn("place.zip", string().optional()),
        new UpdatePartitionSpec().removeField("departure").addField(bucket("id", 4)),
        replaceSortOrder([desc("id")]),
      ]);
      return again.append([{ id: 4, gone: 7n, place: { zip: "3600" } }, { id: 5 }]);
    },
  },
  {
    name: "empty",
    make: (world) => world.create("empty", { schema: primitives, partitionSpec: [bucket("id", 4)] }),
  },
  {
    name: "emptied",
    make: async (world) =>
      (await (await world.create("emptied", { schema: flights })).append(flightRows([1], 3))).truncate(),
  },
  {
    name: "version1",
    make: async (world) => {
      const table = await world.create("version1", {
        schema: flights,
        partitionSpec: [identity("origin")],
        formatVersion: 1,
      });
      const loaded = await (await table.append(flightRows([1], 10))).append(flightRows([2], 10));
      return loaded.deleteRows(eq("origin", "JFK"));
    },
  },
  {
    name: "upgraded",
    make: async (world) => {
      const table = await world.create("upgraded", { schema: flights, formatVersion: 1 });
      const two = await (await table.append(flightRows([1], 4))).update([upgradeFormatVersion(2)]);
      const three = await (await two.append(flightRows([2], 4))).update([upgradeFormatVersion(3)]);
      return three.append(flightRows([3], 4));
    },
  },
  {
    name: "defaults",
    beyond: { pyiceberg: "0.12 ignores initial defaults of columns that files lack" },
    make: async (world) => {
      const schema = defineSchema({ id: long() });
      const table = await world.create<Record<string, unknown>>("defaults", { schema, formatVersion: 3 });
      const one = await table.append([{ id: 1 }]);
      const two = await one.update([
        new UpdateSchema()
          .addColumn("n", int().optional().default(42))
          .addColumn("text", string().optional().default("none")),
      ]);
      return two.append([{ id: 2 }, { id: 3, n: null, text: "some" }]);
    },
  },
  {
    name: "branched",
    make: async (world) => {
      const table = await world.create("branched", { schema: flights });
      const one = await (await table.append(flightRows([1], 3))).createRef("v1", { type: "tag" });
      const two = await one.append(flightRows([2], 3), { branch: "audit" });
      return two.append(flightRows([3], 3));
    },
  },
  {
    name: "position_deletes",
    make: async (world) => {
      const table = await world.create("position_deletes", {
        schema: flights,
        partitionSpec: [day("date")],
      });
      const loaded = await table.append(flightRows([1, 2], 20));
      return deleteOnRead(loaded, [1000, 1001, 1019, 2005]);
    },
  },
  {
    name: "deletion_vectors",
    make: async (world) => {
      const table = await world.create("deletion_vectors", {
        schema: flights,
        partitionSpec: [day("date")],
        formatVersion: 3,
      });
      const loaded = await table.append(flightRows([1, 2], 20));
      const once = await deleteOnRead(loaded, [1000, 1019, 2005]);
      return deleteOnRead(once, [1001, 2006]);
    },
  },
  {
    name: "lineage",
    make: async (world) => {
      const table = await world.create("lineage", { schema: flights, formatVersion: 3 });
      const loaded = await (await table.append(flightRows([1], 10))).append(flightRows([2], 10));
      return (await loaded.deleteRows(isIn("id", [1002, 2003]))).append(flightRows([3], 2));
    },
  },
  {
    name: "equality_deletes",
    beyond: { pyiceberg: "0.12 refuses equality deletes" },
    make: async (world) => {
      const table = await world.create("equality_deletes", { schema: flights });
      const loaded = await table.append(flightRows([1, 2], 6));
      const deleted = await deleteByEquality(loaded, [{ origin: "ATL", delay: null }], ["origin", "delay"]);
      return deleted.append([{ id: 5000, date: "2001-01-01T00:00:00", origin: "ATL", delay: null }]);
    },
  },
];

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
  fixed,
  hour,
  identity,
  int,
  long,
  month,
  type RowOf,
  string,
  timestamp,
  timestamptz,
  truncate,
  uuid,
  voidTransform,
  year,
} from "../../../lib/lakehouse/iceberg/index.js";
import { flightRows, flights } from "./flights.js";
import type { ZooTable } from "./zoo-table.js";

const bytes = (...values: number[]) => Uint8Array.of(...values);
const UUID = "f79c3e09-677c-4bbd-a479-3f349cb785e7";

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

/** Every partition transform on the types that it takes, and a sort order. */
export const PARTITIONS: readonly ZooTable[] = [
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
      const partitionSpec = (["text", "day", "flag", "price", "number"] as const).map((name) =>
        identity(name),
      );
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
        partitionSpec: buckets.fields.map(({ name }) => bucket(name as keyof RowOf<typeof buckets>, 5)),
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
];

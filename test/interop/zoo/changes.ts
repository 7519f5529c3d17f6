import {
  bucket,
  day,
  decimal,
  defineSchema,
  desc,
  eq,
  float,
  identity,
  int,
  isIn,
  list,
  long,
  map,
  type RowOf,
  replaceSortOrder,
  string,
  struct,
  type Table,
  UpdatePartitionSpec,
  UpdateSchema,
  upgradeFormatVersion,
} from "../../../lib/lakehouse/iceberg/index.js";
import { flightRows, flights } from "./flights.js";
import type { ZooTable } from "./zoo-table.js";

type Flight = RowOf<typeof flights>;

const MERGE_ON_READ = {
  "write.delete.mode": "merge-on-read",
  "write.update.mode": "merge-on-read",
  "write.merge.mode": "merge-on-read",
};

/** Updates by value, expression and function, an upsert and two merges, over two files. */
async function rowChanges(loaded: Table<Flight>): Promise<Table<Flight>> {
  const one = await loaded.updateRows(isIn("id", [1002, 2003]), { delay: 77 });
  const two = await one.updateRows(eq("origin", "ATL"), { origin: { sql: "lower(origin)" } });
  const three = await two.updateRows(eq("id", 1004n), (row) => ({ delay: (row.delay ?? 0) + 1 }));
  const flight = (id: number) => ({ id, date: `2001-01-01T00:00:0${id % 10}`, origin: "NEW", delay: id });
  const four = await three.upsert([1002, 2004, 3000].map(flight), { on: ["id"] });
  const five = await four.merge([1006, 2006, 9999].map(flight), {
    on: ["id"],
    whenMatched: "delete",
    whenNotMatched: "ignore",
  });
  return (await five.deleteRows(isIn("id", [1007, 2007]))).append(flightRows([4], 2));
}

/** Tables that have changed: rows, schema, spec, format version. */
export const CHANGES: readonly ZooTable[] = [
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
      return loaded.deleteRows(isIn("id", [1000, 1001, 1019, 2005]), { mode: "merge-on-read" });
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
      const mode = "merge-on-read";
      const once = await loaded.deleteRows(isIn("id", [1000, 1019, 2005]), { mode });
      return once.deleteRows(isIn("id", [1001, 2006]), { mode });
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
      const rows = [{ id: 5000, date: "2001-01-01T00:00:00", origin: "ATL", delay: null }];
      return loaded.rowDelta({ on: ["origin", "delay"], deletes: [{ origin: "ATL", delay: null }], rows });
    },
  },
  {
    name: "streamed",
    beyond: { pyiceberg: "0.12 refuses equality deletes" },
    make: async (world) => {
      const options = { schema: flights, partitionSpec: [bucket("id", 2)], formatVersion: 3 } as const;
      const loaded = await (await world.create("streamed", options)).append(flightRows([1], 10));
      const deletes = [{ id: 1001 }, { id: 1002 }, { id: 7 }];
      const one = await loaded.rowDelta({ on: ["id"], deletes, rows: flightRows([2], 3) });
      return one.deleteRows(isIn("id", [1003, 2001]), { mode: "merge-on-read" });
    },
  },
  ...(
    [
      ["updated_on_write", 2, {}],
      ["updated_on_read", 2, MERGE_ON_READ],
      ["updated_by_partition", 2, { ...MERGE_ON_READ, "write.delete.granularity": "partition" }],
      ["lineage_on_write", 3, {}],
      ["lineage_on_read", 3, MERGE_ON_READ],
    ] as const
  ).map(
    ([name, formatVersion, properties]): ZooTable => ({
      name,
      make: async (world) => {
        const table = await world.create(name, { schema: flights, formatVersion, properties });
        return rowChanges(await (await table.append(flightRows([1], 20))).append(flightRows([2], 20)));
      },
    }),
  ),
  {
    name: "partitions_overwritten",
    make: async (world) => {
      const options = { schema: flights, partitionSpec: [day("date"), identity("origin")] };
      const loaded = await (await world.create("partitions_overwritten", options)).append(
        flightRows([1, 2], 9),
      );
      return loaded.overwritePartitions(flightRows([2, 3], 2));
    },
  },
  {
    name: "replaced",
    make: async (world) => {
      const table = await world.create("replaced", { schema: flights, partitionSpec: [day("date")] });
      const loaded = await (await table.append(flightRows([1], 5))).createRef("before", { type: "tag" });
      const schema = defineSchema({ origin: string(), id: long(), count: int().optional() });
      const replacement = { schema, partitionSpec: [identity("origin")], sortOrder: [desc("id")] };
      const rows = [1, 2, 3].map((id) => ({ id, origin: id < 3 ? "ATL" : "ORD", count: id * 10 }));
      return (await loaded.replace<(typeof rows)[number]>(replacement, rows)) as unknown as Table;
    },
  },
];

import { expect, test } from "vitest";
import {
  date,
  decimal,
  defineSchema,
  int,
  list,
  long,
  map,
  string,
  struct,
  timestamptz,
} from "../../../lib/lakehouse/index.js";
import { openLake } from "./support/lake.js";

const FLIGHTS = defineSchema({
  id: long(),
  origin: string(),
  day: date(),
  at: timestamptz().optional(),
  fare: decimal(9, 2).optional(),
  delay: int().optional(),
  tags: list(string()).optional(),
  seats: map(string(), int()).optional(),
  place: struct({ lat: int(), note: string().optional() }).optional(),
});

test("rows of a typed topic become rows of its table, each type as it was declared", async () => {
  const lake = await openLake();
  const flights = await lake.log.createTopic("flights", { schema: FLIGHTS, partitions: 2 });
  await flights.appendRows(
    [
      {
        id: 2n ** 60n + 1n,
        origin: "HNL",
        day: "2001-01-31",
        at: "2001-01-31T22:31:08.123456Z",
        fare: "12.30",
        delay: -3,
        tags: ["a", "b"],
        seats: new Map([["eco", 3]]),
        place: { lat: 21, note: null },
      },
      { id: 1, origin: "ATL", day: "2001-02-01" },
    ],
    { key: ({ origin }) => origin },
  );
  const stream = await flights.toTable("raw.flights", { columns: { partition: "part", offset: "off" } });
  await stream.flush();
  const rows = await lake.sql("select * exclude (part, off) from raw.flights order by id");
  expect(await rows.rows()).toMatchInlineSnapshot(`
    [
      {
        "at": null,
        "day": "2001-02-01",
        "delay": null,
        "fare": null,
        "id": 1n,
        "origin": "ATL",
        "place": null,
        "seats": null,
        "tags": null,
      },
      {
        "at": "2001-01-31T22:31:08.123456+00:00",
        "day": "2001-01-31",
        "delay": -3,
        "fare": "12.30",
        "id": 1152921504606846977n,
        "origin": "HNL",
        "place": {
          "lat": 21,
          "note": null,
        },
        "seats": Map {
          "eco" => 3,
        },
        "tags": [
          "a",
          "b",
        ],
      },
    ]
  `);
  const places = await (await lake.sql("select part, off from raw.flights order by part")).rows();
  expect(places).toHaveLength(2);
  await stream.close();
});

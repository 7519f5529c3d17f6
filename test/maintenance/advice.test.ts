import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  day,
  defineSchema,
  int,
  type Lakehouse,
  openLakehouse,
  string,
  timestamp,
} from "../../lib/lakehouse/index.js";

const schema = defineSchema({ flown: timestamp(), city: string(), route: string(), delay: int() });

let folder: string;
let lake: Lakehouse;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "advice-"));
  lake = await openLakehouse({ root: join(folder, "lake"), profile: "embedded" });
});
afterAll(async () => {
  await lake.close();
  await rm(folder, { recursive: true, force: true });
});

const flight = (n: number) => ({
  flown: new Date(Date.UTC(2001, 0, 1 + (n % 20))),
  city: `c${n % 7}`,
  route: `r${n % 5}`,
  delay: n,
});
const flights = Array.from({ length: 200 }, (_, n) => flight(n));

test("a column that plans filter by in vain is one to sort by, several are for a Z-order", async () => {
  let table = await lake.createTable("a.t", { schema });
  for (let i = 0; i < 4; i++) table = await table.append(flights);
  const watch = await lake.maintenance.watch();
  for (const delay of [1, 2, 3]) await lake.sql(`select count(*) from a.t where city = 'c${delay}'`).rows();
  const one = await watch.advise("a.t");
  expect(one).toMatchObject({ plans: 3, columns: [{ column: "city", plans: 3, shareRead: 1 }] });
  expect(one.advice).toMatchObject([{ kind: "sort", by: ["city"] }]);
  for (const route of [1, 2]) await lake.sql(`select count(*) from a.t where route = 'r${route}'`).rows();
  const two = await watch.advise("a.t");
  expect(two.plans).toBe(5);
  expect(two.advice).toMatchObject([{ kind: "z-order", by: ["city", "route"] }]);
  watch.stop();
  await lake.sql("select count(*) from a.t where delay = 7").rows();
  expect((await watch.advise("a.t")).plans).toBe(5);
});

test("a layout that serves the queries is left alone, and partitions that are too small are told", async () => {
  const table = await lake.createTable("a.days", { schema, partitionSpec: [day("flown")] });
  await table.append(flights);
  const watch = await lake.maintenance.watch();
  await lake.sql("select count(*) from a.days where flown >= '2001-01-05' and flown < '2001-01-06'").rows();
  const { columns, advice } = await watch.advise("a.days");
  expect(columns[0]?.shareRead).toBeLessThan(0.1);
  expect(advice).toMatchObject([{ kind: "partition", by: ['year("flown")'] }]);
  watch.stop();
});

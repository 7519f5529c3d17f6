import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  defineSchema,
  int,
  type Lakehouse,
  long,
  openLakehouse,
  string,
  timestamp,
  uuid,
} from "sololakehouse";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as q from "../../lib/lakehouse/quality/index.js";

let root: string;
let lake: Lakehouse;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "quality-"));
  lake = await openLakehouse({ root, profile: "embedded" });
});
afterAll(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

const schema = defineSchema({
  id: long(),
  o: string().optional(),
  d: int().optional(),
  u: uuid().optional(),
  at: timestamp().optional(),
});
const silver = q.contract({
  name: "a.silver",
  schema,
  keys: ["id"],
  owner: "me",
  checks: [q.acceptedValues("o", ["ATL", "ORD"])],
});

test("publish", async () => {
  const p = await lake.quality.publish(silver, [{ id: 1n, o: "ATL" }], { token: "one" });
  console.log(p.outcome, p.hash, q.summary(p.report!));
  console.log(await lake.refs());
  expect((await lake.quality.publish(silver, [{ id: 1n, o: "ATL" }], { token: "one" })).outcome).toBe(
    "before",
  );
  await expect(lake.quality.publish(silver, [{ id: 1n, o: "xx" }], { token: "two" })).rejects.toThrow(
    /2 of 2 checks failed.*publish\/a.silver\/two\/blocked/s,
  );
  console.log((await lake.refs()).map((r) => r.name));
  console.log(
    await lake.sql("select * from a.silver").rows(),
    await lake.sql('select * from a.silver@"publish/a.silver/two/blocked"').rows(),
  );
  await Promise.all([2n, 3n, 4n].map((id) => lake.quality.publish(silver, [{ id, o: "ORD" }])));
  console.log(await lake.sql("select * from a.silver order by id").rows());
  const r = await Promise.allSettled(
    [5n, 5n, 5n].map((id) => lake.quality.publish(silver, [{ id, o: "ORD" }])),
  );
  console.log(r.map((x) => (x.status === "rejected" ? String(x.reason) : x.value.outcome)));
  const un = await lake.quality.publish(
    silver,
    [
      { id: 1n, o: "ATL" },
      { id: 7n, o: "bad", u: "123e4567-e89b-12d3-a456-426614174000" },
      { id: 7n, o: "ORD", at: "2001-01-01T00:00:00" },
      { id: 7n, o: "ATL" },
      { id: null as never, o: "ATL" },
      { id: 8n, o: null },
    ],
    { quarantine: true },
  );
  console.log(un.outcome, un.rejected, un.report && q.summary(un.report));
  console.log(
    await lake.sql("select * from a.silver order by id").rows(),
    await lake.sql("select * from a.silver_rejected").rows(),
  );
  await lake.quality.publish(silver, async ({ branch }) => {
    await lake.sql("update a.silver set o = 'ATL'", { ref: branch });
  });
  console.log(
    (await lake.refs()).map((r) => r.name),
    (await lake.commits()).map((c) => c.message),
  );
  expect((await lake.quality.check("a.silver")).passed).toBe(true);
  console.log(q.dictionary([silver as never]));
});

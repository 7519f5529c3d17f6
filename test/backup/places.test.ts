import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { defineSchema, openLakehouse, restoreLakehouse, string, type Table } from "sololakehouse";
import { openPlace } from "sololakehouse/backup";
import { LocalStore, openStore, serveS3 } from "sololakehouse/storage";
import { expect, test } from "vitest";
import { contents, fill } from "./support/lakes.js";
import { places } from "./support/places.js";

const here = places();

test("a backup on S3 becomes a lakehouse whose tables and catalog are on S3", async () => {
  const lake = await here.open("lake");
  await fill(lake);
  const expected = await contents(lake);
  const gateway = await serveS3(new LocalStore(join(here.folder, "s3"), { durable: false }));
  try {
    const { bucket } = gateway;
    const s3 = gateway;
    const to = `s3://${bucket}/backups/lake`;
    await lake.backup({ to, storage: { s3 } });
    const place = {
      root: join(here.folder, "other"),
      profile: "stack",
      warehouse: `s3://${bucket}/warehouse`,
      catalog: `s3://${bucket}/catalog`,
      storage: { s3 },
    } as const;
    await restoreLakehouse({ from: to, ...place });
    const other = await openLakehouse(place);
    expect(await contents(other)).toEqual(expected);
    // And from there to a folder again.
    const back = join(here.folder, "back");
    await other.backup({ to: back });
    await other.close();
    await restoreLakehouse({ from: back, ...here.at("third") });
    expect(await contents(await here.open("third"))).toEqual(expected);
  } finally {
    await gateway.stop();
  }
});

test("a lakehouse without a commit has a backup, too", async () => {
  const lake = await here.open("lake");
  await lake.branch("etl");
  await lake.backup({ to: join(here.folder, "backups") });
  await restoreLakehouse({ from: join(here.folder, "backups"), ...here.at("other") });
  const other = await here.open("other");
  expect((await other.refs()).map(({ name }) => name)).toEqual(["etl", "main"]);
  await other.createTable("s.t", { schema: defineSchema({ v: string() }) });
});

test("files that are too large for memory are streamed, and held against their checksums as well", async () => {
  const lake = await here.open("lake");
  const to = openStore(join(here.folder, "backups"));
  const v = randomBytes(10 * 1024 ** 2).toString("base64");
  const table = (await lake.createTable("s.t", {
    schema: defineSchema({ v: string() }),
  })) as unknown as Table;
  await table.append([{ v }]);
  await lake.backup({ to });
  expect((await lake.backup({ to })).copied.files).toBe(0);
  const place = openPlace(to);
  const { files } = await place.index(await place.find());
  const large = files.find(({ kind }) => kind === "data") as (typeof files)[number];
  expect(large.size).toBeGreaterThan(10 * 1024 ** 2);
  const uri = place.uriOf(large);
  const bytes = await to.read(uri);
  for (const broken of [
    bytes.map((byte, at) => (at === 9_000_000 ? byte ^ 1 : byte)),
    bytes.subarray(0, 9_500_000),
  ]) {
    await to.put(uri, broken);
    await expect(restoreLakehouse({ from: to, ...here.at("other") })).rejects.toMatchObject({
      code: "BACKUP_CORRUPT",
      subject: uri,
    });
  }
  await to.put(uri, bytes);
  await restoreLakehouse({ from: to, ...here.at("other") });
  const [row] = await (await here.open("other")).sql<{ v: string }>("select v from s.t").rows();
  expect(row?.v === v).toBe(true);
});

test("a catalog that a server keeps, or that is open, takes no commits of a backup", async () => {
  const lake = await here.open("lake");
  const from = join(here.folder, "backups");
  await lake.backup({ to: from });
  await expect(
    restoreLakehouse({ from, ...here.at("other"), catalog: "nessie:http://localhost:1/api/v2" }),
  ).rejects.toMatchObject({ code: "UNSUPPORTED_FEATURE", message: expect.stringContaining("by name") });
  await expect(restoreLakehouse({ from, ...here.at("other"), catalog: lake.catalog })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
  });
});

test("a backup that is stopped is none", async () => {
  const lake = await here.open("lake");
  await fill(lake);
  const to = join(here.folder, "backups");
  await expect(lake.backup({ to, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "ABORTED" });
  expect(await lake.backup.list({ from: to })).toEqual([]);
});

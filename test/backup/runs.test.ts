/** Runs of experiments in backups: a commit names the run that made it, and finds it in what was restored. */
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { defineSchema, int, type Lakehouse, openLakehouse, restoreLakehouse } from "sololakehouse";
import { fromPack, packInto } from "sololakehouse/backup";
import type { RunWork } from "sololakehouse/experiments";
import { expect, test } from "vitest";
import { restoreRuns } from "../../lib/lakehouse/backup/runs.js";
import { places } from "./support/places.js";

const here = places();
const LARGE = Buffer.alloc(9 * 1024 ** 2, "model");

const train: RunWork<string> = async (run) => {
  const rows = await run.read(await run.table("n.features")).rows();
  await run.logMetrics({ sum: rows.reduce((sum, { id }) => sum + Number(id), 0) });
  await run.logArtifact("figures/größe 1.txt", "figure");
  const { model } = await run.logModel({ name: "sum", files: { "model.bin": LARGE }, flavors: {} });
  return model.id;
};

async function trained(): Promise<{ lake: Lakehouse; run: string; model: string }> {
  const lake = await here.open("lake");
  const table = await lake.createTable("n.features", { schema: defineSchema({ id: int() }) });
  await table.append([{ id: 1 }, { id: 2 }]);
  const { run, result } = await lake.experiments.run({ experiment: "sums" }, train);
  return { lake, run: run.id, model: result };
}

test("a whole lakehouse comes back with its runs, their artifacts and models, and makes one again", async () => {
  const { lake, run, model } = await trained();
  const to = join(here.folder, "backups");
  // An artifact that is being written is none yet.
  const [experiment] = (await readdir(join(here.folder, "lake/experiments/artifacts"))) as [string];
  await writeFile(join(here.folder, "lake/experiments/artifacts", experiment, ".unfinished-1"), "x");
  const { files } = await lake.backup({ to });
  expect((await lake.backup({ to })).copied).toEqual({ files: 0, bytes: 0 });
  const told = await lake.experiments.runs("sums");
  await here.close(lake);
  await rm(join(here.folder, "lake"), { recursive: true });
  const report = await restoreLakehouse({ from: to, ...here.at("other") });
  expect(report).toMatchObject({ experiments: "restored", files });
  const other = await here.open("other");
  const anew = await other.experiments.runs("sums");
  expect(anew.map(({ id, metrics, tags, params }) => ({ id, metrics, tags, params }))).toEqual(
    told.map(({ id, metrics, tags, params }) => ({ id, metrics, tags, params })),
  );
  expect(Buffer.from(await other.experiments.artifact({ run }, "figures/größe 1.txt")).toString()).toBe(
    "figure",
  );
  const bytes = (await other.experiments.modelFiles(model))["model.bin"];
  expect(LARGE.equals(bytes as Uint8Array)).toBe(true);
  expect((await readdir(join(here.folder, "other/experiments/artifacts", experiment))).sort()).not.toContain(
    ".unfinished-1",
  );
  expect((await other.experiments.reproduce(run, train)).same).toBe(true);
});

test("runs that are there already stay, and those of a backup of tables are not taken", async () => {
  const { lake, run } = await trained();
  const to = join(here.folder, "backups");
  await lake.backup({ to });
  const later = await lake.experiments.run({ experiment: "sums", keep: false }, train);
  // The same place: files that were lost come back, and newer runs stay.
  const report = await restoreLakehouse({ from: to, ...here.at("lake") });
  expect(report.experiments).toBe("kept");
  expect((await lake.experiments.runs("sums")).map(({ id }) => id)).toEqual([later.run.id, run]);
  const tables = join(here.folder, "tables");
  await lake.backup({ to: tables, tables: ["n.features"] });
  const names = (await readdir(tables, { recursive: true })).filter((name) => name.includes("experiments"));
  expect(names).toEqual([]);
  expect(await lake.backup.verify({ from: to })).toMatchObject({ corrupt: [] });
});

test("a pack has the runs, which go where the config of the new lakehouse says", async () => {
  const { lake, run } = await trained();
  const pack = join(here.folder, "lake.tar");
  await packInto(pack, (to) => lake.backup({ to }));
  const experiments = `sqlite:${join(here.folder, "apart/runs.db")}`;
  const at = { ...here.at("other"), experiments };
  await fromPack(pack, (from) => restoreLakehouse({ from, ...at }));
  const other = await openLakehouse(at);
  try {
    expect((await other.experiments.get(run)).metrics.sum?.value).toBe(3);
    expect(await other.experiments.artifacts({ run })).toHaveLength(1);
  } finally {
    await other.close();
  }
});

test("runs on a server are the server's, a journal without its file is in the way, and a file that is no database is no backup", async () => {
  const { lake } = await trained();
  const to = join(here.folder, "backups");
  await lake.backup({ to });
  const server = "http://127.0.0.1:9";
  await mkdir(join(here.folder, "other/experiments"), { recursive: true });
  const journal = join(here.folder, "other/experiments/mlflow.db-wal");
  await writeFile(journal, "left");
  const refused = restoreLakehouse({ from: to, ...here.at("other") });
  await expect(refused).rejects.toMatchObject({ code: "RESTORE_REFUSED", subject: journal });
  const report = await restoreLakehouse({ from: to, ...here.at("other"), experiments: server });
  expect(report.experiments).toBe("kept");
  await mkdir(join(here.folder, "broken"));
  await writeFile(join(here.folder, "broken/mlflow.db"), "no database ".repeat(1000));
  const broken = await openLakehouse({
    ...here.at("lake"),
    experiments: `sqlite:${join(here.folder, "broken/mlflow.db")}`,
  });
  try {
    await expect(broken.backup({ to })).rejects.toMatchObject({ code: "BACKUP_INCOMPLETE" });
  } finally {
    await broken.close();
  }
});

test.each(["../../evil", "artifacts/../../evil", "artifacts//x", "/etc/evil"])(
  "an artifact that leads out of its folder is refused: %s",
  async (path) => {
    const file = { sha256: "0", size: 0, kind: "experiments", etag: "" } as const;
    const files = ["mlflow.db", path].map((each) => ({ ...file, location: `experiments:${each}` }));
    const work = restoreRuns({} as never, files, `sqlite:${join(here.folder, "runs/mlflow.db")}`, undefined);
    await expect(work).rejects.toMatchObject({ code: "BACKUP_CORRUPT" });
    expect(await readdir(here.folder)).toEqual([]);
  },
);

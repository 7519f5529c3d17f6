import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  executeNotebook,
  type NotebookPlace,
  notebookStatus,
  serializeNotebook,
} from "../../../lib/kit/notebook/index.js";
import { notebookFolder, notebookOf } from "../support/notebooks.js";

let place: NotebookPlace;
let folder: string;

beforeEach(async () => {
  const root = await notebookFolder();
  folder = join(root, "milestones/m42-answer");
  place = {
    id: "m42",
    source: join(folder, "notebook.ipynb"),
    executed: join(root, ".lake/notebooks/m42/notebook.ipynb"),
    root,
    datasets: [],
    timeoutSeconds: 120,
  };
  await mkdir(folder, { recursive: true });
});
afterEach(() => vi.unstubAllEnvs());

async function run(...cells: Parameters<typeof notebookOf>): Promise<void> {
  await writeFile(place.source, serializeNotebook(notebookOf(...cells)));
  const { run: result } = await executeNotebook(place, { save: true });
  expect(result.failure).toBeUndefined();
}
const reasons = async () => (await notebookStatus(place)).machine.reasons;
const committed = async () => (await notebookStatus(place)).committed.reasons;

describe("freshness sees", () => {
  test("data files that cells read, whoever opens them, and none that they write", async () => {
    await writeFile(join(folder, "read.csv"), "a\n1\n");
    await writeFile(join(folder, "late.json"), "{}");
    await writeFile(join(folder, "native.csv"), "b\n1\n");
    await writeFile(join(folder, "other.csv"), "c\n1\n");
    await run(
      'import { readFileSync, writeFileSync } from "node:fs"; import { readFile } from "node:fs/promises"; void 0;',
      'readFileSync("read.csv", "utf8").length',
      '(await readFile(new URL("late.json", "file://" + process.cwd() + "/"))).length',
      // As a query would: in native code, from a name in a text.
      "const query = \"select * from 'native.csv'\";",
      'writeFileSync("made.txt", "1"); readFileSync("made.txt", "utf8")',
      '"See [the others](other.csv)."',
    );
    expect(await reasons()).toEqual([]);
    await writeFile(join(folder, "other.csv"), "c\n2\n");
    await rm(join(folder, "made.txt"));
    expect(await reasons()).toEqual([]);
    expect(await committed()).toEqual([]);
    await writeFile(join(folder, "read.csv"), "a\n2\n");
    await writeFile(join(folder, "late.json"), "[]");
    await rm(join(folder, "native.csv"));
    const changed = [
      "milestones/m42-answer/late.json changed",
      "milestones/m42-answer/native.csv is gone",
      "milestones/m42-answer/read.csv changed",
    ];
    expect(await reasons()).toEqual(changed);
    expect(await committed()).toEqual(changed);
  });

  test("the lakehouse: another one, one that was reset, and variables that choose the catalog, on this machine only", async () => {
    const lake = join(place.root, "elsewhere");
    await mkdir(lake);
    vi.stubEnv("SLH_LAKE", lake);
    await run('import { LakehouseError } from "sololakehouse"; LakehouseError.name');
    expect(await reasons()).toEqual([]);

    vi.stubEnv("SLH_LAKE", join(place.root, "nowhere"));
    expect(await reasons()).toEqual(["the lakehouse that it ran on is not there"]);
    vi.stubEnv("SLH_LAKE", lake);
    vi.stubEnv("SLH_ETCD_URI", "etcd://127.0.0.1:2379/lake");
    vi.stubEnv("SLH_CATALOG_TOKEN", "sesame");
    expect(await reasons()).toEqual([
      "SLH_CATALOG_TOKEN was not set and is something else",
      "SLH_ETCD_URI was not set and is etcd://127.0.0.1:2379/lake",
    ]);
    expect(await committed()).toEqual([]);
    vi.stubEnv("SLH_ETCD_URI", "");
    vi.stubEnv("SLH_CATALOG_TOKEN", "");
    expect(await reasons()).toEqual([]);
    await rm(lake, { recursive: true });
    await mkdir(lake);
    expect(await reasons()).toEqual(["the lakehouse that it ran on is not there"]);
    await writeFile(join(lake, "lake-id"), "another\n");
    expect(await reasons()).toEqual(["it ran on another lakehouse"]);
  });
});

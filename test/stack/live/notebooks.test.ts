// A notebook on the stack: on a lakehouse of its own, which finds nothing, leaves nothing, and touches nobody's tables.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { projectAt } from "../../../lib/kit/milestones/index.js";
import { readStackFacts } from "../../../lib/kit/notebook/file/stack-facts.js";
import { onStackPlace } from "../../../lib/kit/notebook/fresh/place.js";
import { onStack, readRecorded, serializeNotebook } from "../../../lib/kit/notebook/index.js";
import { executeOnStack } from "../../../lib/kit/notebook/run/execute-on-stack.js";
import { environmentOf, isNative, servicesOf, up } from "../../../lib/kit/stack/index.js";
import { catalogUnavailable } from "../../../lib/lakehouse/catalog/index.js";
import { EtcdClient, keyOf, parseEtcdUri, rangeOf } from "../../../lib/lakehouse/etcd/index.js";
import { openStore, s3OptionsFromEnv } from "../../../lib/lakehouse/storage/index.js";
import { cell, notebookFolder, notebookOf } from "../../notebook/support/notebooks.js";
import { type OwnStack, ownStack } from "./support.js";

const CELLS = [
  'import { defineSchema, int, openLakehouse } from "sololakehouse";\nimport { fact } from "@sololakehouse/kit";\nconst lake = await openLakehouse();',
  'const t = await lake.createTable("demo.t", { schema: defineSchema({ n: int() }) });\nawait t.append([{ n: 1 }, { n: 2 }]);',
  'const [row] = await lake.sql("select count(*)::int as n from demo.t").rows();\nfact("profile", lake.profile.name);\nfact("rows", row?.n, { unit: "rows" });\nfact("tables", (await lake.tables()).length, { unit: "tables" });',
  "await lake.close();",
];

let stack: OwnStack;
beforeAll(async () => {
  stack = await ownStack();
  await up(servicesOf([]).filter(isNative), stack.home, { doing: () => {}, started: () => {} });
  vi.stubEnv("SLH_STACK", stack.home.folder);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await stack.dispose();
});

/** What notebooks have on the stack: keys of etcd, and objects of the bucket. */
async function kept(): Promise<string[]> {
  const env = environmentOf(stack.home);
  const { endpoints } = parseEtcdUri(env.SLH_CATALOG as string);
  const etcd = new EtcdClient(endpoints, { owner: "test", unavailable: catalogUnavailable });
  const { responses } = await etcd.transact({ success: [{ request_range: rangeOf("notebooks/") }] });
  etcd.close();
  const keys = responses?.[0]?.response_range?.kvs?.map(keyOf) ?? [];
  const root = "s3://lakehouse/notebooks";
  for await (const { uri } of openStore(root, { s3: s3OptionsFromEnv(env) }).list(root)) keys.push(uri);
  return keys.sort();
}

test("runs the same twice, keeps its facts beside it, and leaves the stack as it was", async () => {
  const root = await notebookFolder();
  const project = projectAt(root);
  const source = join(root, "milestones/m42-answer/notebook.ipynb");
  const executed = join(project.executed, "m42/notebook.ipynb");
  const place = { id: "m42", source, executed, root, datasets: [], timeoutSeconds: 300 };
  await mkdir(dirname(source), { recursive: true });
  const text = serializeNotebook(notebookOf(...CELLS.map((each) => cell(each))));
  await writeFile(source, text);
  const own = await stack.env();
  const neighbour = {
    ...own,
    SLH_LAKE: join(root, "neighbour"),
    SLH_WAREHOUSE: "s3://lakehouse/notebooks/m42-neighbour",
    SLH_CATALOG: `${own.SLH_CATALOG}`.replace(/catalog$/, "notebooks/m42-neighbour/catalog"),
  };
  const slh = async (words: readonly string[], env: Readonly<Record<string, string>>) => {
    const { code, err } = await stack.slh(words, env);
    expect(code, err).toBe(0);
  };
  await slh(["init"], neighbour);
  for (const env of [own, neighbour])
    await slh(["sql", "create schema s; create table s.mine as select 7 as n"], env);
  const before = await kept();
  for (const kind of [/^notebooks/, /^s3:/]) expect(before).toContainEqual(expect.stringMatching(kind));

  for (const save of [true, true]) {
    const { run } = await executeOnStack(project, place, { save });
    expect(run).toMatchObject({ status: "ok", profile: "stack" });
    expect(readStackFacts(source)?.facts).toEqual({
      profile: { value: "stack" },
      rows: { value: 2, unit: "rows" },
      tables: { value: 1, unit: "tables" },
    });
  }
  expect(await onStack(place)).toMatchObject({ state: "fresh" });
  expect(await readFile(source, "utf8")).toBe(text);
  expect((await readRecorded(onStackPlace(place, project).executed)).run?.profile).toBe("stack");

  await writeFile(source, serializeNotebook(notebookOf(...CELLS.slice(0, 2), "throw new Error('no')")));
  expect((await executeOnStack(project, place, { save: true })).run.status).toBe("failed");
  expect((await onStack(place)).state).toBe("stale");

  expect(await kept()).toEqual(before);
  const { out } = await stack.slh(["sql", "select n from s.mine", "--json"], own);
  expect(JSON.parse(out)).toMatchObject([{ n: 7 }]);
});

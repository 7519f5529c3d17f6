// Each fault, under load: what was acknowledged is there, once, and writers go on by themselves.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DrillName } from "../../../../lib/kit/stack/drills/about.js";
import { DRILLS } from "../../../../lib/kit/stack/drills/drill.js";
import { isNative, servicesOf, statusOf } from "../../../../lib/kit/stack/index.js";
import { needs } from "../../../support/needs.js";
import { type OwnStack, ownStack } from "../support.js";

const core = servicesOf([]).filter(isNative);
let stack: OwnStack;
beforeAll(async () => {
  stack = await ownStack();
  await stack.start(...core);
});
afterAll(() => stack.dispose());

async function hold(drill: DrillName) {
  const report = await DRILLS[drill](stack.home, new AbortController().signal);
  expect(report).toMatchObject({ lost: [], twice: [], strangers: [] });
  for (const service of core) expect((await statusOf(service, stack.home)).state, service.name).toBe("up");
  return report;
}

test.each(["seaweedfs", "etcd", "log", "catalog"] as const)(
  "%s killed loses nothing, has nothing twice, and takes writes again",
  async (service) => {
    const before = stack.home.started(service)?.pid;
    expect((await hold(`kill-${service}`)).acknowledged).toBeGreaterThanOrEqual(30);
    expect(stack.home.started(service)?.pid).not.toBe(before);
  },
);

test("a catalog cut off from etcd loses nothing, and does nothing twice that comes late", async () => {
  expect((await hold("cut-etcd")).acknowledged).toBeGreaterThanOrEqual(30);
});

test("a lakehouse restored to an empty store has what was acknowledged before its backup began", async () => {
  const { acknowledged, resumedMs } = await hold("restore");
  expect(acknowledged).toBeGreaterThanOrEqual(15);
  expect(resumedMs).toBeGreaterThan(0);
});

const isRoot = process.platform === "linux" && process.getuid?.() === 0;
test(
  "a full disk is told, and loses nothing",
  needs(isRoot, "root, to mount a disk that can be filled"),
  async () => {
    const { told } = await hold("fill-disk");
    expect(told).toContain("STORAGE_FAILED");
  },
);

test("the command says the same, and nobody else's tables were touched", async () => {
  const env = await stack.env();
  const mine = "create schema s; create table s.mine as select 7 as n";
  expect((await stack.slh(["sql", mine], env)).code).toBe(0);
  const { code, out } = await stack.slh(["stack", "drill", "kill-etcd", "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ drill: "kill-etcd", holds: true, lost: [], twice: [] });
  const tables = JSON.parse((await stack.slh(["tables", "--json"], env)).out) as object[];
  expect(tables).toMatchObject([{ table: "s.mine", rows: 1 }]);
});

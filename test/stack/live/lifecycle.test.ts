// How services are started, watched and stopped, held with etcd, Prometheus and Alertmanager, which start in a second.
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  bootNow,
  down,
  identify,
  type NativeService,
  SERVICES,
  type Service,
  statusOf,
} from "../../../lib/kit/stack/index.js";
import { type OwnStack, ownStack } from "./support.js";

const { etcd, alertmanager, prometheus } = SERVICES;

let stack: OwnStack;
beforeAll(async () => {
  stack = await ownStack();
});
afterEach(() => down(stack.home, () => {}));
afterAll(() => stack.dispose());

const start = (...services: readonly NativeService[]) => stack.start(...services);

const etcdUrl = () => `http://127.0.0.1:${stack.home.port("etcd", "client")}/v3/kv`;
const base64 = (text: string) => Buffer.from(text).toString("base64");
const ask = async (path: string, body: object) => {
  const response = await fetch(`${etcdUrl()}/${path}`, { method: "POST", body: JSON.stringify(body) });
  return (await response.json()) as { kvs?: { value: string }[] };
};
const pidOf = async (service: Service) => (await statusOf(service, stack.home)).pid as number;

describe("a service", () => {
  test("has after down and up what it had, and ends by itself", async () => {
    await start(etcd);
    await ask("put", { key: base64("k"), value: base64("what was written") });
    const stopped: boolean[] = [];
    await down(stack.home, ({ killed }) => stopped.push(killed));
    expect(stopped).toEqual([false]);
    expect(await statusOf(etcd, stack.home)).toMatchObject({ state: "down" });
    await start(etcd);
    expect((await ask("range", { key: base64("k") })).kvs?.[0]?.value).toBe(base64("what was written"));
  });

  test("that was killed has crashed, says what it said last, and comes back with what it had", async () => {
    await start(etcd);
    await ask("put", { key: base64("k2"), value: base64("acknowledged") });
    process.kill(await pidOf(etcd), "SIGKILL");
    await expect.poll(async () => (await statusOf(etcd, stack.home)).state).toBe("crashed");
    const { code, out } = await stack.slh(["stack", "status"]);
    expect(code).toBe(1);
    expect(out).toMatch(/^etcd +crashed/m);
    await start(etcd);
    expect((await ask("range", { key: base64("k2") })).kvs?.[0]?.value).toBe(base64("acknowledged"));
  });

  test("that does not answer is not well", async () => {
    await start(alertmanager);
    const pid = await pidOf(alertmanager);
    process.kill(pid, "SIGSTOP");
    try {
      // The signal stops its threads one by one: one of them may still answer.
      await expect.poll(() => statusOf(alertmanager, stack.home)).toMatchObject({ state: "not well", pid });
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await expect.poll(async () => (await statusOf(alertmanager, stack.home)).state).toBe("up");
  });

  test("that does not start says why, and is not left half started", async () => {
    await start(prometheus);
    await down(stack.home, () => {});
    const tsdb = join(stack.home.dataOf("prometheus"), "tsdb", "wal");
    writeFileSync(join(stack.home.dataOf("prometheus"), "tsdb", "lock"), "");
    const { rmSync } = await import("node:fs");
    rmSync(tsdb, { recursive: true });
    writeFileSync(tsdb, "a file is in the way");
    await expect(start(prometheus)).rejects.toThrow(/Prometheus ended when it started\.[\s\S]*wal/);
    expect(await statusOf(prometheus, stack.home)).toMatchObject({ state: "down" });
    rmSync(tsdb);
  });
});

describe("two at once", () => {
  test("start each service once", async () => {
    const runs = await Promise.all([start(etcd, alertmanager), start(etcd, alertmanager)]);
    const fresh = runs.flat().filter(({ milliseconds }) => milliseconds !== undefined);
    expect(fresh.map(({ service }) => service.name).sort()).toEqual(["alertmanager", "etcd"]);
    expect(runs.map((run) => run.length)).toEqual([2, 2]);
  });
});

describe("what was started", () => {
  /** As if etcd, which runs, had been started as another process. */
  const pretend = (more: object) => {
    const started = stack.home.started("etcd");
    if (started === undefined) throw new Error("it was started");
    stack.home.setStarted("etcd", { ...started, ...more });
    return started;
  };

  test("is not taken for another process that has its number, which is left alone", async () => {
    await start(alertmanager);
    const other = identify(await pidOf(alertmanager));
    await start(etcd);
    const real = pretend({ pid: other?.pid });
    expect(await statusOf(etcd, stack.home)).toMatchObject({ state: "crashed" });
    const stopped: string[] = [];
    stack.home.forget("alertmanager");
    await down(stack.home, ({ service }) => stopped.push(service.name));
    expect(stopped).toEqual([]);
    expect(identify(other?.pid as number)).toEqual(other);
    process.kill(other?.pid as number, "SIGKILL");
    stack.home.setStarted("etcd", real);
  });

  test("ended with a machine that was started anew", async () => {
    await start(etcd);
    const real = pretend({ boot: "an earlier one" });
    expect(await statusOf(etcd, stack.home)).toMatchObject({ state: "ended with the machine" });
    expect(real.boot).toBe(bootNow());
    stack.home.setStarted("etcd", real);
  });
});

describe("a port that another program has", () => {
  test("is named, with what to do, by up and by doctor", async () => {
    const port = stack.home.port("etcd", "client");
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(port, "127.0.0.1", resolve));
    try {
      await expect(start(etcd)).rejects.toThrow(
        new RegExp(`etcd listens on port ${port} \\(client\\).*--port-offset`),
      );
      expect(await statusOf(etcd, stack.home)).toMatchObject({ state: "down" });
      const { code, out } = await stack.slh(["stack", "doctor", "--json"]);
      expect(code).toBe(1);
      expect(JSON.parse(out)).toContainEqual(
        expect.objectContaining({ what: `port ${port}`, isFine: false, remedy: expect.stringMatching(/./) }),
      );
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  });

  test("is left to it by another offset, while nothing runs", async () => {
    await start(etcd);
    const moved = await stack.slh(["stack", "up", "--port-offset", "7100"]);
    expect(moved).toMatchObject({ code: 1, err: expect.stringContaining("slh stack down first") });
    expect(stack.home.offset).toBe(7_000);
  });
});

test("configuration and secrets are their owner's alone", async () => {
  await start(prometheus);
  expect(statSync(stack.home.folder).mode & 0o077).toBe(0);
  expect(statSync(stack.home.secretsFile).mode & 0o777).toBe(0o600);
  expect(statSync(join(stack.home.filesOf("prometheus"), "prometheus.yml")).mode & 0o077).toBe(0);
  expect(readFileSync(stack.home.logOf("prometheus"), "utf8")).not.toBe("");
});

// A real Prometheus, with the configuration and the alarms of deploy/observability, scrapes a lakehouse that something happens
// to: the alarm is raised, the events say which snapshot it was, and the trace whose work.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { defineSchema, int, type Lakehouse, openLakehouse } from "sololakehouse";
import { notNull } from "sololakehouse/quality";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { needsPrometheus, prometheus } from "../support/prometheus.js";

const deploy = join(import.meta.dirname, "../../deploy/observability");

let folder: string;
let lake: Lakehouse;
let server: ChildProcess | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "slh-prometheus-"));
  lake = await openLakehouse({ root: join(folder, "lake") });
});
afterEach(async () => {
  if (server !== undefined && server.exitCode === null) {
    server.kill("SIGKILL");
    await once(server, "exit");
  }
  server = undefined;
  await lake.close();
  await rm(folder, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, "close");
  return port;
}

/** The files of deploy, but for the address, and quicker: nobody waits a minute here. */
async function startPrometheus(target: string): Promise<(path: string) => Promise<never>> {
  const config = (await readFile(join(deploy, "prometheus.yml"), "utf8"))
    .replaceAll(/(interval): 15s/g, "$1: 3s")
    .replace("127.0.0.1:9464", new URL(target).host);
  const rules = (await readFile(join(deploy, "alerts.yml"), "utf8")).replaceAll(/for: \d+m/g, "for: 1s");
  await writeFile(join(folder, "prometheus.yml"), config);
  await writeFile(join(folder, "alerts.yml"), rules);
  const port = await freePort();
  server = spawn(
    prometheus as string,
    [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "tsdb")}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: "ignore" },
  );
  return async (path) => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
    const { data } = (await response.json()) as { data: never };
    return data;
  };
}

interface Alert {
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Asks until there is an answer. */
async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await ask().catch(() => undefined);
    if (found !== undefined) return found;
    await sleep(250);
  }
}

describe("Prometheus", needsPrometheus, () => {
  test("raises the alarm when checks fail, and the events lead from it to the snapshot", async () => {
    const events = join(folder, "events.ndjson");
    await lake.telemetry.writeEvents({ to: events });
    const { url } = await lake.telemetry.serve({ port: 0 });
    const ask = await startPrometheus(url);
    const alerts = async () => (await ask("alerts")) as { alerts: readonly Alert[] };
    const firing = async (name: string) =>
      (await alerts()).alerts.find(({ state, labels }) => state === "firing" && labels.alertname === name);

    const table = await lake.createTable("silver.flights", {
      schema: defineSchema({ n: int().optional() }),
    });
    await lake.quality.setChecks("silver.flights", [notNull("n")]);
    await until(async () => {
      const { result } = (await ask("query?query=sololakehouse_quality_check_failures_total")) as {
        result: readonly unknown[];
      };
      return result.length > 0 ? true : undefined;
    });
    expect(await firing("LakehouseChecksFailed")).toBeUndefined();

    // The fault: somebody writes what no check would let through.
    await (await table.refresh()).append([{ n: null }]);
    expect((await lake.quality.check("silver.flights")).passed).toBe(false);

    const alert = await until(() => firing("LakehouseChecksFailed"));
    expect(alert.annotations.description).toContain("quality.check");
    const lines = (await readFile(events, "utf8"))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, string>);
    const check = lines.find(({ event, failures }) => event === "quality.check" && failures !== "");
    expect(check).toMatchObject({ table: "silver.flights" });
    const now = await lake.table("silver.flights");
    expect(check?.snapshot).toBe(String(now.currentSnapshot?.snapshotId));
    const commit = lines.find(
      ({ event, snapshotId }) => event === "iceberg.commit" && snapshotId === check?.snapshot,
    );
    expect(commit).toMatchObject({ operation: "append", trace_id: expect.stringMatching(/^[0-9a-f]{32}$/) });
  });

  test("raises the alarm when the store is gone, and ends it when that is back", async () => {
    const { url } = await lake.telemetry.serve({ port: 0 });
    const ask = await startPrometheus(url);
    const down = async () =>
      ((await ask("alerts")) as { alerts: readonly Alert[] }).alerts.find(
        ({ state, labels }) => state === "firing" && labels.alertname === "LakehousePartDown",
      );
    await lake.createTable("s.t", { schema: defineSchema({ n: int() }) });
    const warehouse = join(folder, "lake", "warehouse");
    await rename(warehouse, `${warehouse}.away`);
    await writeFile(warehouse, "a file is in the way");
    await chmod(warehouse, 0o400);
    const alert = await until(down);
    expect(alert.labels).toMatchObject({ part: "storage", severity: "critical" });
    await rm(warehouse);
    await rename(`${warehouse}.away`, warehouse);
    await until(async () => ((await down()) === undefined ? true : undefined));
    expect(await (await fetch(`${url}/ready`)).text()).toBe("ready\n");
  });
});

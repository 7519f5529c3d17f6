import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineSchema, int, type Lakehouse, openLakehouse } from "sololakehouse";
import { type Observed, serveTelemetry, type TelemetryServer } from "sololakehouse/telemetry";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { needsPromtool, runPromtool } from "../support/prometheus.js";

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
  vi.unstubAllEnvs();
});

async function serve(
  observed: Observed,
  options: Parameters<typeof serveTelemetry>[1] = {},
): Promise<TelemetryServer> {
  const server = await serveTelemetry(observed, { port: 0, ...options });
  opened.push(server);
  return server;
}

/** A lakehouse of nothing but parts that say something of themselves. */
function partsSaying(said: Readonly<Record<string, string | Error>>): Observed & { asked: () => number } {
  let asked = 0;
  return {
    metrics: [],
    gauges: [],
    asked: () => asked,
    health: async () => {
      asked++;
      return Object.entries(said).map(([part, detail]) => ({
        part,
        ok: typeof detail === "string",
        detail: typeof detail === "string" ? detail : detail.message,
        milliseconds: 1,
      }));
    },
  };
}

async function get(url: string, headers: Record<string, string> = {}) {
  const response = await fetch(url, { headers });
  return { status: response.status, type: response.headers.get("content-type"), body: await response.text() };
}

/** As `fetch` cannot: with a host of one's own choice. */
function statusAs(host: string, url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", reject)
      .end();
  });
}

describe("an open lakehouse", () => {
  let folder: string;
  let lake: Lakehouse;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "slh-telemetry-"));
    lake = await openLakehouse({ root: folder });
  });
  afterEach(async () => {
    await lake.close();
    await rm(folder, { recursive: true, force: true });
  });

  test("tells of its health, as JSON, as a page and in a word, and of what it did", async () => {
    const { url } = await lake.telemetry.serve({ port: 0 });
    const table = await lake.createTable("s.t", { schema: defineSchema({ n: int() }) });
    await table.append([{ n: 1 }]);
    await lake.sql("select * from nowhere.t").catch(() => undefined);

    const health = await get(`${url}/health`);
    expect(health).toMatchObject({ status: 200, type: "application/json" });
    const { status, parts } = JSON.parse(health.body) as { status: string; parts: { part: string }[] };
    expect(status).toBe("ok");
    expect(parts.map(({ part }) => part)).toEqual(["storage", "catalog", "query", "log"]);
    expect(await get(`${url}/ready`)).toMatchObject({ status: 200, body: "ready\n" });
    expect(await get(`${url}/live`)).toMatchObject({ status: 200, body: "live\n" });
    const page = await get(url);
    expect(page).toMatchObject({ status: 200, type: "text/html; charset=utf-8" });
    expect(page.body).toContain("All parts work");

    const metrics = await get(`${url}/metrics`);
    expect(metrics.type).toContain("version=0.0.4");
    const lines = metrics.body.split("\n");
    expect(lines).toContain('sololakehouse_iceberg_commit_duration_seconds_count{outcome="ok"} 1');
    expect(lines).toContain("sololakehouse_query_failures_total 1");
    expect(lines).toContain("sololakehouse_quality_check_failures_total 0");
    expect(lines).toContain('sololakehouse_part_up{part="storage"} 1');
    expect(lines.find((line) => line.startsWith("sololakehouse_build_info"))).toContain('version="0.1.0"');
    await lake.close();
    await expect(fetch(url)).rejects.toThrow("fetch failed");
  });

  test("is found not ready, and which part it is, when its disk is gone", async () => {
    const { url } = await lake.telemetry.serve({ port: 0 });
    await rm(folder, { recursive: true });
    const blocked = await openLakehouse({ root: folder });
    await blocked.close();
    await rm(join(folder, "warehouse"), { recursive: true, force: true });
    const { writeFile } = await import("node:fs/promises");
    await writeFile(join(folder, "warehouse"), "a file in the way of the folder");
    expect(await get(`${url}/ready`)).toMatchObject({
      status: 503,
      body: expect.stringContaining("storage"),
    });
    const metrics = await get(`${url}/metrics`);
    expect(metrics.status).toBe(200);
    expect(metrics.body).toContain('sololakehouse_part_up{part="storage"} 0');
    expect(metrics.body).toMatch(/sololakehouse_storage_failures_total [1-9]/);
    expect((await get(url)).body).toContain("does not work");
  });

  describe("promtool", needsPromtool, () => {
    test("finds nothing to say of any metric", async () => {
      const { url } = await lake.telemetry.serve({ port: 0 });
      const { body } = await get(`${url}/metrics`);
      expect(runPromtool(["check", "metrics"], body)).toEqual({ code: 0, out: "" });
    });
  });
});

test("who cannot be served is told why, and nothing is left behind", async () => {
  const { url } = await serve(partsSaying({}));
  const port = Number(new URL(url).port);
  await expect(serve(partsSaying({}), { port })).rejects.toMatchObject({
    code: "INVALID_CONFIG",
    message: expect.stringMatching(/EADDRINUSE.*--telemetry/s),
  });
  await expect(serve(partsSaying({}), { host: "0.0.0.0" })).rejects.toMatchObject({
    code: "INVALID_CONFIG",
    message: expect.stringContaining("SLH_TELEMETRY_TOKEN"),
  });
});

test("with a token, only readiness is told to who does not show it", async () => {
  const { url } = await serve(partsSaying({ storage: "here" }), { token: "open-sesame" });
  for (const path of ["/metrics", "/health", "/"]) {
    expect((await get(url + path)).status).toBe(401);
    expect((await get(url + path, { authorization: "Bearer open" })).status).toBe(401);
    expect((await get(url + path, { authorization: "Bearer open-sesame" })).status).toBe(200);
  }
  for (const path of ["/ready", "/live"]) expect((await get(url + path)).status).toBe(200);
});

test("a page from elsewhere cannot read it through a name of its own", async () => {
  const { url } = await serve(partsSaying({}));
  expect(await statusAs("evil.example", `${url}/health`)).toBe(403);
  expect(await statusAs("localhost:1", `${url}/health`)).toBe(200);
});

test("what is not there, and what would change something, is refused", async () => {
  const { url } = await serve(partsSaying({}));
  expect((await get(`${url}/constructor`)).status).toBe(404);
  expect((await get(`${url}//metrics`)).status).toBe(404);
  expect((await fetch(`${url}/metrics`, { method: "POST" })).status).toBe(405);
  const head = await fetch(`${url}/metrics`, { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);
});

test("whoever asks often makes no part work more often", async () => {
  const parts = partsSaying({ storage: "here" });
  const { url } = await serve(parts);
  await Promise.all(Array.from({ length: 50 }, () => get(`${url}/ready`)));
  expect(parts.asked()).toBe(1);
});

test("what parts say is shown as text, and without secrets", async () => {
  vi.stubEnv("SLH_S3_SECRET_ACCESS_KEY", "canary-7f3a91");
  const { url } = await serve(
    partsSaying({
      storage: new Error("<script>alert(1)</script> s3://user:hunter22@bucket refused canary-7f3a91"),
      catalog: new Error("Bearer abcdef123456 was not taken by http://c?access_token=canary-other&x=1"),
    }),
  );
  for (const path of ["/", "/health", "/ready", "/metrics"]) {
    const { body } = await get(url + path);
    expect(body).not.toMatch(/canary|hunter22|abcdef123456/);
    if (path !== "/health") expect(body).not.toContain("<script>");
  }
});

test("a gauge that fails is left out and counted, and one with too many values is cut, with the rest as one", async () => {
  const described = { kind: "gauge", unit: "1", help: "A gauge." } as const;
  const many = Array.from({ length: 1000 }, (_, i) => ({ labels: { topic: `t${i}` }, value: i }));
  const { url } = await serve({
    ...partsSaying({}),
    gauges: [
      { ...described, name: "broken", read: async () => Promise.reject(new Error("no")) },
      { ...described, name: "lag", read: async () => many },
    ],
  });
  const { body } = await get(`${url}/metrics`);
  expect(body).toContain("sololakehouse_telemetry_read_failures_total 1\n");
  expect(body.match(/^sololakehouse_lag\{/gm)).toHaveLength(201);
  expect(body).toContain('sololakehouse_lag{topic="t999"} 999\n');
  expect(body).toContain('sololakehouse_lag{topic="other"} 319600\n');
});

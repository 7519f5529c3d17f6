import diagnostics from "node:diagnostics_channel";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineSchema, int, type Lakehouse, openLakehouse, string } from "sololakehouse";
import { serveRestCatalog } from "sololakehouse/catalog";
import { eventChannel, type FinishedSpan, finishedSpans, observe } from "sololakehouse/observability";
import { append, task } from "sololakehouse/pipeline";
import { contract } from "sololakehouse/quality";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

let folder: string;
let lake: Lakehouse;
const closes: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "slh-traces-"));
  lake = await openLakehouse({ root: folder });
});
afterEach(async () => {
  for (const close of closes.splice(0).reverse()) await close();
  await lake.close();
  await rm(folder, { recursive: true, force: true });
  vi.unstubAllEnvs();
});

/** Spans of some work, in the order of their ends. */
async function spansOf(work: () => Promise<unknown>): Promise<FinishedSpan[]> {
  const spans: FinishedSpan[] = [];
  const end = finishedSpans.subscribe((span) => spans.push(span));
  try {
    await work();
  } finally {
    end();
  }
  return spans;
}

interface OtlpSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: readonly { key: string; value: { stringValue?: string } }[];
  readonly status: { code?: number; message?: string };
}

/** Takes what is sent to it, as a collector of OpenTelemetry does. */
async function collector(status = 200) {
  const bodies: string[] = [];
  const headers: IncomingHttpHeaders[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    headers.push({ ...request.headers, path: request.url });
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      bodies.push(Buffer.concat(chunks).toString());
      response.writeHead(status, { "content-type": "application/json" }).end("{}");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closes.push(async () => server.close());
  const spans = () =>
    bodies.flatMap((body) =>
      (
        JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[] }
      ).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
    );
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies, headers, spans };
}

const flights = contract({
  name: "silver.flights",
  schema: defineSchema({ n: int(), origin: string() }),
  keys: ["n"],
  owner: "data@example.org",
});
const silver = task({
  into: flights,
  changes: { raw: "bronze.flights" },
  sql: "select n, origin from raw",
  write: append(),
});

async function bronze(): Promise<void> {
  const table = await lake.createTable("bronze.flights", { schema: flights.schema });
  await table.append([{ n: 1, origin: "HNL" }]);
}

test("while nobody listens there are no spans", async () => {
  expect(finishedSpans.hasSubscribers).toBe(false);
  await bronze();
});

test("a run of a pipeline is one trace, from its tasks to the requests to the store", async () => {
  await bronze();
  const spans = await spansOf(() => lake.pipeline.run([silver]));
  const [root] = spans.filter(({ parentSpanId }) => parentSpanId === undefined);
  expect(root?.name).toBe("pipeline.run");
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  const names = new Set(spans.map(({ name }) => name));
  for (const name of ["pipeline.task", "quality.publish", "quality.check", "iceberg.commit", "catalog.move"])
    expect(names).toContain(name);
  for (const name of ["query", "iceberg.plan", "storage.request"]) expect(names).toContain(name);
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  expect(byId.size).toBe(spans.length);
  for (const span of spans) {
    expect(span.traceId).toMatch(/^[0-9a-f]{32}$/);
    if (span === root) continue;
    const parent = byId.get(span.parentSpanId as string) as FinishedSpan;
    expect(parent, span.name).toBeDefined();
    expect(span.startTime).toBeGreaterThanOrEqual(parent.startTime - 1);
  }
  const commit = spans.find(({ name }) => name === "iceberg.commit") as FinishedSpan;
  const above: string[] = [];
  for (let at: FinishedSpan | undefined = commit; at; at = byId.get(at.parentSpanId ?? ""))
    above.push(at.name);
  expect(above.at(-1)).toBe("pipeline.run");
  expect(above).toContain("pipeline.task");
});

test("runs at the same time are traces of their own", async () => {
  await bronze();
  const spans = await spansOf(() =>
    Promise.all([1, 2, 3].map((n) => lake.sql(`select ${n} from bronze.flights`))),
  );
  const queries = spans.filter(({ name }) => name === "query");
  expect(new Set(queries.map(({ traceId }) => traceId)).size).toBe(3);
});

test("a span that failed has the code of its error", async () => {
  const spans = await spansOf(() => lake.sql("select * from nowhere.t").catch(() => undefined));
  expect(spans.find(({ name }) => name === "query")?.outcome).not.toBe("ok");
});

test("spans reach a collector, with their parents, and are sent before the lakehouse is closed", async () => {
  const { endpoint, spans, headers } = await collector();
  await lake.telemetry.sendTraces({ endpoint, authorization: "Bearer for-the-collector" });
  await bronze();
  await lake.pipeline.run([silver]);
  await lake.close();
  expect(headers[0]).toMatchObject({ authorization: "Bearer for-the-collector", path: "/v1/traces" });
  const sent = spans();
  const run = sent.find(({ name }) => name === "pipeline.run") as OtlpSpan;
  const child = sent.find(({ name }) => name === "pipeline.task") as OtlpSpan;
  expect(child).toMatchObject({ traceId: run.traceId, parentSpanId: run.spanId });
  const table = child.attributes.find(({ key }) => key === "sololakehouse.task")?.value.stringValue;
  expect(table).toBe("silver.flights");
  expect(finishedSpans.hasSubscribers).toBe(false);
});

test("a collector that is not there, or refuses, fails no work, and what is lost is counted", async () => {
  const { endpoint } = await collector(400);
  const { url } = await lake.telemetry.serve({ port: 0 });
  const { stop } = await lake.telemetry.sendTraces({ endpoint });
  await bronze();
  await stop();
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toMatch(/sololakehouse_telemetry_lost_total\{what="spans"\} [1-9]/);
  await expect(lake.telemetry.sendTraces({ endpoint: "collector:4318" })).rejects.toMatchObject({
    code: "INVALID_CONFIG",
  });
});

test("a request to a catalog's server goes on with its trace there", async () => {
  const home = await openLakehouse({ root: join(folder, "home") });
  closes.push(() => home.close());
  const server = await serveRestCatalog({ catalog: home.catalog as never, store: home.store, port: 0 });
  closes.push(() => server.close());
  const remote = await openLakehouse({
    root: join(folder, "away"),
    warehouse: home.store.root,
    catalog: `rest:${server.uri}`,
  });
  closes.push(() => remote.close());
  const spans = await spansOf(() =>
    remote.createTable("s.t", { schema: flights.schema }).catch((error: unknown) => error),
  );
  const served = spans.filter(({ name }) => name === "catalog.request");
  expect(served.length).toBeGreaterThan(0);
  for (const { traceId, parentSpanId } of served)
    expect(spans).toContainEqual(
      expect.objectContaining({ name: "catalog.call", traceId, spanId: parentSpanId }),
    );
});

test("events are lines of JSON, those of one run with one trace id, whether or not traces are sent", async () => {
  await bronze();
  const file = join(folder, "events.ndjson");
  const { stop } = await lake.telemetry.writeEvents({ to: file });
  await lake.pipeline.run([silver]);
  await stop();
  const lines = (await readFile(file, "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, string>);
  expect(new Set(lines.map(({ trace_id }) => trace_id)).size).toBe(1);
  const table = await lake.table("silver.flights");
  const commit = lines.find(({ event, table: of }) => event === "iceberg.commit" && of === table.location);
  expect(commit).toMatchObject({ level: "info", outcome: "ok", operation: "append" });
  expect(commit?.snapshotId).toBe(String(table.currentSnapshot?.snapshotId));
  expect(lines.some(({ event }) => event === "storage.request")).toBe(false);
  expect(finishedSpans.hasSubscribers).toBe(false);
});

test("what a line says of itself is not for an event to say", async () => {
  const file = join(folder, "events.ndjson");
  const { stop } = await lake.telemetry.writeEvents({ to: file });
  const channel = diagnostics.channel("sololakehouse:pipeline.run");
  channel.publish({
    event: "end",
    pid: 1,
    level: "none",
    time: "never",
    trace_id: "t",
    span_id: "s",
    tasks: 3,
  });
  await stop();
  const line = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
  expect(line).toMatchObject({ event: "pipeline.run", pid: process.pid, level: "info", tasks: 3 });
  expect(line.time).toMatch(/^\d{4}-/);
  expect(line).not.toHaveProperty("trace_id");
});

test("what a collector that never answers is sent is lost and counted, also what was too much to wait, and stopping does not fail", async () => {
  // Takes a connection, and never answers.
  const server = createServer(() => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { url } = await lake.telemetry.serve({ port: 0 });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { stop } = await lake.telemetry.sendTraces({ endpoint });
  const channel = eventChannel<{ n: number }>("test.flood");
  const MANY = 10_000;
  for (let n = 0; n < MANY; n++)
    await observe(
      channel,
      async () => n,
      () => ({ n }),
    );
  await stop();
  server.close();
  server.closeAllConnections();
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const lost = Number(/sololakehouse_telemetry_lost_total\{what="spans"\} (\d+)/.exec(metrics)?.[1]);
  expect(lost).toBeGreaterThanOrEqual(MANY);
});

test("what the environment asks for begins with a lakehouse and ends with the last; one process writes each line once", async () => {
  const file = join(folder, "events.ndjson");
  vi.stubEnv("SLH_EVENTS", file);
  vi.stubEnv("SLH_EVENTS_LEVEL", "debug");
  const [one, other] = await Promise.all([
    openLakehouse({ root: join(folder, "one") }),
    openLakehouse({ root: join(folder, "other") }),
  ]);
  await one.close();
  await other.sql("select 1");
  await other.close();
  const queries = (await readFile(file, "utf8"))
    .split("\n")
    .filter((line) => line.includes('"event":"query"'));
  expect(queries).toHaveLength(1);
  expect(finishedSpans.hasSubscribers).toBe(false);
  vi.stubEnv("SLH_EVENTS", join(folder, "no", "such", "folder"));
  await expect(openLakehouse({ root: join(folder, "one") })).rejects.toMatchObject({
    code: "INVALID_CONFIG",
  });
  vi.stubEnv("SLH_EVENTS", file);
  vi.stubEnv("SLH_EVENTS_LEVEL", "loud");
  await expect(openLakehouse({ root: join(folder, "one") })).rejects.toMatchObject({
    code: "INVALID_CONFIG",
  });
});

test("no secret is in events, spans or metrics, wherever one gets into an error", async () => {
  const secrets = ["canary-key-1b2c3d", "canary-token-9z8y", "canary-pass-5t5t"] as const;
  vi.stubEnv("SLH_S3_SECRET_ACCESS_KEY", secrets[0]);
  vi.stubEnv("SLH_CATALOG_CLIENT_TOKEN", secrets[1]);
  const { endpoint, bodies } = await collector();
  const file = join(folder, "events.ndjson");
  const { url } = await lake.telemetry.serve({ port: 0 });
  const events = await lake.telemetry.writeEvents({ to: file, level: "debug" });
  const traces = await lake.telemetry.sendTraces({ endpoint });
  await bronze();
  for (const secret of secrets) {
    await lake.sql(`select '${secret}' as s`);
    await lake.sql(`select * from "${secret}"."t"`).catch(() => undefined);
    await lake.store.read(`${lake.store.root}/u?token=${secret}`).catch(() => undefined);
    await lake.store.read(`s3://user:${secret}@bucket/key`).catch(() => undefined);
  }
  await lake.sql("select * from bronze.flights where origin = 'canary-value'");
  const metrics = await (await fetch(`${url}/metrics`)).text();
  await events.stop();
  await traces.stop();
  const told = [await readFile(file, "utf8"), ...bodies, metrics].join("\n");
  expect(told).toContain("storage.request");
  expect(told).not.toContain("canary");
});

test("a disk that is full fails no work", async () => {
  await writeFile(join(folder, "x"), "");
  const { url } = await lake.telemetry.serve({ port: 0 });
  const { stop } = await lake.telemetry.writeEvents({ to: "/dev/full" });
  await bronze();
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toMatch(/sololakehouse_telemetry_lost_total\{what="events"\} [1-9]/);
  await stop();
});

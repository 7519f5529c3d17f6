import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineSchema, int, type Lakehouse, openLakehouse } from "sololakehouse";
import { branchingOf, openRestCatalog, serveRestCatalog } from "sololakehouse/catalog";
import { connectLog, serveGrpc, serveSchemaRegistry } from "sololakehouse/log";
import { S3Store } from "sololakehouse/storage";
import { expect, onTestFinished, test, vi } from "vitest";
import { isLakehouseError } from "../../lib/lakehouse/errors.js";

/** A secret of its own for each place, so that one that is found says where it came from. */
const canary = (place: string) => `canary-${place}-Zx81`;

async function lakeIn(folder: string): Promise<Lakehouse> {
  const lake = await openLakehouse({ root: folder });
  onTestFinished(() => lake.close());
  return lake;
}

/** What a program would print of an error: all that it says, and what caused it. */
function shown(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { subject, remedy } = isLakehouseError(error) ? error : { subject: "", remedy: "" };
  return [error.stack, subject, remedy, error.cause === undefined ? "" : shown(error.cause)].join("\n");
}

test("no secret of a store, a catalog, a log, a registry or a listener is in what leaves, or in errors", async () => {
  const folder = await mkdtemp(join(tmpdir(), "slh-canaries-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  vi.stubEnv("SLH_TRACES_AUTHORIZATION", `Bearer ${canary("traces")}`);
  onTestFinished(() => void vi.unstubAllEnvs());
  const bodies: string[] = [];
  const collector = createServer((request, response) => {
    request.on("data", (chunk: Buffer) => bodies.push(chunk.toString()));
    request.on("end", () => response.end("{}"));
  });
  collector.listen(0, "127.0.0.1");
  await once(collector, "listening");
  onTestFinished(() => void collector.close());
  const address = `127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const lake = await lakeIn(join(folder, "lake"));
  const file = join(folder, "events.ndjson");
  const telemetry = await lake.telemetry.serve({ port: 0, token: canary("telemetry") });
  const events = await lake.telemetry.writeEvents({ to: file, level: "debug" });
  const traces = await lake.telemetry.sendTraces({
    endpoint: `http://${address}`,
    authorization: `Bearer ${canary("collector")}`,
  });
  const said: string[] = [];
  /** Does something that may fail, and keeps what is said of it. */
  const attempt = async (work: () => unknown) => {
    try {
      await work();
    } catch (error) {
      said.push(shown(error));
    }
  };

  // A store whose keys are wrong, and whose address has a password.
  for (const endpoint of [`http://${address}`, `http://user:${canary("endpoint")}@127.0.0.1:9`])
    await attempt(async () => {
      const store = new S3Store("s3://bucket/prefix", {
        endpoint,
        retryLimitMs: 0,
        timeoutMs: 2000,
        credentials: {
          accessKeyId: canary("key-id"),
          secretAccessKey: canary("key"),
          sessionToken: canary("session"),
        },
      });
      await store.read(`${store.root}/x`);
    });
  // Catalogs elsewhere, with passwords in their addresses.
  for (const catalog of [
    `rest:http://user:${canary("rest")}@127.0.0.1:9`,
    `nessie:http://user:${canary("nessie")}@127.0.0.1:9/api/v2`,
    `etcd://user:${canary("etcd")}@127.0.0.1:9`,
    `etcd:user:${canary("etcd-typo")}@127.0.0.1:9`,
    `mongo://user:${canary("scheme")}@127.0.0.1:9`,
  ])
    await attempt(async () => (await openLakehouse({ root: join(folder, "other"), catalog })).close());
  // Our catalog's server, with tokens and clients right and wrong.
  const served = await serveRestCatalog({
    catalog: branchingOf(lake.catalog),
    store: lake.store,
    port: 0,
    auth: { tokens: [canary("token")], clients: { ada: canary("client") } },
    clientCredentials: { "s3.secret-access-key": canary("vended") },
  });
  onTestFinished(() => served.close());
  for (const auth of [
    { token: canary("token") },
    { token: canary("wrong-token") },
    { credential: `ada:${canary("client")}` },
    { credential: `ada:${canary("wrong-client")}` },
  ])
    await attempt(async () => {
      const catalog = await openRestCatalog({ uri: served.uri, store: lake.store, ...auth });
      await catalog.createNamespace("n");
      await catalog.loadTable("n.nothing");
    });
  for (const path of [`/v1/config?token=${canary("query")}`, `/v1/${canary("token")}/namespaces`])
    await attempt(() =>
      fetch(served.uri + path, { headers: { authorization: `Bearer ${canary("token")}` } }),
    );
  // The log's servers, with passwords right and wrong.
  await lake.log.security.setUser("alice", { password: canary("password"), isAdmin: true });
  const grpc = await serveGrpc(lake.log, {});
  onTestFinished(() => grpc.close());
  const registry = await serveSchemaRegistry({ registry: lake.log.schemas, port: 0 });
  onTestFinished(() => registry.close());
  for (const password of [canary("password"), canary("wrong-password")]) {
    await attempt(async () =>
      (await connectLog(grpc.url, { credentials: { user: "alice", password } })).close(),
    );
    const authorization = `Basic ${Buffer.from(`alice:${password}`).toString("base64")}`;
    await attempt(() => fetch(`${registry.uri}/subjects`, { headers: { authorization } }));
  }
  // Listeners that are asked for wrongly.
  for (const endpoint of [`http://user:${canary("traces-url")}@${address}`, `ftp://${canary("traces-typo")}`])
    await attempt(() => lake.telemetry.sendTraces({ endpoint }));
  await lake.createTable("s.t", { schema: defineSchema({ n: int() }) });

  const headers = { authorization: `Bearer ${canary("telemetry")}` };
  const pages = await Promise.all(
    ["/metrics", "/health", "/ready", "/"].map(async (path) =>
      (await fetch(telemetry.url + path, { headers })).text(),
    ),
  );
  const refused = await fetch(`${telemetry.url}/metrics?token=${canary("telemetry")}`);
  pages.push(await refused.text());
  expect(refused.status).toBe(401);
  await events.stop();
  await traces.stop();
  const lines = await readFile(file, "utf8");
  for (const event of ["storage.request", "catalog.request", "log.authentication"])
    expect(lines).toContain(`"event":"${event}"`);
  expect(bodies.join("")).toContain("storage.request");
  const told = { lines, spans: bodies.join("\n"), pages: pages.join("\n"), errors: said.join("\n") };
  for (const [where, text] of Object.entries(told)) {
    const found = [...text.matchAll(/canary-[a-z-]*Zx81/g)].map(([secret]) => secret);
    expect([...new Set(found)], where).toEqual([]);
  }
  expect(said.length).toBeGreaterThan(8);
});

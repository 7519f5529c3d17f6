import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { openCatalog, serveRestCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import type { ChildProgram } from "../../storage/child.js";
import { finalReads, historyClient, outcomes, prepare, toHistory, violationOf } from "../support/history.js";
import { killUnderLoad } from "../support/kills.js";

let client: ChildProgram;
beforeAll(async () => {
  client = await historyClient();
});
afterAll(() => client.dispose());

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "catalog-history-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test("processes on one SQLite file see one order of commits, though their clocks jump and one is killed", async () => {
  const [backend, warehouse] = [join(directory, "catalog.db"), join(directory, "warehouse")];
  const catalog = await openCatalog({ backend, store: new LocalStore(warehouse) });
  await prepare(catalog);
  const clients = ["a", "b", "c", "d"].map((name) =>
    client.start(backend, warehouse, name, "1000", "jumping"),
  );
  while (clients.some(({ output }) => output() === "")) await sleep(20);
  await sleep(500);
  clients[3]?.process.kill("SIGKILL");
  await Promise.allSettled(clients.map(({ done }) => done));
  const history = [...toHistory(clients.map((each) => each.output())), ...(await finalReads(catalog))];
  await catalog.close();
  await Promise.all(clients.slice(0, 3).map(({ done }) => done));
  expect(violationOf(history)).toBeUndefined();
  expect(outcomes(history).committed).toBeGreaterThan(20);
  expect(outcomes(history).conflict).toBeGreaterThan(5);
});

test("clients of one server see one order of commits", async () => {
  const [backend, warehouse] = [join(directory, "catalog.db"), join(directory, "warehouse")];
  const store = new LocalStore(warehouse);
  const catalog = await openCatalog({ backend, store });
  await prepare(catalog);
  const server = await serveRestCatalog({ catalog, store, port: 0 });
  const clients = ["a", "b", "c"].map((name) => client.start(server.uri, warehouse, name, "1000", "steady"));
  // Another process beside the server, on the same catalog.
  clients.push(client.start(backend, warehouse, "d", "1000", "jumping"));
  const outputs = await Promise.all(clients.map(({ done }) => done));
  const history = [...toHistory(outputs), ...(await finalReads(catalog))];
  await server.close();
  await catalog.close();
  expect(violationOf(history)).toBeUndefined();
  expect(outcomes(history).committed).toBeGreaterThan(20);
  expect(outcomes(history).conflict).toBeGreaterThan(5);
});

test("a server that is killed again and again under load loses no commit, and leaves none half done", async () => {
  await killUnderLoad(client, directory, 6);
});

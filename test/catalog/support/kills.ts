import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { openCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { type ChildProgram, childProgram } from "../../storage/child.js";
import { finalReads, outcomes, prepare, toHistory, violationOf } from "./history.js";

const SERVER = `
const [backend, warehouse, port] = args;
const store = new storage.LocalStore(warehouse);
const lake = await catalog.openCatalog({ backend, store });
await catalog.serveRestCatalog({ catalog: lake, store, port: Number(port) });
console.log("ready");
`;

/** Kills a server (SIGKILL) while clients work on it, so many times, and holds what they saw against the model. */
export async function killUnderLoad(client: ChildProgram, directory: string, kills: number): Promise<void> {
  const program = await childProgram(SERVER, ["storage", "parquet", "iceberg", "catalog"]);
  const [backend, warehouse] = [join(directory, "catalog.db"), join(directory, "warehouse")];
  const catalog = await openCatalog({ backend, store: new LocalStore(warehouse) });
  await prepare(catalog);
  const port = String(await freePort());
  let server = program.start(backend, warehouse, port);
  await server.printed("ready");
  const clients = ["a", "b", "c"].map((name) =>
    client.start(`http://127.0.0.1:${port}`, warehouse, name, "3600000", "steady"),
  );
  try {
    while (clients.some(({ output }) => output() === "")) await sleep(20);
    for (let kill = 0; kill < kills; kill++) {
      const before = committedBy(clients);
      // Some commits have to go through between two kills, and each kill comes at another moment of one.
      while (committedBy(clients) < before + 3) {
        await sleep(20);
        for (const { process, done } of clients) if (process.exitCode !== null) await done;
      }
      await sleep(Math.random() * 30);
      server.process.kill("SIGKILL");
      await server.done.catch(() => undefined);
      server = program.start(backend, warehouse, port);
      await server.printed("ready");
    }
    for (const { process } of clients) process.kill("SIGTERM");
    await Promise.allSettled(clients.map(({ done }) => done));
    const history = [...historyOf(clients), ...(await finalReads(catalog))];
    expect(violationOf(history)).toBeUndefined();
  } finally {
    for (const { process } of [...clients, server]) process.kill("SIGKILL");
    await catalog.close();
    await program.dispose();
  }
}

type Printing = readonly { output(): string }[];

const historyOf = (clients: Printing) => toHistory(clients.map(({ output }) => output()));

/** Not what they print: they print the most while there is no server to answer. */
const committedBy = (clients: Printing): number => outcomes(historyOf(clients)).committed;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

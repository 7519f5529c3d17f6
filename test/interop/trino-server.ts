import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { programOf, SERVICES, trinoConfig } from "../../lib/kit/stack/index.js";
import { type TrinoClient, trinoAt } from "./trino-client.js";

export { needsTrino } from "./trino-client.js";

/** Trino itself, one server, which is given its catalogs by SQL: `CREATE CATALOG`. */
export interface Trino extends TrinoClient {
  stop(): Promise<void>;
}

/** Starts the stack's Trino on a port of its own, with its data in a folder for temporary files. */
export async function startTrino(): Promise<Trino> {
  const folder = await mkdtemp(join(tmpdir(), "slh-trino-"));
  const port = await freePort();
  const uri = `http://127.0.0.1:${port}`;
  const config = join(folder, "config.properties");
  await writeFile(
    config,
    trinoConfig({
      listen: "127.0.0.1",
      address: "127.0.0.1",
      port,
      coordinator: uri,
      isCoordinator: true,
      more: {
        "catalog.management": "dynamic",
        "catalog.store": "memory",
        "query.max-memory-per-node": "512MB",
      },
    }),
  );
  await mkdir(join(folder, "data"));
  const [java = "", ...options] = programOf("trino", SERVICES.trino.packages);
  const child = spawn(java, ["-Xmx1536m", `-Dconfig=${config}`, ...options], {
    cwd: join(folder, "data"),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-5_000);
    });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  for (;;) {
    if (child.exitCode !== null) throw new Error(`Trino did not start:\n${said}`);
    const info = await fetch(`${uri}/v1/info`).then(
      (answer) => answer.json() as Promise<{ starting: boolean }>,
      () => undefined,
    );
    if (info?.starting === false) break;
    await sleep(100);
  }
  return {
    ...trinoAt(uri),
    // What it has is thrown away: it need not put it in order first.
    stop: async () => {
      kill();
      process.off("exit", kill);
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

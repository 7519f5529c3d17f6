import { type ChildProcess, spawn } from "node:child_process";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { MLFLOW_ENV, mlflowArguments } from "../../lib/kit/stack/index.js";
import { mlflowPython } from "./installed.js";

/** MLflow's own server over a database, with its artifacts in a folder. */
export class MlflowServer {
  readonly uri: string;
  readonly #child: ChildProcess;

  private constructor(uri: string, child: ChildProcess) {
    this.uri = uri;
    this.#child = child;
  }

  /** @param database path of a SQLite file. */
  static async start(database: string, artifacts?: string): Promise<MlflowServer> {
    const port = await freePort();
    const uri = `http://127.0.0.1:${port}`;
    const child = spawn(
      mlflowPython,
      ["-m", "mlflow", ...mlflowArguments({ listen: "127.0.0.1", port, database, artifacts })],
      { env: { ...process.env, ...MLFLOW_ENV }, stdio: ["ignore", "pipe", "pipe"], detached: true },
    );
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => {
        said = (said + chunk.toString()).slice(-10_000);
      });
    for (;;) {
      if (child.exitCode !== null) throw new Error(`MLflow's server ended:\n${said}`);
      const isUp = await fetch(`${uri}/health`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (isUp) return new MlflowServer(uri, child);
      await sleep(200);
    }
  }

  /** Ends it and its workers. */
  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    if (this.#child.exitCode !== null) return;
    process.kill(-(this.#child.pid as number), "SIGTERM");
    await ended;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("../../scripts/nessie.mjs", import.meta.url));

/** Nessie itself, with an in-memory store. */
export interface NessieServer {
  /** `http://127.0.0.1:port` */
  readonly uri: string;
  stop(): Promise<void>;
}

export async function startNessie(): Promise<NessieServer> {
  const child = spawn(process.execPath, [script], { stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-5000);
  });
  const first = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  if (first.done) throw new Error(`Nessie did not start:\n${said}`);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return {
    uri: first.value,
    stop: () => {
      child.stdin.end();
      return ended;
    },
  };
}

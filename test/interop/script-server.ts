import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A server of somebody else's, in a process of its own. */
export interface ScriptServer {
  /** `http://127.0.0.1:port` */
  readonly uri: string;
  stop(): Promise<void>;
}

/** Starts one of scripts/, which prints its server's URI once that answers, and ends with its standard input. */
export async function startScript(name: string): Promise<ScriptServer> {
  const script = fileURLToPath(new URL(`../../scripts/${name}.mjs`, import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-5000);
  });
  const first = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  if (first.done) throw new Error(`${name} did not start:\n${said}`);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return {
    uri: first.value,
    stop: () => {
      child.stdin.end();
      return ended;
    },
  };
}

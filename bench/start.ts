import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Bench, type Measurement, seconds } from "./harness.js";

export const bench: Bench = {
  about:
    "From the start of a process to its first use: the command's help; a lakehouse opened and its tables listed; the catalog's server up to its first answer, and the memory that it has then. Beside them PyIceberg's command, and its SQLite catalog opened and its tables listed; it has no server. Aim: help and server within 300 ms, the server below 150 MB.",
  contenders: [
    { name: "ours", run },
    { name: "PyIceberg", python: "start.py" },
  ],
};

const slh = fileURLToPath(new URL("../../lib/kit/bin/slh.js", import.meta.url));
const open = `import { openLakehouse } from "sololakehouse";
const lake = await openLakehouse({ root: process.argv[1], profile: "embedded" });
await lake.tables();
await lake.close();`;

async function run(): Promise<Measurement> {
  const root = await mkdtemp(join(tmpdir(), "bench-start-"));
  try {
    const help = await seconds(() => ended(node([slh, "--help"], root)));
    const opened = await seconds(() => ended(node(["--input-type=module", "-e", open, root], root)));
    return { helpMs: help * 1000, openMs: opened * 1000, ...(await serve(root)) };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** Starts the server, and asks it for its configuration as soon as it says where it is. */
async function serve(root: string): Promise<Measurement> {
  let server: ChildProcess | undefined;
  const time = await seconds(async () => {
    server = node([slh, "catalog", "serve", "--port", "0"], root);
    const uri = await new Promise<string>((resolve, reject) => {
      let text = "";
      server?.stdout?.on("data", (chunk) => {
        text += chunk;
        const found = /http:\/\/[\d.]+:\d+/.exec(text);
        if (found) resolve(found[0]);
      });
      server?.on("close", () => reject(new Error(`The server ended: ${text}`)));
    });
    const answer = await fetch(`${uri}/iceberg/v1/config`);
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    await answer.text();
  });
  const status = readFileSync(`/proc/${server?.pid}/status`, "utf8");
  const memory = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
  if (server) {
    server.removeAllListeners("close");
    const end = new Promise((resolve) => server?.on("close", resolve));
    server.kill("SIGTERM");
    await end;
  }
  return { serveMs: time * 1000, serverRssMiB: memory };
}

function node(args: readonly string[], lake: string): ChildProcess {
  const env = { ...process.env, SLH_PROFILE: "embedded", SLH_LAKE: lake };
  return spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "inherit"] });
}

function ended(child: ChildProcess): Promise<void> {
  child.stdout?.resume();
  return new Promise((resolve, reject) => {
    child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(`It ended with code ${code}`))));
  });
}

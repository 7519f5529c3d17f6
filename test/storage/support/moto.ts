import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import path from "node:path";
import { promisify } from "node:util";
import { exclusively, userCache } from "../../../scripts/places.mjs";
import type { S3Credentials, S3Service } from "./s3-server.js";

const run = promisify(execFile);
const MOTO = "moto[server]==5.2.5";

/** moto looks at conditions when a multipart upload begins or not at all, and takes a newline for the end of a URL. */
const GAPS = [
  "conditions hold for them too",
  "of 4 racing large ifAbsent exactly one wins",
  '"tab\\tand newline\\n" is a key like any other',
];

/** Starts moto's server on a free port, in a process that ends with this one. It takes any credentials. */
export async function startMoto(credentials: S3Credentials): Promise<S3Service> {
  const python = path.join(await install(), "bin", "python");
  const port = await freePort();
  const child = spawn(python, ["-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)], {
    stdio: "ignore",
  });
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const kill = () => void child.kill("SIGKILL");
  process.once("exit", kill);
  return {
    name: "moto",
    endpoint: `http://127.0.0.1:${port}`,
    ...credentials,
    gaps: GAPS,
    ended,
    stop: async () => {
      kill();
      process.off("exit", kill);
      await ended;
    },
  };
}

/**
 * The virtual environment with moto in the user's cache folder; where it is missing, it is made in a temporary
 * directory and moved there. One process installs, the others wait for it.
 */
async function install(): Promise<string> {
  const target = path.join(userCache(), `moto-${MOTO.split("==")[1]}`);
  await exclusively(`${target}.lock`, async () => {
    if (existsSync(target)) return;
    const directory = await mkdtemp(path.join(userCache(), "install-"));
    try {
      await run("python3", ["-m", "venv", directory]);
      const python = path.join(directory, "bin", "python");
      await run(python, ["-m", "pip", "install", "-q", MOTO]);
      await rename(directory, target);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
  return target;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

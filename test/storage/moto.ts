import { execFile, spawn } from "node:child_process";
import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { S3Credentials, S3Service } from "./s3-server.js";

const run = promisify(execFile);
const CACHE = fileURLToPath(new URL("../../.cache/", import.meta.url));
const MOTO = "moto[server]==5.2.5";

/** moto looks at conditions when a multipart upload begins or not at all, and takes a newline for the end of a URL. */
const GAPS = [
  "conditions hold for them too",
  "of 4 racing large ifAbsent exactly one wins",
  '"tab\\tand newline\\n" is a key like any other',
];

/** Starts moto's server on a free port, in a process that ends with this one. It takes any credentials. */
export async function startMoto(credentials: S3Credentials): Promise<S3Service> {
  const python = path.join(await install(`moto-${MOTO.split("==")[1]}`), "bin", "python");
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
 * The virtual environment `.cache/<name>`; where it is missing, it is made in a temporary directory and moved
 * there. Test files run at the same time: one installs, the others wait for it.
 */
async function install(name: string): Promise<string> {
  const target = path.join(CACHE, name);
  const lock = `${target}.installing`;
  await mkdir(CACHE, { recursive: true });
  while (!(await exists(target))) {
    if (!(await claim(lock))) {
      await sleep(300);
      continue;
    }
    const directory = await mkdtemp(path.join(CACHE, "install-"));
    try {
      await run("python3", ["-m", "venv", directory], { timeout: 60_000 });
      const python = path.join(directory, "bin", "python");
      await run(python, ["-m", "pip", "install", "-q", MOTO], { timeout: 180_000 });
      await rename(directory, target);
    } finally {
      await rm(directory, { recursive: true, force: true });
      await rm(lock, { force: true });
    }
  }
  return target;
}

/** True for the one process that may go on; a claim of a dead process counts no more. */
async function claim(lock: string): Promise<boolean> {
  try {
    await writeFile(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch {
    const owner = Number(await readFile(lock, "utf8").catch(() => "0"));
    if (owner > 0 && !isAlive(owner)) await rm(lock, { force: true });
    return false;
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

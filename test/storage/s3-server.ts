import { execFile, spawn } from "node:child_process";
import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { BucketAlreadyOwnedByYou, CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";

export interface S3Server {
  /** What it is, for the names of tests. */
  readonly name: string;
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly bucket: string;
  /** Names of conformance tests that this server fails by its own fault. */
  readonly gaps: readonly string[];
  stop(): Promise<void>;
}

export interface NoS3Server {
  /** Why, in one line. It has been said on the console as well. */
  readonly unavailable: string;
}

const run = promisify(execFile);
const CACHE = fileURLToPath(new URL("../../.cache/", import.meta.url));
const VERSITYGW = "github.com/versity/versitygw/cmd/versitygw@v1.8.0";
const MOTO = "moto[server]==5.2.5";
const CREDENTIALS = { accessKeyId: "slhtest", secretAccessKey: "slhtestsecret" };

/** moto looks at conditions when a multipart upload begins or not at all, and takes a newline for the end of a URL. */
const MOTO_GAPS = [
  "conditions hold for them too",
  "of 4 racing large ifAbsent exactly one wins",
  '"tab\\tand newline\\n" is a key like any other',
];

/**
 * Starts an S3 server that is not ours, the first of these that can run here:
 *
 * 1. `SLH_TEST_S3_ENDPOINT`, with `SLH_TEST_S3_ACCESS_KEY_ID` and `SLH_TEST_S3_SECRET_ACCESS_KEY`: one that runs
 *    already, such as the SeaweedFS of `deploy/compose`;
 * 2. Versity's S3 gateway, which passes the whole suite and verifies signatures: from `.cache/bin` or the PATH;
 *    `SLH_TEST_S3=versitygw` builds it with Go first, which takes minutes, once;
 * 3. moto, in a virtual environment below `.cache`, wherever python3 is: quick to get, with known gaps.
 *
 * @example
 * const server = await startS3Server();
 * if ("unavailable" in server) … // skip, by name
 */
export async function startS3Server(): Promise<S3Server | NoS3Server> {
  const reasons: string[] = [];
  for (const start of [fromEnvironment, startVersity, startMoto]) {
    const server = await start().catch((error: unknown) => {
      reasons.push(error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error));
      return undefined;
    });
    if (server !== undefined) return server;
  }
  const unavailable = `no S3 server can run here (${reasons.join("; ")}). Install python3 or Go, or set SLH_TEST_S3_ENDPOINT.`;
  process.stderr.write(
    `\n${"!".repeat(80)}\n!! S3 IS NOT TESTED against a real server: ${unavailable}\n${"!".repeat(80)}\n\n`,
  );
  return { unavailable };
}

async function fromEnvironment(): Promise<S3Server | undefined> {
  const endpoint = process.env.SLH_TEST_S3_ENDPOINT;
  if (!endpoint) return undefined;
  const credentials = {
    accessKeyId: process.env.SLH_TEST_S3_ACCESS_KEY_ID ?? "",
    secretAccessKey: process.env.SLH_TEST_S3_SECRET_ACCESS_KEY ?? "",
  };
  const bucket = await createBucket(endpoint, credentials);
  return { name: endpoint, endpoint, ...credentials, bucket, gaps: [], stop: async () => {} };
}

async function startVersity(): Promise<S3Server> {
  const binary = await findVersity();
  const data = await mkdtemp(path.join(os.tmpdir(), "slh-versitygw-"));
  return serve({
    name: "versitygw",
    gaps: [],
    command: binary,
    args: (port) => ["--port", `127.0.0.1:${port}`, "posix", data],
    env: { ROOT_ACCESS_KEY: CREDENTIALS.accessKeyId, ROOT_SECRET_KEY: CREDENTIALS.secretAccessKey },
    cleanUp: () => rm(data, { recursive: true, force: true }),
  });
}

async function findVersity(): Promise<string> {
  const cached = path.join(CACHE, "bin", "versitygw");
  if (await exists(cached)) return cached;
  const installed = await run("which", ["versitygw"]).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
  if (installed) return installed;
  if (process.env.SLH_TEST_S3 !== "versitygw") throw new Error("versitygw is not installed");
  return install("bin/versitygw", async (directory) => {
    await run("go", ["install", VERSITYGW], {
      env: { ...process.env, GOBIN: directory },
      timeout: 15 * 60_000,
    });
    return path.join(directory, "versitygw");
  });
}

async function startMoto(): Promise<S3Server> {
  const venv = await install(`moto-${MOTO.split("==")[1]}`, async (directory) => {
    await run("python3", ["-m", "venv", directory], { timeout: 60_000 });
    await run(path.join(directory, "bin", "python"), ["-m", "pip", "install", "-q", MOTO], {
      timeout: 180_000,
    });
    return directory;
  });
  return serve({
    name: "moto",
    gaps: MOTO_GAPS,
    command: path.join(venv, "bin", "python"),
    args: (port) => ["-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)],
    env: {},
    cleanUp: async () => {},
  });
}

interface Service {
  readonly name: string;
  readonly gaps: readonly string[];
  readonly command: string;
  args(port: number): string[];
  readonly env: Readonly<Record<string, string>>;
  cleanUp(): Promise<void>;
}

/** Starts a server on a free port, in a process that ends with this one, and waits until it answers. */
async function serve(service: Service): Promise<S3Server> {
  const port = await freePort();
  const child = spawn(service.command, service.args(port), {
    env: { ...process.env, ...service.env },
    stdio: "ignore",
  });
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const kill = () => void child.kill("SIGKILL");
  process.once("exit", kill);
  const stop = async () => {
    kill();
    process.off("exit", kill);
    await ended;
    await service.cleanUp();
  };
  try {
    const endpoint = `http://127.0.0.1:${port}`;
    const gone = ended.then(() => Promise.reject(new Error(`${service.name} ended at once`)));
    const bucket = await Promise.race([waitFor(() => createBucket(endpoint, CREDENTIALS)), gone]);
    return { name: service.name, gaps: service.gaps, endpoint, ...CREDENTIALS, bucket, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * `.cache/<name>`; where it is missing, `make` makes it in a temporary directory and tells what to move there.
 * Test files run at the same time: one installs, the others wait for it.
 */
async function install(name: string, make: (directory: string) => Promise<string>): Promise<string> {
  const target = path.join(CACHE, name);
  const lock = `${target}.installing`;
  await mkdir(path.dirname(target), { recursive: true });
  while (!(await exists(target))) {
    if (!(await claim(lock))) {
      await sleep(300);
      continue;
    }
    const directory = await mkdtemp(path.join(CACHE, "install-"));
    try {
      await rename(await make(directory), target);
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

async function createBucket(endpoint: string, credentials: typeof CREDENTIALS): Promise<string> {
  const client = new S3Client({
    endpoint,
    credentials,
    region: "us-east-1",
    forcePathStyle: true,
    maxAttempts: 1,
  });
  const bucket = "slh-test";
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
  } catch (error) {
    if (!(error instanceof BucketAlreadyOwnedByYou)) throw error;
  } finally {
    client.destroy();
  }
  return bucket;
}

async function waitFor<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (tries === 150) throw error;
      await sleep(200);
    }
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

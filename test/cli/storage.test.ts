import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openLakehouse } from "sololakehouse";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { S3Store } from "../../lib/lakehouse/storage/index.js";
import { slhInProcess } from "./in-process.js";

const SLH = fileURLToPath(new URL("../../lib/lakehouse/bin/slh.js", import.meta.url));
const KEY = { SLH_STORAGE_ACCESS_KEY_ID: "ada", SLH_STORAGE_SECRET_ACCESS_KEY: "lovelace" };

let root: string;
let child: ChildProcess;
let output: string;
let ended: Promise<number | null>;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "slh-storage-"));
  await (await openLakehouse({ root: join(root, "lake") })).close();
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

/** Starts `slh storage serve`; resolves with where the bucket is and the key that it printed, when it says so. */
function serve(args: readonly string[] = [], env: Record<string, string> = {}) {
  output = "";
  child = spawn(process.execPath, [SLH, "storage", "serve", "--port", "0", ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1", SLH_LAKE: join(root, "lake"), ...env },
  });
  ended = new Promise((resolve) => child.on("close", resolve));
  return new Promise<{ endpoint: string; accessKeyId: string; secretAccessKey: string }>(
    (resolve, reject) => {
      const hear = (text: Buffer): void => {
        output += text.toString();
        if (!output.includes("Ctrl-C")) return;
        const [, endpoint = ""] = / at (http\S+)\.\n/.exec(output) ?? [];
        const [, accessKeyId = ""] = /access key id +(\S+)/.exec(output) ?? [];
        const [, secretAccessKey = ""] = /secret access key +(\S+)/.exec(output) ?? [];
        resolve({ endpoint, accessKeyId, secretAccessKey });
      };
      child.stdout?.on("data", hear);
      child.stderr?.on("data", hear);
      void ended.then(() => reject(new Error(`slh has ended: ${output}`)));
    },
  );
}

describe("slh storage serve", () => {
  afterEach(async () => {
    child.kill("SIGKILL");
    await ended;
  });

  test("serves the warehouse to an S3 client that has the key that it printed, until it is stopped", async () => {
    const { endpoint, ...credentials } = await serve();
    const store = new S3Store("s3://lake", { endpoint, credentials });
    await store.put("s3://lake/a/b.txt", Buffer.from("put by a client"), { ifAbsent: true });
    expect(await readFile(join(root, "lake/warehouse/a/b.txt"), "utf8")).toBe("put by a client");
    await writeFile(join(root, "lake/warehouse/a/c.txt"), "written beside it");
    expect(Buffer.from(await store.read("s3://lake/a/c.txt")).toString()).toBe("written beside it");

    const stranger = { accessKeyId: credentials.accessKeyId, secretAccessKey: "guessed" };
    await expect(
      new S3Store("s3://lake", { endpoint, credentials: stranger }).read("s3://lake/a/b.txt"),
    ).rejects.toMatchObject({ code: "STORAGE_FAILED" });

    child.kill("SIGINT");
    expect(await ended, output).toBe(0);
  });

  test("serves a folder with the key of the environment, whose secret it does not print", async () => {
    await mkdir(join(root, "data"));
    await writeFile(join(root, "data/x.csv"), "1,2\n");
    const { endpoint } = await serve(["data", "--bucket", "data", "--host", "0.0.0.0"], KEY);
    expect(output).toContain("ada");
    expect(output).not.toContain("lovelace");
    const credentials = { accessKeyId: "ada", secretAccessKey: "lovelace" };
    const store = new S3Store("s3://data", {
      endpoint: endpoint.replace("0.0.0.0", "127.0.0.1"),
      credentials,
    });
    expect(Buffer.from(await store.read("s3://data/x.csv")).toString()).toBe("1,2\n");
    child.kill("SIGTERM");
    expect(await ended, output).toBe(0);
  });
});

describe("slh storage serve refuses", () => {
  test.each([
    [["--host", "0.0.0.0"], 1, "SLH_STORAGE_ACCESS_KEY_ID"],
    [["nowhere"], 1, "There is no folder nowhere."],
    [["--port", "99999"], 2, "0 to 65535"],
    [[".", "--bucket", "No_Bucket"], 1, "is no bucket name"],
  ])("%j", async (args, code, message) => {
    const ran = await slhInProcess(["storage", "serve", ...args], root);
    expect(ran.err).toContain(message);
    expect(ran.code).toBe(code);
  });

  test("half a key", async () => {
    process.env.SLH_STORAGE_ACCESS_KEY_ID = "ada";
    try {
      const { code, err } = await slhInProcess(["storage", "serve", "."], root);
      expect(err).toContain("SLH_STORAGE_SECRET_ACCESS_KEY: is missing");
      expect(code).toBe(1);
    } finally {
      delete process.env.SLH_STORAGE_ACCESS_KEY_ID;
    }
  });
});

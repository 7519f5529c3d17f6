import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openLakehouse } from "sololakehouse";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openRestCatalog } from "../../lib/lakehouse/catalog/index.js";

const SLH = fileURLToPath(new URL("../../lib/lakehouse/bin/slh.js", import.meta.url));

let root: string;
let child: ChildProcess;
let output: string;
let ended: Promise<number | null>;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "slh-catalog-"));
  await (await openLakehouse({ root: join(root, "lake") })).close();
});
afterEach(async () => {
  child.kill("SIGKILL");
  await ended;
  await rm(root, { recursive: true, force: true });
});

/** Starts `slh catalog serve`; resolves when it says where the catalog is, or ends. */
function serve(args: readonly string[] = [], env: Record<string, string> = {}): Promise<string> {
  output = "";
  child = spawn(process.execPath, [SLH, "catalog", "serve", "--port", "0", ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1", SLH_LAKE: join(root, "lake"), ...env },
  });
  ended = new Promise((resolve) => child.on("close", resolve));
  return new Promise((resolve) => {
    const hear = (text: Buffer): void => {
      output += text.toString();
      const [, uri] = /The catalog is at (\S+),/.exec(output) ?? [];
      if (uri !== undefined) resolve(uri);
    };
    child.stdout?.on("data", hear);
    child.stderr?.on("data", hear);
    void ended.then(() => resolve(""));
  });
}

describe("slh catalog serve", () => {
  test("serves the lake until it is stopped, and keeps what was committed", async () => {
    const catalog = await openRestCatalog({ uri: await serve() });
    await catalog.createNamespace("flights");
    child.kill("SIGTERM");
    expect(await ended, output).toBe(0);
    const again = await openRestCatalog({ uri: await serve() });
    expect(await again.listNamespaces()).toEqual([["flights"]]);
    child.kill("SIGINT");
    expect(await ended, output).toBe(0);
  });

  test("asks for a token where others can reach it", async () => {
    await serve(["--host", "0.0.0.0"]);
    expect(await ended).toBe(1);
    expect(output).toContain("token");
    const uri = (await serve(["--host", "0.0.0.0"], { SLH_CATALOG_CREDENTIAL: "ada:lovelace" })).replace(
      "0.0.0.0",
      "127.0.0.1",
    );
    await expect(openRestCatalog({ uri })).rejects.toMatchObject({ code: "NOT_AUTHORIZED" });
    const catalog = await openRestCatalog({ uri, credential: "ada:lovelace" });
    expect(await catalog.listNamespaces()).toEqual([]);
  });

  test("says what is wrong with a port", async () => {
    await serve(["--port", "99999"]);
    expect(await ended).toBe(2);
    expect(output).toContain("0 to 65535");
  });
});

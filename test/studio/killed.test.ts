import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { notebookOf } from "../notebook/support/notebooks.js";
import { channels, executeRequest } from "./support/channels.js";
import { ask, project } from "./support/studio.js";

const slh = fileURLToPath(new URL("../../lib/lakehouse/bin/slh.js", import.meta.url));

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

function start(root: string, ...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [slh, ...args], { cwd: root, stdio: ["ignore", "pipe", "ignore"] });
  started.push(child);
  return child;
}

/** The processes below another, by their ids. */
function below(pid: number): number[] {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).trim().split("\n");
  const children = lines
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, parent]) => parent === pid)
    .map(([child]) => child as number);
  return [...children, ...children.flatMap(below)];
}

const isThere = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Waits until they are gone: the test's own limit says when that is too long. */
async function gone(pids: readonly number[]): Promise<void> {
  while (pids.some(isThere)) await sleep(50);
}

test("kernels of a studio that is killed end, in an endless loop too, with what they started", async () => {
  const { root } = await project(notebookOf("1"));
  const studio = start(root, "studio", "--port", "0", "--json");
  const [line] = (await once(studio.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  const { url, openUrl, jupyterUrl } = JSON.parse(line.toString()) as Record<string, string>;
  const { port, searchParams } = new URL(jupyterUrl as string);
  const token = searchParams.get("token") ?? "";
  const as = (method: string, path: string, headers: Record<string, string>, body?: unknown) =>
    ask(Number(port), method, path, headers, body);

  const authorization = `token ${token}`;
  const kernel = async () => (await as("POST", "/api/kernels", { authorization }, {})).json.id as string;
  const [idle, busy] = await Promise.all([kernel(), kernel()]);
  const client = await channels(url as string, idle, token);
  await client.execute('import { spawn } from "node:child_process";\nspawn("sleep", ["600"]);');
  const other = await channels(url as string, busy, token);
  other.send("execute_request", executeRequest('console.log("here");\nfor (;;) {}'));
  await other.until(({ header }) => header.msg_type === "stream");
  const opened = await as("GET", (openUrl as string).slice((url as string).length - 1), {});
  const cookie = String(opened.headers["set-cookie"]).split(";", 1)[0] ?? "";
  const cells = [{ id: "c1", source: "1" }];
  const asked = { milestone: "m01", cells };
  const page = { cookie, origin: `http://127.0.0.1:${port}` };
  expect((await as("POST", "/studio/language/diagnostics", page, asked)).status).toBe(200);

  const pids = below(studio.pid as number);
  // Two kernels, what a cell started, and TypeScript for the editor.
  expect(pids).toHaveLength(4);
  studio.kill("SIGKILL");
  await gone(pids);
});

test("the kernel of a run that is killed ends, in an endless loop too", async () => {
  const { root } = await project(
    notebookOf('import { writeFileSync } from "node:fs";\nwriteFileSync("here", "");\nfor (;;) {}'),
  );
  const run = start(root, "run", "m01");
  while (!existsSync(join(root, "milestones/m01-one/here"))) await sleep(50);
  const pids = below(run.pid as number);
  expect(pids).toHaveLength(1);
  run.kill("SIGKILL");
  await gone(pids);
});

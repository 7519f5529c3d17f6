import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Bench, type Measurement, seconds } from "./harness.js";
import { planTable } from "./plan.js";

export const bench: Bench = {
  about:
    "From the start of a process to its first use: the command's help; a lakehouse opened and its tables listed; the catalog's server up to its first answer, and the memory that it has then; 1,000 rows appended to a new table; one partition of 10,000 files planned; a first query of 1,000 rows. 'Within' is the same without the start of the process and the loading of its packages. Beside them PyIceberg, which has no server, and DuckDB on the same Parquet file. 'Modules' are the JavaScript files that were loaded. Aim: help within 100 ms, server within 300 ms and below 150 MB, append and plan not slower than PyIceberg, first query at most 2x DuckDB's.",
  contenders: [
    { name: "ours", run },
    { name: "PyIceberg", python: "start.py" },
    { name: "DuckDB", run: runDuckDB },
  ],
};

const slh = fileURLToPath(new URL("../../lib/lakehouse/bin/slh.js", import.meta.url));

/** Prints how long what stands between `began` and the end took, for `within`. */
const timed = (before: string, work: string, after = "") =>
  `${before}\nconst began = performance.now();\n${work}\nconst took = performance.now() - began;\n${after}\nconsole.log(took);`;

const OPEN = `import { openLakehouse } from "sololakehouse";
const lake = await openLakehouse({ root: process.argv[1], profile: "embedded" });`;
const CLOSE = "await lake.close();";

const LIST = `${OPEN}\nawait lake.tables();\n${CLOSE}`;
const APPEND = timed(
  `import { defineSchema, long, string } from "sololakehouse";\n${OPEN}
const table = await lake.createTable("bench.t", { schema: defineSchema({ id: long(), name: string() }) });
const rows = Array.from({ length: 1_000 }, (_, i) => ({ id: BigInt(i), name: "name " + i }));`,
  "await table.append(rows);",
  CLOSE,
);
const QUERY = timed(
  OPEN,
  'await (await lake.sql("select count(*) as rows, max(name) as name from bench.t")).rows();',
  CLOSE,
);
const PLAN = timed(
  `import { eq, openTableAt } from "sololakehouse/iceberg";
import { LocalStore } from "sololakehouse/storage";
const table = await openTableAt(new LocalStore(process.argv[1]), process.argv[2]);`,
  'const { tasks } = await table.scan({ filter: eq("part", 42) }).planAll();',
  'if (tasks.length !== 100) throw new Error(tasks.length + " files");',
);
const DUCKDB = timed(
  "",
  `const { DuckDBInstance } = await import("@duckdb/node-api");
const connection = await (await DuckDBInstance.create(":memory:")).connect();
await connection.runAndReadAll(\`select count(*), max(name) from read_parquet('\${process.argv[1]}')\`);`,
);

async function run(): Promise<Measurement> {
  const { root: planRoot, location } = await planTable(100);
  return inFolder(async (root) => {
    const help = await timeOf([slh, "--help"], root);
    const list = await timeOf(program(LIST, root), root);
    const append = await timeOf(program(APPEND, root), root);
    const query = await timeOf(program(QUERY, root), root);
    const plan = await timeOf(program(PLAN, planRoot, location), root);
    return {
      helpMs: help.ms,
      helpModules: await modulesOf([slh, "--help"], root),
      openMs: list.ms,
      openModules: await modulesOf(program(LIST, root), root),
      ...(await serve(root)),
      appendMs: append.ms,
      appendWithinMs: append.within,
      planMs: plan.ms,
      planWithinMs: plan.within,
      queryMs: query.ms,
      queryWithinMs: query.within,
    };
  });
}

/** Its own first query, its loading included, of a file as our append writes it. */
async function runDuckDB(): Promise<Measurement> {
  return inFolder(async (root) => {
    await timeOf(program(APPEND, root), root);
    const files = readdirSync(root, { recursive: true, encoding: "utf8" });
    const file = files.find((name) => name.endsWith(".parquet"));
    if (file === undefined) throw new Error("there is no data file");
    const query = await timeOf(program(DUCKDB, join(root, file)), root);
    return { queryMs: query.ms, queryWithinMs: query.within };
  });
}

/** Starts the server, and asks it for its configuration as soon as it says where it is. */
async function serve(root: string): Promise<Measurement> {
  await timeOf(program(LIST, root), root); // a server makes no lake
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
  return { serveMs: time * 1000, serveRssMiB: memory };
}

/** The arguments of a process that runs a text as a module of this project. */
function program(text: string, ...args: string[]): string[] {
  return ["--input-type=module", "-e", text, ...args];
}

interface Timed {
  readonly ms: number;
  /** What the process says of itself in its last line. */
  readonly within: number;
}

async function timeOf(args: readonly string[], lake: string): Promise<Timed> {
  let output = "";
  const time = await seconds(async () => {
    output = await ended(node(args, lake));
  });
  return { ms: time * 1000, within: Number(output.trim().split("\n").at(-1)) };
}

/** How many files with JavaScript a process has loaded, by what V8 says of their coverage. */
async function modulesOf(args: readonly string[], lake: string): Promise<number> {
  return inFolder(async (folder) => {
    await ended(node(args, lake, { NODE_V8_COVERAGE: folder }));
    const urls = readdirSync(folder).flatMap((name) => {
      const { result } = JSON.parse(readFileSync(join(folder, name), "utf8")) as {
        readonly result: readonly { readonly url: string }[];
      };
      return result.map(({ url }) => url).filter((url) => url.startsWith("file:"));
    });
    return new Set(urls).size;
  });
}

function node(args: readonly string[], lake: string, more: NodeJS.ProcessEnv = {}): ChildProcess {
  const env = { ...process.env, SLH_PROFILE: "embedded", SLH_LAKE: lake, ...more };
  return spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "inherit"] });
}

function ended(child: ChildProcess): Promise<string> {
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  return new Promise((resolve, reject) => {
    child.on("close", (code) =>
      code === 0 ? resolve(output) : reject(new Error(`It ended with code ${code}`)),
    );
  });
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "bench-start-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

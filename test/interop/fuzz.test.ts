import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { childProgram } from "../storage/child.js";
import { needsRestSpecification, restSpecification } from "../support/needs.js";
import { python } from "./installed.js";

/** A catalog with one of everything, served; prints what fails inside. */
const SERVER = `
const [directory] = args;
const store = new storage.LocalStore(directory + "/warehouse", { durable: false });
const lake = await catalog.openCatalog({ backend: directory + "/catalog.db", store });
const schema = iceberg.defineSchema({ id: iceberg.long(), data: iceberg.string().optional() });
await lake.createNamespace("ns", { owner: "ada" });
const table = await lake.createTable("ns.t", { schema, partitionSpec: [iceberg.identity("data")] });
await table.append([{ id: 1n, data: "a" }, { id: 2n, data: null }]);
await lake.createView("ns.v", { schema, defaultNamespace: ["ns"], representations: [{ type: "sql", sql: "select 1", dialect: "spark" }] });
await lake.createBranch("etl");
const onFault = (error, request) => console.log("FAULT " + request + " " + (error?.stack ?? error));
const server = await catalog.serveRestCatalog({ catalog: lake, store, port: 0, onFault });
console.log(server.uri);
console.log("ready");
`;

/** Operations to try are few, and names to try them on are endless: half the time they are ones that exist. */
function narrowed(): string {
  const document = parse(readFileSync(restSpecification as string, "utf8"));
  const { parameters } = document.components;
  parameters.prefix.schema = { type: "string", enum: ["main", "etl", "main|lakehouse"] };
  for (const [name, known] of [
    ["namespace", "ns"],
    ["table", "t"],
    ["view", "v"],
  ] as const) {
    parameters[name].schema = {
      anyOf: [
        { type: "string", enum: [known] },
        { type: "string", minLength: 1 },
      ],
    };
    for (const key of ["example", "examples"]) delete parameters[name][key];
  }
  return stringify(document);
}

test(
  "no request that the specification allows, or nearly, makes the server fail, hang or grow",
  needsRestSpecification,
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "catalog-fuzz-"));
    const program = await childProgram(SERVER, ["storage", "parquet", "iceberg", "catalog"]);
    const server = program.start(directory);
    try {
      await server.printed("ready");
      const [uri = ""] = server.output().split("\n");
      const file = join(directory, "openapi.yaml");
      writeFileSync(file, narrowed());
      const report = await fuzz(
        [
          ...["run", file, "--url", uri, "--checks", "not_a_server_error"],
          ...["--phases", "examples,coverage,fuzzing", "--max-examples", "30", "--max-time", "100"],
          ...["--workers", "2", "--request-timeout", "20", "--generation-deterministic", "--no-shrink"],
          ...[
            "--suppress-health-check",
            "all",
            "--warnings",
            "off",
            "--no-color",
            "--continue-on-failure",
            "--output-sanitize",
            "false",
          ],
        ],
        directory,
      );
      const faults = server
        .output()
        .split("\n")
        .filter((line) => line.startsWith("FAULT"));
      expect(faults, report.slice(-5000)).toEqual([]);
      expect(report).toMatch(/Tested: [1-9]\d+/);
      expect(report, report.slice(-5000)).not.toMatch(
        /Server error|Network Error|Timeout|Connection failed/i,
      );
      // It still answers, and has not kept what it was sent.
      const answer = await fetch(`${uri}/v1/main/namespaces/ns/tables/t`);
      expect(answer.status).toBeLessThan(500);
      await answer.text();
      const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.process.pid}/status`, "utf8"))?.[1];
      expect(Number(peak)).toBeLessThan(500_000);
    } finally {
      server.process.kill("SIGKILL");
      await server.done.catch(() => undefined);
      await program.dispose();
      await rm(directory, { recursive: true, force: true });
    }
  },
);

/** Runs schemathesis of the interop suite's Python, in a folder of its own, where it may keep what it likes. */
async function fuzz(args: readonly string[], directory: string): Promise<string> {
  const child = spawn(join(dirname(python), "st"), args, { cwd: directory });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  await new Promise((done, failed) => child.once("error", failed).once("close", done));
  return output;
}

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { defineSchema, long, newTableMetadata, string, writeTableMetadata } from "sololakehouse/iceberg";
import { LocalStore } from "sololakehouse/storage";
import type { Bench, Measurement } from "./harness.js";

const COMMITS = 500;
/** Before anything is measured: Java compiles what it has seen often. */
const WARM_UP = 2000;

export const bench: Bench = {
  about:
    "Commits a second over HTTP, on one table and on 100, by 1 and by 8 writers, server and client in processes of their own, beside Nessie's server with its in-memory store. Iceberg REST: a property of a table set, for which the server writes a metadata file. Nessie API: the same request to both servers, a new state of a table put; who is refused because others were first tries again. `fast` keeps the catalog in memory and syncs no file, as Nessie does; `durable` syncs every file. Aim: 2x.",
  rounds: 3,
  contenders: [
    { name: "ours, Nessie API, fast", run: () => onOurs("fast", nessieApi) },
    { name: "ours, Iceberg REST, fast", run: () => onOurs("fast", icebergRest) },
    { name: "ours, Iceberg REST, durable", run: () => onOurs("durable", icebergRest) },
    {
      name: "Nessie, Nessie API",
      run: async () => {
        const script = fileURLToPath(new URL("../../scripts/nessie.mjs", import.meta.url));
        return inDirectory((directory) => measured(directory, [script], nessieApi));
      },
    },
  ],
};

/** Commits a new state of a table; a number tells states apart. */
type Commit = (table: number, state: number) => Promise<void>;
type Protocol = (send: Send, directory: string) => Promise<Commit>;
type Send = (method: string, path: string, body?: unknown) => Promise<{ status: number; body: Answer }>;

interface Answer {
  readonly reference?: { readonly hash: string };
  readonly targetBranch?: { readonly hash: string };
  readonly addedContents?: readonly { readonly contentId: string }[];
}

function onOurs(mode: "fast" | "durable", protocol: Protocol): Promise<Measurement> {
  const script = fileURLToPath(new URL("./catalog-server.js", import.meta.url));
  return inDirectory((directory) => measured(directory, [script, directory, mode], protocol));
}

async function inDirectory(run: (directory: string) => Promise<Measurement>): Promise<Measurement> {
  const directory = await mkdtemp(join(tmpdir(), "bench-rest-"));
  try {
    return await run(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function measured(
  directory: string,
  server: readonly string[],
  protocol: Protocol,
): Promise<Measurement> {
  const child = spawn(process.execPath, server, { stdio: ["pipe", "pipe", "ignore"] });
  const { value: uri } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  const agent = new Agent({ keepAlive: true });
  try {
    const commit = await protocol(sender(uri, agent), directory);
    let state = 0;
    const perSecond = async (tables: number, writers: number, commits = COMMITS): Promise<number> => {
      const start = performance.now();
      const write = async (writer: number): Promise<void> => {
        for (let n = writer; n < commits; n += writers) await commit(n % tables, ++state);
      };
      await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
      return commits / ((performance.now() - start) / 1000);
    };
    await perSecond(100, 4, WARM_UP);
    return {
      oneTable1: await perSecond(1, 1),
      oneTable8: await perSecond(1, 8),
      hundredTables1: await perSecond(100, 1),
      hundredTables8: await perSecond(100, 8),
    };
  } finally {
    agent.destroy();
    child.stdin.end();
  }
}

/** A client that costs little: what is measured is the server. */
function sender(uri: string, agent: Agent): Send {
  return (method, path, body) =>
    new Promise((resolve, reject) => {
      const headers = body === undefined ? {} : { "content-type": "application/json" };
      const sent = request(`${uri}${path}`, { method, agent, headers }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk) => {
          text += chunk;
        });
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(text || "{}") }),
        );
      });
      sent.on("error", reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
}

const schema = defineSchema({ id: long(), data: string().optional() });

async function icebergRest(send: Send): Promise<Commit> {
  await send("POST", "/v1/main/namespaces", { namespace: ["bench"] });
  const fields = [
    { id: 1, name: "id", type: "long", required: true },
    { id: 2, name: "data", type: "string", required: false },
  ];
  for (let n = 0; n < 100; n++) {
    const schema = { type: "struct", fields };
    await send("POST", "/v1/main/namespaces/bench/tables", { name: `t${n}`, schema });
  }
  return async (table, state) => {
    const updates = [{ action: "set-properties", updates: { state: String(state) } }];
    const path = `/v1/main/namespaces/bench/tables/t${table}`;
    const { status } = await send("POST", path, { requirements: [], updates });
    if (status !== 200) throw new Error(`a commit was answered with ${status}`);
  };
}

async function nessieApi(send: Send, directory: string): Promise<Commit> {
  const store = new LocalStore(join(directory, "warehouse"), { durable: false });
  const metadata = newTableMetadata({ schema, location: `${store.root}/t` });
  const metadataLocation = await writeTableMetadata(store, metadata, 0);
  const head = async (): Promise<string> =>
    (await send("GET", "/api/v2/trees/main")).body.reference?.hash ?? "";
  const content = { type: "ICEBERG_TABLE", metadataLocation, schemaId: 0, specId: 0, sortOrderId: 0 };
  const put = (hash: string, operation: object) =>
    send("POST", `/api/v2/trees/main@${hash}/history/commit`, {
      commitMeta: { message: "Set", authors: ["bench"] },
      operations: [{ type: "PUT", ...operation }],
    });
  const namespace = { type: "NAMESPACE", elements: ["bench"], properties: {} };
  await put(await head(), { key: { elements: ["bench"] }, content: namespace });
  const ids: (string | undefined)[] = [];
  for (let n = 0; n < 100; n++) {
    const key = { elements: ["bench", `t${n}`] };
    const { body } = await put(await head(), { key, content: { ...content, snapshotId: -1 } });
    ids.push(body.addedContents?.[0]?.contentId);
  }
  let known = await head();
  return async (table, state) => {
    for (;;) {
      const key = { elements: ["bench", `t${table}`] };
      const { status, body } = await put(known, {
        key,
        content: { ...content, id: ids[table], snapshotId: state },
      });
      if (status === 200) known = body.targetBranch?.hash ?? known;
      if (status === 200) return;
      if (status !== 409) throw new Error(`a commit was answered with ${status}`);
      known = await head();
    }
  };
}

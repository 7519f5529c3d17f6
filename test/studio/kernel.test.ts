// Cells over the WebSocket, as any client of Jupyter's protocol runs them, in the real kernel.
import { realpathSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectAt } from "../../lib/kit/milestones/index.js";
import { type StudioServer, serveStudio } from "../../lib/kit/studio/index.js";
import { notebookOf } from "../notebook/support/notebooks.js";
import { type Channels, channels, executeRequest, type Framing, type Message } from "./support/channels.js";
import { type Answer, ask, NOTEBOOK, project } from "./support/studio.js";

let root = "";
let server: StudioServer;
/** Of the session that most tests run their cells in. */
let kernel = "";
let session = "";
beforeAll(async () => {
  ({ root } = await project(notebookOf("1")));
  server = await serveStudio(projectAt(root));
  const request = { path: NOTEBOOK, name: "notebook.ipynb", type: "notebook", kernel: { name: "tslab" } };
  // Two tabs that open a notebook at once.
  const [one, two] = await Promise.all([
    api("POST", "/sessions", request),
    api("POST", "/sessions", request),
  ]);
  expect([one.status, two.json]).toEqual([201, one.json]);
  session = one.json.id;
  kernel = one.json.kernel.id;
});
afterAll(() => server?.close());

function api(method: string, path: string, body?: unknown): Promise<Answer> {
  const { port, searchParams } = new URL(server.jupyterUrl);
  const authorization = `token ${searchParams.get("token")}`;
  return ask(Number(port), method, `/api${path}`, { authorization }, body);
}

const join2 = (framing?: Framing, id = kernel): Promise<Channels> =>
  channels(server.url, id, new URL(server.jupyterUrl).searchParams.get("token") ?? "", framing);

/** Type and content of what was published, in order. */
const told = (published: readonly Message[]) =>
  published.map(({ header, content }) => [header.msg_type, content] as const);

const BUSY = ["status", { execution_state: "busy" }];
const IDLE = ["status", { execution_state: "idle" }];
const ofType = (type: string) => (message: Message) => message.header.msg_type === type;
const inState = (state: string) => (message: Message) =>
  message.header.msg_type === "status" && message.content.execution_state === state;

const isThere = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test("a session has one kernel, in its notebook's folder", async () => {
  expect((await api("GET", "/sessions")).json).toEqual([
    {
      id: session,
      path: NOTEBOOK,
      name: "notebook.ipynb",
      type: "notebook",
      kernel: expect.objectContaining({ id: kernel, name: "tslab", execution_state: "idle" }),
      notebook: { path: NOTEBOOK, name: "notebook.ipynb" },
    },
  ]);
  expect((await api("GET", "/kernels")).json).toHaveLength(1);
  const client = await join2();
  const { published } = await client.execute("process.cwd()");
  expect(published.find(ofType("execute_result"))?.content.data).toEqual({
    "text/plain": realpathSync(join(root, NOTEBOOK, "..")),
  });
  await client.close();
});

test.each(["json", "v1"] as const)("a cell is run, and all of it heard (%s)", async (framing) => {
  const client = await join2(framing);
  const code = 'console.log("zwölf 🐟");\nconsole.error("hm");\n[1, 2]';
  const { published, reply } = await client.execute(code);
  const { execution_count: count } = reply.content;
  expect(told(published)).toEqual([
    BUSY,
    ["execute_input", { code, execution_count: count }],
    ["stream", { name: "stdout", text: "zwölf 🐟\n" }],
    ["stream", { name: "stderr", text: "hm\n" }],
    ["execute_result", { execution_count: count, data: { "text/plain": "[ 1, 2 ]" }, metadata: {} }],
    IDLE,
  ]);
  expect([reply.header.msg_type, reply.content]).toEqual([
    "execute_reply",
    { status: "ok", execution_count: expect.any(Number), user_expressions: {} },
  ]);

  const long = await client.execute('console.log("é".repeat(1_500_000));');
  const texts = long.published.filter(ofType("stream")).map(({ content }) => content.text);
  expect(texts.join("")).toBe(`${"é".repeat(1_500_000)}\n`);
  expect(long.reply.content.execution_count).toBe(count + 1);
  await client.close();
});

test.each(["json", "v1"] as const)(
  "an error is told and replied, and ends what waits behind it (%s)",
  async (framing) => {
    const client = await join2(framing);
    const go = join(root, NOTEBOOK, "..", `go-${framing}`);
    const code = `import { existsSync } from "node:fs";
const f = () => {
  throw new RangeError("no day");
};
while (!existsSync(${JSON.stringify(go)})) await new Promise((resolve) => setTimeout(resolve, 10));
f();`;
    const first = client.execute(code);
    const second = client.execute("1");
    // On the same channel: when it is replied, the other has come, too.
    await client.request("kernel_info_request", {});
    await writeFile(go, "");
    const { published, reply } = await first;
    const error = {
      ename: "RangeError",
      evalue: "no day",
      traceback: [
        "RangeError: no day",
        expect.stringMatching(/at f \(cell \[\d+\] line 3\)/),
        expect.any(String),
      ],
    };
    expect(told(published)).toEqual([BUSY, ["execute_input", expect.anything()], ["error", error], IDLE]);
    expect(reply.content).toEqual({ status: "error", execution_count: expect.any(Number), ...error });
    const waited = await second;
    expect([waited.reply.content.status, told(waited.published)]).toEqual(["aborted", [BUSY, IDLE]]);
    // What is sent from then on runs, and so does what waits for a cell that may fail.
    const failing = client.request("execute_request", {
      ...executeRequest("throw 1;"),
      stop_on_error: false,
    });
    const third = client.execute("40 + 2");
    expect((await failing).reply.content).toMatchObject({ status: "error", ename: "Thrown" });
    expect((await third).reply.content.status).toBe("ok");
    expect((await client.execute("1")).reply.content.status).toBe("ok");
    await client.close();
  },
);

test("each client hears what is published, and the one that asked has the reply", async () => {
  const [one, two] = [await join2("json"), await join2("v1")];
  const { published } = await one.execute("const shared = 41;");
  const last = published.at(-1)?.header.msg_id;
  await two.until(({ header }) => header.msg_id === last);
  expect(two.heard.map(({ channel, header }) => [channel, header.msg_id])).toEqual(
    published.map(({ header }) => ["iopub", header.msg_id]),
  );
  const { published: result } = await two.execute("shared + 1");
  expect(result.find(ofType("execute_result"))?.content.data).toEqual({ "text/plain": "42" });
  await one.until(({ header }) => header.msg_id === result.at(-1)?.header.msg_id);
  expect(one.heard.filter(({ channel }) => channel === "shell")).toHaveLength(1);
  await expect
    .poll(async () => (await api("GET", `/kernels/${kernel}`)).json.connections, { timeout: 60_000 })
    .toBe(2);
  await one.close();
  await two.close();
});

test("a silent cell gives no result and has no number, nor has one that is not to be remembered", async () => {
  const client = await join2();
  const { reply } = await client.execute("let silent = 1;");
  const ask = (more: object) => client.request("execute_request", { ...executeRequest("++silent"), ...more });
  const quiet = await ask({ silent: true });
  expect(told(quiet.published)).toEqual([BUSY, IDLE]);
  const { execution_count: count } = reply.content;
  expect(quiet.reply.content).toMatchObject({ status: "ok", execution_count: count });
  const forgotten = await ask({ store_history: false });
  expect(forgotten.published.find(ofType("execute_result"))?.content.data).toEqual({ "text/plain": "3" });
  expect(forgotten.reply.content).toMatchObject({ status: "ok", execution_count: count });
  expect((await client.execute("1")).reply.content.execution_count).toBe(count + 1);
  await client.close();
});

test("what the kernel is, and that it has no comms, is replied as the protocol has it", async () => {
  const client = await join2();
  const info = (await client.request("kernel_info_request", {})).reply;
  expect([info.header.msg_type, info.content]).toMatchObject([
    "kernel_info_reply",
    {
      status: "ok",
      protocol_version: "5.3",
      implementation: "tslab",
      implementation_version: "1.0.22",
      language_info: { name: "typescript", version: "5.0.4", file_extension: ".ts" },
    },
  ]);
  const comms = (await client.request("comm_info_request", {})).reply;
  expect([comms.header.msg_type, comms.content]).toEqual(["comm_info_reply", { status: "ok", comms: {} }]);
  const numbered = (await client.execute("const asked = 1;")).reply.content.execution_count;
  const history = async (request: object) => (await client.request("history_request", request)).reply;
  const last = await history({ hist_access_type: "tail", n: 1, output: false, raw: true });
  expect([last.header.msg_type, last.content]).toEqual([
    "history_reply",
    { status: "ok", history: [[1, numbered, "const asked = 1;"]] },
  ]);
  const { reply } = await client.request("complete_request", { code: "Math.flo", cursor_pos: 8 });
  expect([reply.header.msg_type, reply.content]).toMatchObject([
    "complete_reply",
    { status: "ok", matches: ["floor"], cursor_start: 5, cursor_end: 8 },
  ]);
  await client.close();
});

test("an interrupt ends an endless loop and a wait, and names stay", async () => {
  const client = await join2();
  await client.execute("let kept = 7;");
  for (const endless of ["for (;;) {}", "await new Promise(() => {});"]) {
    const running = client.execute(`console.log("runs");\n${endless}`);
    const is = (message: Message) => message.content.text === "runs\n";
    while (client.heard.filter(is).length === 0) await sleep(20);
    expect((await api("POST", `/kernels/${kernel}/interrupt`)).status).toBe(204);
    const { published, reply } = await running;
    expect(reply.content).toMatchObject({ status: "error", evalue: expect.stringMatching(/interrupted/i) });
    expect(published.filter(ofType("error"))).toHaveLength(1);
    (client.heard as Message[]).length = 0;
    expect((await client.execute("kept")).reply.content.status).toBe("ok");
  }
  const { published } = await client.execute("kept");
  expect(published.find(ofType("execute_result"))?.content.data).toEqual({ "text/plain": "7" });
  await client.close();
});

test("a restart ends a loop that hears no interrupt: names are gone, the id and its clients stay", async () => {
  const client = await join2("v1");
  const { published } = await client.execute("let lost = process.pid;\nlost");
  const pid = Number(published.find(ofType("execute_result"))?.content.data["text/plain"]);
  client.send("execute_request", executeRequest('await null;\nconsole.log("runs");\nfor (;;) {}'));
  await client.until(({ content }) => content.text === "runs\n");
  const { status, json } = await api("POST", `/kernels/${kernel}/restart`);
  expect([status, json]).toEqual([200, expect.objectContaining({ id: kernel, execution_state: "idle" })]);
  expect(isThere(pid)).toBe(false);
  // By another way than the answer to the request, thus sooner or later.
  const isOfServer = ({ parent_header: parent }: Message) => parent.msg_id === undefined;
  await client.until((message) => isOfServer(message) && inState("idle")(message));
  expect(client.heard.filter(isOfServer).map(({ content }) => content.execution_state)).toEqual([
    "restarting",
    "idle",
  ]);

  const { reply } = await client.execute("lost");
  expect(reply.content).toMatchObject({ status: "error", execution_count: 1, ename: "TypeScriptError" });
  expect((await api("GET", "/sessions")).json[0]).toMatchObject({ id: session, kernel: { id: kernel } });
  await client.close();
});

test("a kernel ends by DELETE or with its session, and clients of one that died by itself are told", async () => {
  const started = await api("POST", "/kernels", { name: "tslab", path: NOTEBOOK });
  expect([started.status, started.headers.location]).toEqual([201, `/api/kernels/${started.json.id}`]);
  const [own, ofSession] = [await join2("json", started.json.id), await join2()];
  const pids: number[] = [];
  for (const client of [own, ofSession]) {
    const { published } = await client.execute("process.pid");
    pids.push(Number(published.find(ofType("execute_result"))?.content.data["text/plain"]));
  }
  const [first, second] = pids as [number, number];
  expect((await api("DELETE", `/kernels/${started.json.id}`)).status).toBe(204);
  await own.until(inState("dead"));
  expect([isThere(first), isThere(second)]).toEqual([false, true]);
  expect((await api("GET", `/kernels/${started.json.id}`)).status).toBe(404);

  ofSession.send("execute_request", executeRequest('process.kill(process.pid, "SIGKILL");'));
  await ofSession.until(inState("dead"));
  expect((await api("GET", `/kernels/${kernel}`)).json.execution_state).toBe("dead");
  await api("POST", `/kernels/${kernel}/restart`);
  const again = await ofSession.execute("process.pid");
  const third = Number(again.published.find(ofType("execute_result"))?.content.data["text/plain"]);
  expect([isThere(second), isThere(third)]).toEqual([false, true]);
  expect((await api("DELETE", `/sessions/${session}`)).status).toBe(204);
  expect(isThere(third)).toBe(false);
  expect([(await api("GET", "/kernels")).json, (await api("GET", "/sessions")).json]).toEqual([[], []]);
  await own.close();
  await ofSession.close();
});

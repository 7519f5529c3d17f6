import { mkdir, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { afterEach } from "vitest";
import { projectAt } from "../../../lib/kit/milestones/index.js";
import { type Notebook, serializeNotebook } from "../../../lib/kit/notebook/index.js";
import { type StudioServer, serveStudio } from "../../../lib/kit/studio/index.js";
import { notebookFolder } from "../../notebook/support/notebooks.js";

const servers: StudioServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

export const NOTEBOOK = "milestones/m01-one/notebook.ipynb";

export interface Studio {
  readonly server: StudioServer;
  readonly root: string;
  readonly port: number;
  /** For `Authorization: token …`. */
  readonly token: string;
  /** As the studio's own page asks: with its cookie and its origin. */
  ask(method: string, path: string, body?: unknown, headers?: Headers): Promise<Answer>;
  /** As whoever asks: with these headers alone. */
  bare(method: string, path: string, headers?: Headers, body?: unknown): Promise<Answer>;
  readonly cookie: string;
}

type Headers = Readonly<Record<string, string | undefined>>;

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests say what they expect of it
  readonly json: any;
}

/** A project of one milestone with a notebook. */
export async function project(notebook: Notebook): Promise<{ readonly root: string }> {
  const root = await notebookFolder();
  await writeFile(join(root, "package.json"), JSON.stringify({ workspaces: [] }));
  const folder = join(root, "milestones/m01-one");
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, "milestone.yaml"),
    "number: 1\nslug: one\ntitle: One\none-line: The first.\nprofiles: [embedded]\n",
  );
  await writeFile(join(folder, "notebook.ipynb"), serializeNotebook(notebook));
  return { root };
}

/** A studio over such a project; opened in a browser, unless that is left to the test. */
export async function studio(notebook: Notebook, isOpened = true): Promise<Studio> {
  const { root } = await project(notebook);
  const server = await serveStudio(projectAt(root));
  servers.push(server);
  const port = Number(new URL(server.url).port);
  const token = new URL(server.jupyterUrl).searchParams.get("token") ?? "";
  const bare: Studio["bare"] = (method, path, headers = {}, body = undefined) =>
    ask(port, method, path, headers, body);
  const opened = isOpened ? await bare("GET", server.openUrl.slice(server.url.length - 1)) : undefined;
  const cookie = String(opened?.headers["set-cookie"]).split(";", 1)[0] ?? "";
  const origin = `http://127.0.0.1:${port}`;
  return {
    server,
    root,
    port,
    token,
    cookie,
    bare,
    ask: (method, path, body, headers = {}) => bare(method, path, { cookie, origin, ...headers }, body),
  };
}

/** Not by `fetch`, which writes `Host` itself and tidies `..` away. */
export function ask(
  port: number,
  method: string,
  path: string,
  headers: Headers,
  body: unknown,
): Promise<Answer> {
  const sent = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
  const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: "127.0.0.1",
        port,
        method,
        path,
        headers:
          sent === undefined
            ? given
            : { "content-type": "application/json", "content-length": Buffer.byteLength(sent), ...given },
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          const isJson = String(answer.headers["content-type"]).includes("json");
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            text,
            json: isJson && text !== "" ? JSON.parse(text) : undefined,
          });
        });
      },
    );
    asked.on("error", reject);
    asked.end(sent);
  });
}

/** The status with which a WebSocket's opening is answered: 101 where it is let in. */
export function upgrade(port: number, path: string, headers: Headers): Promise<number> {
  const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
  return new Promise((resolve, reject) => {
    const asked = request({
      host: "127.0.0.1",
      port,
      path,
      headers: {
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": Buffer.alloc(16).toString("base64"),
        ...given,
      },
    });
    asked.on("upgrade", (answer, socket) => {
      socket.destroy();
      resolve(answer.statusCode ?? 0);
    });
    asked.on("response", (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.on("error", reject);
    asked.end();
  });
}

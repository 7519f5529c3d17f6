import type { FastifyInstance } from "fastify";
import type { Project } from "../../milestones/index.js";
import { kernelSpec } from "../../notebook/index.js";
import { Refused } from "../http/refused.js";
import type { WorkingCopies } from "../work/copies.js";
import { joinChannels } from "./channels.js";
import { Contents } from "./contents.js";
import { KERNEL_NAME } from "./kernel.js";
import type { Kernels } from "./kernels.js";
import { type SessionRequest, Sessions } from "./sessions.js";

interface ById {
  readonly Params: { readonly id: string };
}
interface ByPath {
  readonly Params: { readonly "*": string };
  readonly Querystring: { readonly content?: string; readonly format?: string };
}

/** The release of jupyter_server whose interface this is. */
const SERVER_VERSION = "2.17.0";

/**
 * Jupyter's own interface ("Jupyter Server REST API"), as far as a kernel's clients use it: JupyterLab through
 * `--gateway-url`, VS Code by "existing Jupyter server". Refusals have `message` and `reason` there.
 */
export function serveJupyter(
  app: FastifyInstance,
  project: Project,
  copies: WorkingCopies,
  kernels: Kernels,
): void {
  const sessions = new Sessions(kernels);
  const contents = new Contents(project, copies);
  const started = new Date().toISOString();

  app.get("/api", () => ({ version: SERVER_VERSION }));
  app.get("/api/status", () => {
    const models = kernels.all().map((kernel) => kernel.model());
    return {
      started,
      last_activity:
        models
          .map(({ last_activity }) => last_activity)
          .sort()
          .at(-1) ?? started,
      connections: models.reduce((sum, { connections }) => sum + connections, 0),
      kernels: models.length,
    };
  });
  app.get("/api/me", () => {
    const name = "slh";
    return {
      identity: { username: name, name, display_name: name, initials: null, avatar_url: null, color: null },
      permissions: {},
    };
  });

  const spec = {
    name: KERNEL_NAME,
    spec: { ...kernelSpec(), interrupt_mode: "signal", metadata: {} },
    resources: {},
  };
  app.get("/api/kernelspecs", () => ({ default: KERNEL_NAME, kernelspecs: { [KERNEL_NAME]: spec } }));
  app.get<{ Params: { name: string } }>("/api/kernelspecs/:name", ({ params }) => {
    if (params.name === KERNEL_NAME) return spec;
    throw new Refused(404, "NO_SUCH_KERNELSPEC", `There is no kernel ${params.name}.`);
  });

  app.get("/api/kernels", () => kernels.all().map((kernel) => kernel.model()));
  app.post("/api/kernels", async ({ body }, reply) => {
    const { name, path, env } = (body ?? {}) as {
      name?: string;
      path?: string;
      env?: Readonly<Record<string, string>>;
    };
    // A gateway's client says so where its notebook lies.
    const kernel = await kernels.start(path ?? env?.KERNEL_WORKING_DIR ?? "", name);
    return reply.code(201).header("location", `/api/kernels/${kernel.id}`).send(kernel.model());
  });
  app.get<ById>("/api/kernels/:id", ({ params }) => kernels.get(params.id).model());
  app.delete<ById>("/api/kernels/:id", async ({ params }, reply) => {
    await kernels.shutDown(params.id);
    return reply.code(204).send();
  });
  app.post<ById>("/api/kernels/:id/interrupt", ({ params }, reply) => {
    kernels.get(params.id).interrupt();
    return reply.code(204).send();
  });
  app.post<ById>("/api/kernels/:id/restart", async ({ params }) => {
    const kernel = kernels.get(params.id);
    await kernel.restart();
    return kernel.model();
  });
  app.get<ById>("/api/kernels/:id/channels", { websocket: true }, (socket, { params }) => {
    joinChannels(socket, kernels.get(params.id));
  });

  app.get("/api/sessions", () => sessions.all());
  app.post("/api/sessions", async ({ body }, reply) =>
    reply.code(201).send(await sessions.open((body ?? {}) as SessionRequest)),
  );
  app.get<ById>("/api/sessions/:id", ({ params }) => sessions.get(params.id));
  app.patch<ById>("/api/sessions/:id", ({ params, body }) =>
    sessions.change(params.id, (body ?? {}) as SessionRequest),
  );
  app.delete<ById>("/api/sessions/:id", async ({ params }, reply) => {
    await sessions.end(params.id);
    return reply.code(204).send();
  });

  app.get<ByPath>("/api/contents", ({ query }) => contents.get("", asked(query)));
  app.get<ByPath>("/api/contents/*", ({ params, query }) => {
    if (params["*"].endsWith("/checkpoints")) return [];
    return contents.get(tidy(params["*"]), asked(query));
  });
  app.put<ByPath>("/api/contents/*", async ({ params, body }) =>
    contents.save(tidy(params["*"]), (body ?? {}) as Record<string, unknown>),
  );
  app.post<ByPath>("/api/contents", async ({ body }, reply) =>
    reply.code(201).send(await contents.create("", (body ?? {}) as Record<string, unknown>)),
  );
  app.post<ByPath>("/api/contents/*", async ({ params, body }, reply) => {
    const path = tidy(params["*"]);
    // The working copy is what a checkpoint would be for: there is one, and nothing to go back to.
    const checkpointed = /^(.*)\/checkpoints$/.exec(path)?.[1];
    if (checkpointed !== undefined) {
      const { last_modified } = await contents.get(checkpointed, { withContent: false });
      return reply.code(201).send({ id: "checkpoint", last_modified });
    }
    return reply.code(201).send(await contents.create(path, (body ?? {}) as Record<string, unknown>));
  });
  app.patch<ByPath>("/api/contents/*", ({ params, body }) => {
    const { path } = (body ?? {}) as { path?: unknown };
    if (typeof path !== "string")
      throw new Refused(400, "BAD_REQUEST", "The request has no path to rename to.");
    return contents.rename(tidy(params["*"]), tidy(path));
  });
  app.delete<ByPath>("/api/contents/*", async ({ params }, reply) => {
    await contents.remove(tidy(params["*"]));
    return reply.code(204).send();
  });
}

const tidy = (path: string): string => path.replace(/^\/+|\/+$/g, "");

const asked = ({ content, format }: ByPath["Querystring"]) => ({ withContent: content !== "0", format });

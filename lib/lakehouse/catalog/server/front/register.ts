import type { FastifyInstance } from "fastify";
import { stringifyJson } from "../../../iceberg/index.js";
import type { ApiOptions } from "../http/api.js";
import { CONTENT_SECURITY_POLICY, pageOf } from "./page.js";
import { type Welcome, welcome } from "./welcome.js";

/** `/`: a page for people, and the same as JSON for programs. */
export function registerFrontPage(app: FastifyInstance, options: ApiOptions): void {
  app.route({
    method: ["GET", "HEAD"],
    url: "/",
    async handler(request, reply) {
      const answer = await welcome(options, request);
      const isPage = (request.headers.accept ?? "").includes("text/html");
      reply.headers({
        "cache-control": "no-store",
        vary: "accept, authorization",
        "content-security-policy": CONTENT_SECURITY_POLICY,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
      });
      return isPage
        ? reply.type("text/html; charset=utf-8").send(pageOf(answer))
        : reply.type("application/json").send(`${stringifyJson(toJson(answer))}\n`);
    },
  });
}

function toJson({ uri, access, inventory, attach }: Welcome) {
  return {
    uri,
    "iceberg-rest": uri,
    nessie: `${uri}/api/v2`,
    access,
    ...(inventory && {
      warehouse: inventory.warehouse,
      "default-branch": inventory.defaultBranch,
      branches: [...inventory.branches],
      tags: [...inventory.tags],
      tables: [...inventory.tables],
      views: [...inventory.views],
      "is-cut": inventory.isCut,
    }),
    attach: Object.fromEntries(attach.map(({ engine, text }) => [engine.toLowerCase(), text])),
  };
}

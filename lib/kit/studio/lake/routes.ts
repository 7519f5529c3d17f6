import type { FastifyInstance } from "fastify";
import type { Project } from "../../milestones/index.js";
import type { SqlRequest } from "../contract.js";
import { bodyOf } from "../http/body.js";
import { LakeView } from "./lake.js";

interface OnRef {
  readonly Querystring: { readonly ref?: string };
}

/** `/studio/lake` and `/studio/sql`: see `contract.ts`. */
export function serveLake(app: FastifyInstance, project: Project): void {
  const lake = new LakeView(project);
  app.get<OnRef>("/studio/lake", ({ query }) => lake.state(query.ref));
  app.get("/studio/lake/commits", () => lake.commits());
  app.get("/studio/lake/log", () => lake.log());
  app.get<OnRef & { Params: { name: string } }>("/studio/lake/tables/:name", ({ params, query }) =>
    lake.table(params.name, query.ref),
  );
  app.get<{ Querystring: { path?: string } }>("/studio/lake/file", async ({ query }, reply) =>
    reply.type("application/octet-stream").send(Buffer.from(await lake.file(query.path ?? ""))),
  );
  app.post("/studio/sql", ({ body }) => {
    const { sql, ref } = bodyOf<SqlRequest>(body, { sql: "string" });
    return lake.sql(sql, ref);
  });
}

import type { FastifyInstance } from "fastify";
import { LanguageService } from "../../notebook/index.js";
import type { Completions, Hover, LanguageCells, LanguageDiagnostic, LanguagePosition } from "../contract.js";
import { bodyOf } from "../http/body.js";
import type { WorkingCopies } from "../work/copies.js";

/** Each holds a TypeScript of its own, some hundred megabytes: those of the notebooks that were edited last stay. */
const MOST_SERVICES = 2;

/** `/studio/language`: see `contract.ts`. */
export function serveLanguage(app: FastifyInstance, copies: WorkingCopies): void {
  const services = new Map<string, LanguageService>();
  app.addHook("onClose", () => {
    for (const service of services.values()) service.close();
  });

  const serviceOf = async (id: string): Promise<LanguageService> => {
    const { folder } = await copies.milestone(id);
    const service = services.get(folder) ?? new LanguageService(folder);
    // The one that was asked last stands last.
    services.delete(folder);
    services.set(folder, service);
    for (const [oldest, idle] of services) {
      if (services.size <= MOST_SERVICES) break;
      services.delete(oldest);
      idle.close();
    }
    return service;
  };
  const positionOf = (body: unknown): LanguagePosition =>
    bodyOf<LanguagePosition>(body, {
      milestone: "string",
      cells: "object",
      cell: "string",
      offset: "number",
    });

  app.post("/studio/language/complete", async ({ body }): Promise<Completions> => {
    const { milestone, ...position } = positionOf(body);
    return (await serviceOf(milestone)).ask({ kind: "complete", ...position });
  });
  app.post("/studio/language/hover", async ({ body }, reply): Promise<Hover | undefined> => {
    const { milestone, ...position } = positionOf(body);
    const hover = await (await serviceOf(milestone)).ask({ kind: "hover", ...position });
    // Fastify would send no body for null.
    return hover ?? reply.type("application/json").send("null");
  });
  app.post("/studio/language/diagnostics", async ({ body }): Promise<readonly LanguageDiagnostic[]> => {
    const { milestone, cells } = bodyOf<LanguageCells>(body, { milestone: "string", cells: "object" });
    return (await serviceOf(milestone)).ask({ kind: "diagnostics", cells });
  });
}

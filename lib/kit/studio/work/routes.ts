import { existsSync } from "node:fs";
import { relative } from "node:path";
import type { FastifyInstance } from "fastify";
import { listMilestones, type Milestone, type Project } from "../../milestones/index.js";
import {
  type FreshnessState,
  type Notebook,
  notebookStatus,
  parseNotebook,
  placeOf,
  serializeNotebook,
  steadily,
} from "../../notebook/index.js";
import type {
  KeepRequest,
  MilestoneSummary,
  NotebookChange,
  NotebookSaved,
  NotebookState,
} from "../contract.js";
import { bodyOf } from "../http/body.js";
import type { WorkingCopies } from "./copies.js";
import type { ProgressFile } from "./progress.js";

interface Named {
  readonly milestone: string;
}

/** `/studio/milestones` and `/studio/notebooks`: see `contract.ts`. */
export function serveNotebooks(
  app: FastifyInstance,
  project: Project,
  copies: WorkingCopies,
  progress: ProgressFile,
): void {
  app.get("/studio/milestones", async (): Promise<MilestoneSummary[]> => {
    const all = await listMilestones(project);
    const learned = await progress.read();
    return steadily(() =>
      Promise.all(
        all.map(async (milestone) => ({
          id: milestone.id,
          label: milestone.label,
          title: milestone.title,
          oneLine: milestone.oneLine,
          folder: relative(project.root, milestone.folder).replaceAll("\\", "/"),
          hasNotebook: existsSync(milestone.notebookPath),
          state: await stateOf(milestone, project),
          isEdited: existsSync(milestone.notebookPath) && (await copies.isEdited(milestone)),
          progress: learned[milestone.id] ?? { predictions: {}, exercises: {}, ran: [] },
        })),
      ),
    );
  });

  app.get<{ Params: Named }>("/studio/notebooks/:milestone", async ({ params }) =>
    copies.state(await copies.milestone(params.milestone)),
  );
  app.put<{ Params: Named }>(
    "/studio/notebooks/:milestone",
    async ({ params, body }): Promise<NotebookSaved> => {
      const { notebook, etag } = bodyOf<NotebookChange>(body, { notebook: "object", etag: "string" });
      const milestone = await copies.milestone(params.milestone);
      return { etag: await copies.save(milestone, checked(notebook), etag) };
    },
  );

  app.get<{ Params: Named }>("/studio/notebooks/:milestone/file", async ({ params }, reply) => {
    const milestone = await copies.milestone(params.milestone);
    const { notebook } = await copies.state(milestone);
    return reply
      .type("application/x-ipynb+json")
      .header("content-disposition", `attachment; filename="${milestone.id}.ipynb"`)
      .send(serializeNotebook(notebook));
  });
  app.put<{ Params: Named }>(
    "/studio/notebooks/:milestone/file",
    async ({ params, body }): Promise<NotebookSaved> => {
      const milestone = await copies.milestone(params.milestone);
      return { etag: await copies.replace(milestone, checked(body)) };
    },
  );

  app.post("/studio/keep", async ({ body }): Promise<NotebookState> => {
    const { milestone, etag, overwrite } = keepRequest(body);
    return copies.keep(await copies.milestone(milestone), etag, overwrite === true);
  });
  app.post("/studio/discard", async ({ body }): Promise<NotebookState> => {
    const { milestone, etag } = keepRequest(body);
    return copies.discard(await copies.milestone(milestone), etag);
  });
}

const keepRequest = (body: unknown): KeepRequest =>
  bodyOf<KeepRequest>(body, { milestone: "string", etag: "string" });

/** @throws LakehouseError `INVALID_METADATA` for what is no notebook of nbformat 4. */
export const checked = (value: unknown): Notebook => parseNotebook(JSON.stringify(value));

/** How the site would find it: by this machine's run where that is fresh or failed, else by the committed outputs. */
async function stateOf(milestone: Milestone, project: Project): Promise<MilestoneSummary["state"]> {
  const { machine, committed } = await notebookStatus(placeOf(milestone, project));
  if (machine.state === "not started") return "planned";
  if (machine.state === "fresh" || machine.state === "failed") return machine.state;
  return committed.state === "fresh" || machine.state === "missing"
    ? ofStored(committed.state)
    : ofStored(machine.state);
}

const ofStored = (state: FreshnessState): MilestoneSummary["state"] =>
  state === "not started" ? "planned" : state;

import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { breaks, pieceFromText, previewMilestone } from "../../content/index.js";
import type { Project } from "../../milestones/index.js";
import type { PieceChange, PiecesState } from "../contract.js";
import { bodyOf } from "../http/body.js";
import { Refused } from "../http/refused.js";
import type { WorkingCopies } from "../work/copies.js";

/** `/studio/pieces`: see `contract.ts`. */
export function servePieces(app: FastifyInstance, project: Project, copies: WorkingCopies): void {
  const stateOf = async (id: string): Promise<PiecesState> => {
    const { stale, pieces } = await previewMilestone(project, id);
    return {
      milestone: id,
      stale,
      pieces: pieces.map(({ name, file, source, html, checks, copies: files }) => ({
        kind: name,
        file,
        source,
        etag: etagOf(source),
        html,
        checks: checks.map((check) => ({
          rule: check.rule,
          ok: check.ok,
          breaks: breaks(check),
          line: check.line,
          column: check.column,
          message: check.message,
        })),
        copies: [...files].map(([name, text]) => ({ name, text })),
      })),
    };
  };

  app.get<{ Params: { milestone: string } }>("/studio/pieces/:milestone", async ({ params }) =>
    stateOf((await copies.milestone(params.milestone)).id),
  );
  app.put<{ Params: { milestone: string; kind: string } }>(
    "/studio/pieces/:milestone/:kind",
    async ({ params, body }) => {
      const { source, etag } = bodyOf<PieceChange>(body, { source: "string", etag: "string" });
      const { id } = await copies.milestone(params.milestone);
      const { pieces } = await previewMilestone(project, id);
      const piece = pieces.find(({ name }) => name === params.kind);
      if (!piece) throw new Refused(404, "NOT_FOUND", `${id} has no text ${params.kind}.`);
      // One that cannot be read would take all texts of the milestone with it, this page's own too.
      pieceFromText(piece.name, source, piece.file);
      const path = join(project.root, piece.file);
      if (etagOf(await readFile(path, "utf8")) !== etag)
        throw new Refused(
          409,
          "TEXT_CHANGED",
          `${piece.file} has changed since it was read.`,
          "Read it again.",
        );
      await writeFile(path, source);
      return stateOf(id);
    },
  );
}

const etagOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 32);

import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { FastifyInstance } from "fastify";
import type { Project } from "../../milestones/index.js";
import type { MilestoneProgress, Progress, ProgressChange } from "../contract.js";
import type { WorkingCopies } from "./copies.js";

const NOTHING: MilestoneProgress = { predictions: {}, exercises: {}, ran: [] };

/** What the learner has done, in `.lake/work/progress.json`. Changes add to what is there, one after the other. */
export class ProgressFile {
  readonly #path: string;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(project: Project) {
    this.#path = join(project.lake, "work", "progress.json");
  }

  async read(): Promise<Progress> {
    return existsSync(this.#path) ? (JSON.parse(await readFile(this.#path, "utf8")) as Progress) : {};
  }

  add(milestone: string, change: ProgressChange): Promise<MilestoneProgress> {
    const done = this.#turn.then(async () => {
      const all = await this.read();
      const next = added(all[milestone] ?? NOTHING, change);
      await mkdir(dirname(this.#path), { recursive: true });
      const partial = `${this.#path}.${process.pid}.tmp`;
      await writeFile(partial, `${JSON.stringify({ ...all, [milestone]: next }, null, 1)}\n`);
      await rename(partial, this.#path);
      return next;
    });
    this.#turn = done.catch(() => {});
    return done;
  }
}

/** A prediction is the first that was made: one after the answer was seen would be none. A solved exercise stays solved. */
function added(before: MilestoneProgress, change: ProgressChange): MilestoneProgress {
  const { prediction, exercise, ran = [], cell = before.cell } = change;
  const predictions = { ...before.predictions };
  if (prediction && !(prediction.name in predictions))
    predictions[prediction.name] = { choice: prediction.choice, at: new Date().toISOString() };
  const exercises = { ...before.exercises };
  if (exercise && exercises[exercise.name] !== "solved") exercises[exercise.name] = exercise.state;
  return { predictions, exercises, ran: [...new Set([...before.ran, ...ran])], cell };
}

/** `/studio/progress`: see `contract.ts`. */
export function serveProgress(app: FastifyInstance, progress: ProgressFile, copies: WorkingCopies): void {
  app.get("/studio/progress", () => progress.read());
  app.post<{ Params: { milestone: string } }>("/studio/progress/:milestone", async ({ params, body }) => {
    const { id } = await copies.milestone(params.milestone);
    return progress.add(id, (body ?? {}) as ProgressChange);
  });
}

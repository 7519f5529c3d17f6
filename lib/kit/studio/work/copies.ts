import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { listMilestones, type Milestone, type Project, selectMilestones } from "../../milestones/index.js";
import {
  type Cell,
  type Notebook,
  placeOf,
  readNotebook,
  serializeNotebook,
  writeNotebook,
} from "../../notebook/index.js";
import type { NotebookConflict, NotebookState } from "../contract.js";
import { Refused } from "../http/refused.js";

/**
 * Working copies of the milestones' notebooks, `.lake/work/<milestone>/notebook.ipynb`. Whatever is edited goes there; the
 * committed notebook changes by `keep` alone. A change names the state that it was made from, so that of two tabs the
 * second is told instead of winning.
 */
export class WorkingCopies {
  readonly #project: Project;
  /** One change after the other, by milestone. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(project: Project) {
    this.#project = project;
  }

  /** @throws LakehouseError `INVALID_CONFIG` for a word that names no milestone. */
  async milestone(id: string): Promise<Milestone> {
    const [milestone] = selectMilestones(await listMilestones(this.#project), [id]);
    return milestone as Milestone;
  }

  /** @throws Refused 404 where there is no notebook. */
  async state(milestone: Milestone): Promise<NotebookState> {
    const committed = await this.#committed(milestone);
    const copy = await readNotebook(this.#path(milestone));
    if (copy === undefined) {
      const executed = await readNotebook(placeOf(milestone, this.#project).executed);
      const notebook = executed ? withOutputsWhereSame(committed, executed) : committed;
      return { notebook, etag: etagOf(notebook), isWorkingCopy: false, isBehind: false };
    }
    return {
      notebook: copy,
      etag: etagOf(copy),
      isWorkingCopy: true,
      isBehind: (await this.#base(milestone)) !== etagOf(committed),
    };
  }

  /** True where the working copy says something else than the committed notebook; outputs do not count. */
  async isEdited(milestone: Milestone): Promise<boolean> {
    const copy = await readNotebook(this.#path(milestone));
    return copy !== undefined && textOf(copy) !== textOf(await this.#committed(milestone));
  }

  /** @returns the new etag. @throws Refused 409 where `etag` is not that of what is stored. */
  save(milestone: Milestone, notebook: Notebook, etag: string): Promise<string> {
    return this.#inTurn(milestone, async () => {
      await this.#expect(milestone, etag);
      return this.#write(milestone, notebook);
    });
  }

  /** Puts a notebook in the working copy's place, whatever was there: for programs whose protocol knows no etag. */
  replace(milestone: Milestone, notebook: Notebook): Promise<string> {
    return this.#inTurn(milestone, () => this.#write(milestone, notebook));
  }

  /**
   * Writes the copy's cells and titles over the committed notebook. Outputs stay those that are committed, where the code
   * is the same still, and go elsewhere: committed outputs are vouched for by a run (`slh run --save`), which stepping is
   * not.
   *
   * @throws Refused 409 where another tab has saved since, or the committed notebook has changed since the copy was made.
   */
  keep(milestone: Milestone, etag: string, overwrite = false): Promise<NotebookState> {
    return this.#inTurn(milestone, async () => {
      const { notebook, isWorkingCopy, isBehind } = await this.#expect(milestone, etag);
      if (!isWorkingCopy) return this.state(milestone);
      if (isBehind && !overwrite) {
        throw new Refused(
          409,
          "COMMITTED_CHANGED",
          `The notebook of ${milestone.id} has changed since its working copy was made.`,
          "Keep with overwrite, or export the copy, discard it and bring its changes over.",
        );
      }
      const committed = await this.#committed(milestone);
      const kept = { ...withOutputsWhereSame(notebook, committed), metadata: committed.metadata };
      await writeNotebook(milestone.notebookPath, kept);
      await this.#remove(milestone);
      return this.state(milestone);
    });
  }

  /** Removes the copy. @throws Refused 409 where another tab has saved since. */
  discard(milestone: Milestone, etag: string): Promise<NotebookState> {
    return this.#inTurn(milestone, async () => {
      await this.#expect(milestone, etag);
      await this.#remove(milestone);
      return this.state(milestone);
    });
  }

  async #expect(milestone: Milestone, etag: string): Promise<NotebookState> {
    const current = await this.state(milestone);
    if (current.etag === etag) return current;
    const conflict: Omit<NotebookConflict, "message" | "remedy"> = { code: "WORKING_COPY_CHANGED", current };
    throw new Refused(
      409,
      conflict.code,
      `The working copy of ${milestone.id} has changed since this one was read: in another tab, or by another program.`,
      "Take the current one, or export yours first.",
      { current },
    );
  }

  async #write(milestone: Milestone, notebook: Notebook): Promise<string> {
    const path = this.#path(milestone);
    if (!existsSync(path)) {
      await mkdir(this.#folder(milestone), { recursive: true });
      await writeFile(this.#basePath(milestone), etagOf(await this.#committed(milestone)));
    }
    await writeNotebook(path, notebook);
    // As it is read again: writing folds bookkeeping.
    return etagOf((await readNotebook(path)) ?? notebook);
  }

  async #remove(milestone: Milestone): Promise<void> {
    await rm(this.#path(milestone), { force: true });
    await rm(this.#basePath(milestone), { force: true });
  }

  async #committed({ id, notebookPath }: Milestone): Promise<Notebook> {
    const committed = await readNotebook(notebookPath);
    if (committed) return committed;
    throw new Refused(404, "NO_NOTEBOOK", `${id} has no notebook yet.`, "Write one: slh new");
  }

  async #base(milestone: Milestone): Promise<string | undefined> {
    const path = this.#basePath(milestone);
    return existsSync(path) ? readFile(path, "utf8") : undefined;
  }

  #inTurn<T>(milestone: Milestone, what: () => Promise<T>): Promise<T> {
    const done = (this.#turns.get(milestone.id) ?? Promise.resolve()).then(what);
    this.#turns.set(
      milestone.id,
      done.catch(() => {}),
    );
    return done;
  }

  #folder = ({ id }: Milestone): string => join(this.#project.lake, "work", id);
  #path = (milestone: Milestone): string => join(this.#folder(milestone), "notebook.ipynb");
  /** Which committed notebook the copy was made from. */
  #basePath = (milestone: Milestone): string => join(this.#folder(milestone), "base");
}

export const etagOf = (notebook: Notebook): string =>
  createHash("sha256").update(serializeNotebook(notebook)).digest("hex").slice(0, 32);

const textOf = ({ cells }: Notebook): string =>
  JSON.stringify(cells.map(({ cell_type, id, source, metadata }) => [cell_type, id, source, metadata.tags]));

/** The notebook, with the outputs that cells of the same code have in another; the other code cells have none. */
function withOutputsWhereSame(notebook: Notebook, other: Notebook): Notebook {
  const ran = new Map(other.cells.map((cell) => [cell.id, cell]));
  const cells = notebook.cells.map((cell): Cell => {
    if (cell.cell_type !== "code") return cell;
    const same = ran.get(cell.id);
    const has = same?.source === cell.source ? same : undefined;
    return { ...cell, outputs: has?.outputs ?? [], execution_count: has?.execution_count ?? null };
  });
  return { ...notebook, cells };
}

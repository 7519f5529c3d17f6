import type { LanguageCells, LanguageDiagnostic } from "../../contract.js";
import { ask } from "../base/server.js";
import type { OpenNotebook } from "./open.js";

/** What the language service wants to know with each question. */
export function languageCells(notebook: OpenNotebook): LanguageCells {
  return {
    milestone: notebook.milestone.id,
    cells: notebook.cells.value
      .filter((cell) => cell.isCode)
      .map((cell) => ({ id: cell.id, source: cell.source.value })),
  };
}

const WAIT = 500;

/** Asks for the type errors of the whole notebook when it has not changed for a moment; cells show their own. */
export class TypeChecker {
  readonly #notebook: OpenNotebook;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #turn = 0;

  constructor(notebook: OpenNotebook) {
    this.#notebook = notebook;
  }

  soon(wait = WAIT): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#check(), wait);
  }

  async #check(): Promise<void> {
    const turn = ++this.#turn;
    const found = await ask<readonly LanguageDiagnostic[]>(
      "/studio/language/diagnostics",
      "POST",
      languageCells(this.#notebook),
    ).catch(() => undefined);
    if (!found || turn !== this.#turn) return;
    for (const cell of this.#notebook.cells.value) {
      const own = found.filter(({ cell: id }) => id === cell.id);
      if (own.length > 0 || cell.diagnostics.value.length > 0) cell.diagnostics.value = own;
    }
  }
}

import { autocompletion, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { type Diagnostic, setDiagnostics } from "@codemirror/lint";
import { type EditorView, hoverTooltip } from "@codemirror/view";
import type { Completions, Hover, LanguageDiagnostic, LanguagePosition } from "../../contract.js";
import { markdownHtml } from "../base/markdown.js";
import { ask } from "../base/server.js";
import type { StudioCell } from "../notebook/cell.js";
import type { OpenNotebook } from "../notebook/open.js";
import { languageCells } from "../notebook/type-checker.js";
import { codeHtml } from "./static.js";

const KINDS: Readonly<Record<string, string>> = {
  method: "method",
  function: "function",
  "local function": "function",
  property: "property",
  getter: "property",
  class: "class",
  interface: "interface",
  type: "type",
  enum: "enum",
  keyword: "keyword",
  module: "namespace",
  const: "constant",
};

/** Completion and hover by TypeScript, over all cells of the notebook. The service being away is no fault of the text. */
export function languageTools(notebook: OpenNotebook, cell: StudioCell) {
  const at = (offset: number): LanguagePosition => ({ ...languageCells(notebook), cell: cell.id, offset });

  async function complete(context: CompletionContext): Promise<CompletionResult | null> {
    const word = context.matchBefore(/[\w$]+$/);
    const dot = context.matchBefore(/\.\s*$/);
    if (!context.explicit && !word && !dot) return null;
    const found = await ask<Completions>("/studio/language/complete", "POST", at(context.pos)).catch(
      () => undefined,
    );
    if (!found || context.aborted) return null;
    return {
      from: found.from,
      to: found.to,
      validFor: /^[\w$]*$/,
      options: found.options.map(({ label, kind, rank }) => ({
        label,
        type: KINDS[kind] ?? "variable",
        sortText: rank + label,
      })),
    };
  }

  const hover = hoverTooltip(async (_view, pos) => {
    const found = await ask<Hover | null>("/studio/language/hover", "POST", at(pos)).catch(() => null);
    if (!found) return null;
    return {
      pos: found.from,
      end: found.to,
      above: true,
      create: () => {
        const dom = document.createElement("div");
        dom.className = "hover-card";
        dom.innerHTML = `<pre>${codeHtml(found.code)}</pre>${found.text ? `<div class="prose">${markdownHtml(found.text)}</div>` : ""}`;
        return { dom };
      },
    };
  });

  return [autocompletion({ override: [complete], icons: false }), hover];
}

/** Shows what the service has found in a cell. */
export function showDiagnostics(view: EditorView, found: readonly LanguageDiagnostic[]): void {
  const { length } = view.state.doc;
  const shown: Diagnostic[] = found
    .filter(({ from }) => from <= length)
    .map(({ from, to, severity, message, code }) => ({
      from,
      to: Math.max(from, Math.min(to, length)),
      severity,
      message: `${message} (TS${code})`,
    }));
  view.dispatch(setDiagnostics(view.state, shown));
}

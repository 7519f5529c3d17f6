import { createHighlighter, type ThemeRegistrationRaw } from "shiki";
import { escapeHtml } from "../text/escape.js";

/** Highlights code as HTML; colours are CSS variables, so one page serves both themes. */
export interface Highlighter {
  /** A `<div class="code">` with the code and its language; unknown languages are shown plain. */
  code(text: string, language: string): string;
  close(): void;
}

const LANGUAGES = [
  "typescript",
  "javascript",
  "sql",
  "json",
  "bash",
  "yaml",
  "python",
  "diff",
  "html",
  "css",
] as const;
const ALIASES: Readonly<Record<string, string>> = {
  ts: "typescript",
  js: "javascript",
  sh: "bash",
  shell: "bash",
  console: "bash",
  yml: "yaml",
  py: "python",
};

const rule = (scope: string[], name: string, fontStyle?: string) => ({
  scope,
  settings: { foreground: `var(--${name})`, ...(fontStyle ? { fontStyle } : {}) },
});

/** Few colours, each with one meaning: keywords, strings and numbers, names being defined or called, comments. */
const theme: ThemeRegistrationRaw = {
  name: "sololakehouse",
  type: "light",
  settings: [
    { settings: { foreground: "var(--ink)", background: "transparent" } },
    rule(["comment", "punctuation.definition.comment"], "ink-faint", "italic"),
    rule(["keyword", "storage", "keyword.operator.new", "variable.language"], "ice-text"),
    rule(["keyword.operator", "punctuation", "meta.brace"], "ink-soft"),
    rule(
      ["string", "punctuation.definition.string", "constant.other.symbol", "markup.inserted"],
      "green-text",
    ),
    rule(["constant.numeric", "constant.language", "constant.character.escape"], "amber-text"),
    rule(["entity.name.function", "support.function", "entity.name.tag"], "teal-text"),
    rule(["entity.name.type", "entity.name.class", "support.type", "support.class"], "ink"),
    rule(["support.type.property-name.json", "entity.other.attribute-name"], "teal-text"),
    rule(["markup.deleted"], "red-text"),
  ],
};

export async function openHighlighter(): Promise<Highlighter> {
  const highlighter = await createHighlighter({ themes: [theme], langs: [...LANGUAGES] });
  return {
    code(text, language) {
      const lang = ALIASES[language] ?? language;
      const known = (LANGUAGES as readonly string[]).includes(lang);
      // Without a limit of time: on a busy machine, a line that took long would come out without its colours.
      const body = known
        ? highlighter
            .codeToHtml(text, { lang, theme: "sololakehouse", structure: "inline", tokenizeTimeLimit: 0 })
            .replaceAll("<br>", "\n")
        : escapeHtml(text);
      const label = language && known ? ` data-lang="${escapeHtml(lang)}"` : "";
      // tabindex: what scrolls sideways must be reachable by keyboard.
      return `<div class="code"${label}><pre tabindex="0"><code>${body}</code></pre></div>`;
    },
    close: () => highlighter.dispose(),
  };
}

import { javascriptLanguage, typescriptLanguage } from "@codemirror/lang-javascript";
import { classHighlighter, highlightCode } from "@lezer/highlight";

const inHtml = (text: string) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** TypeScript as highlighted HTML, without an editor. */
export function codeHtml(code: string, language: "typescript" | "javascript" = "typescript"): string {
  const { parser } = language === "typescript" ? typescriptLanguage : javascriptLanguage;
  let html = "";
  highlightCode(
    code,
    parser.parse(code),
    classHighlighter,
    (text, classes) => {
      html += classes ? `<span class="${classes}">${inHtml(text)}</span>` : inHtml(text);
    },
    () => {
      html += "\n";
    },
  );
  return html;
}

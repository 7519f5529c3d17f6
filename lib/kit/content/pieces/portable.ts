import { stripVTControlCharacters } from "node:util";
import { type Output, RECORD_MIME, type RecordedCell, type RecordedTable } from "../../notebook/index.js";
import { columnLabel, tableTexts } from "../html/table.js";
import { type Bound, shownCode, substitute } from "../model/bind.js";
import type { MilestoneContent, Piece } from "../model/inputs.js";
import type { SiteSettings } from "../model/load.js";
import { linkTarget, pageOf, type SiteMap } from "../model/site-map.js";
import { formatFact } from "../text/format.js";
import { parseSource } from "../text/source.js";

/** Where a milestone's pictures can be fetched from once the site is published. */
export type MediaUrl = (name: string) => string;

/**
 * A piece as Markdown that stands alone: facts in place, figures as pictures, tables and cells written out, links
 * whole.
 */
export function portableMarkdown(
  piece: Piece,
  content: MilestoneContent,
  bound: readonly Bound[],
  map: SiteMap,
  settings: SiteSettings,
  media: (owner: MilestoneContent) => MediaUrl,
): string {
  const body = substitute(piece, bound, (item) => {
    switch (item.kind) {
      case "given":
      case "fact":
        return item.text;
      case "figure":
        return `![${item.figure.alt.replace(/[[\]]/g, "")}](${media(item.owner)(`figure-${item.figure.name}.png`)})`;
      case "table":
        return markdownTable(item.table);
      case "cell":
        return markdownCell(item.cell, item.show);
    }
  });
  const linked = absoluteLinks(body, piece, content, map, settings, media(content));
  return `${unwrap(linked, piece.file).trim()}\n`;
}

/** Joins the lines of each paragraph: some platforms show every line break of the source. */
function unwrap(body: string, file: string): string {
  const prose = parseSource(body, file).prose.split("\n");
  const isText = (line: string | undefined, shown: string | undefined) =>
    shown !== undefined &&
    shown.trim() !== "" &&
    line !== undefined &&
    !/^\s*(?:[-*+>|#<]|\d+[.)]\s|!\[|={3}|-{3}| {4})/.test(line);
  const written = body.split("\n");
  const lines: string[] = [];
  for (const [index, line] of written.entries()) {
    const previous = written[index - 1];
    const continues =
      isText(line, prose[index]) && /\S/.test(previous ?? "") && isText(previous, prose[index - 1]);
    // Two spaces or a backslash at the end of a line ask for the break.
    if (continues && lines.length > 0 && !/(?: {2}|\\)$/.test(previous ?? ""))
      lines.push(`${lines.pop()} ${line.trim()}`);
    else lines.push(line);
  }
  return lines.join("\n");
}

/** Relative links made whole; those to files that are on no page and no code host keep their words only. */
function absoluteLinks(
  body: string,
  piece: Piece,
  content: MilestoneContent,
  map: SiteMap,
  settings: SiteSettings,
  media: MediaUrl,
): string {
  const { prose } = parseSource(body, piece.file);
  let result = "";
  let at = 0;
  for (const match of prose.matchAll(/(!?)\[([^\]\n]*)\]\(([^)\s]+)((?:\s+"[^"]*")?)\)/g)) {
    const [whole, bang, , href = "", title = ""] = match;
    const words = body.slice(match.index + (bang?.length ?? 0) + 1, body.indexOf("](", match.index));
    result += body.slice(at, match.index);
    at = match.index + whole.length;
    if (bang) {
      const name = href.replace(/^\.\//, "");
      const url = /^[a-z]+:/i.test(href) ? href : media(name === "diagram.svg" ? "diagram.png" : name);
      result += `![${words}](${url}${title})`;
      continue;
    }
    const target = linkTarget(href, content.milestone.folder, map, pageOf(piece, content));
    if (target.kind === "external") result += `[${words}](${target.href}${title})`;
    else if (target.kind === "page") {
      result += `[${words}](${settings.url}/${target.page}${target.fragment ? `#${target.fragment}` : ""}${title})`;
    } else if (target.kind === "source" && map.sourceBase)
      result += `[${words}](${map.sourceBase}/${target.path}${title})`;
    else result += words;
  }
  return result + body.slice(at);
}

function markdownTable(table: RecordedTable): string {
  const row = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [
    row(table.columns.map(columnLabel)),
    row(table.columns.map(({ align }) => (align === "right" ? "---:" : "---"))),
    ...tableTexts(table).map(row),
  ].join("\n");
}

function markdownCell(cell: RecordedCell, show: Extract<Bound, { kind: "cell" }>["show"]): string {
  const fence = (text: string, language: string) => {
    const ticks = "`".repeat(Math.max(3, ...[...text.matchAll(/`+/g)].map((run) => run[0].length + 1)));
    return `${ticks}${language}\n${text.trimEnd()}\n${ticks}`;
  };
  const output = show.output ? cell.outputs.map(outputText).filter(Boolean).join("\n") : "";
  return [
    ...(show.code ? [fence(shownCode(cell, show), "ts")] : []),
    ...(output.trim() ? [fence(output, "text")] : []),
  ].join("\n\n");
}

/** An output as text: facts as `name = value`, what has no text left out. */
function outputText(output: Output): string {
  if (output.output_type === "stream") return stripVTControlCharacters(output.text).trimEnd();
  if (output.output_type === "error") return `${output.ename}: ${output.evalue}`;
  const fact = output.data[RECORD_MIME.fact] as
    | (Parameters<typeof formatFact>[0] & { name: string })
    | undefined;
  if (fact) {
    const shown = formatFact(fact);
    return `${fact.name} = ${"text" in shown ? shown.text : String(fact.value)}`;
  }
  const text = output.data["text/plain"];
  return typeof text === "string" ? stripVTControlCharacters(text) : "";
}

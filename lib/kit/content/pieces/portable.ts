import { stripVTControlCharacters } from "node:util";
import { type Output, RECORD_MIME, type RecordedCell, type RecordedTable } from "../../notebook/index.js";
import { columnLabel, tableTexts } from "../html/table.js";
import { type Bound, shownCode, substitute } from "../model/bind.js";
import { diagramOf, type MilestoneContent } from "../model/inputs.js";
import { linkTarget, pageOf, picturePath } from "../model/site-map.js";
import { formatFact } from "../text/format.js";
import { parseSource } from "../text/source.js";
import type { ChannelInput } from "./piece.js";

/**
 * A piece as Markdown that stands alone: facts in place, figures as pictures, tables and cells written out, links
 * whole.
 */
export function portableMarkdown(
  input: ChannelInput,
  writeTable: (table: RecordedTable, owner: MilestoneContent) => string = markdownTable,
): string {
  const { piece, bound, media } = input;
  const body = substitute(piece, bound, (item) => {
    switch (item.kind) {
      case "given":
      case "planned":
      case "fact":
        return escapeMarkdown(item.text);
      case "figure":
        return `![${item.figure.alt.replace(/[[\]]/g, "")}](${media(item.owner)(`figure-${item.figure.name}.png`)})`;
      case "table":
        return writeTable(item.table, item.owner);
      case "cell":
        return markdownCell(item.cell, item.show);
    }
  });
  return `${unwrap(absoluteLinks(body, input), piece.file).trim()}\n`;
}

/** What a fact says is text, whatever signs are in it. */
const escapeMarkdown = (text: string): string => text.replace(/[\\`*_[\]<>|]/g, "\\$&");

/** Joins the lines of each paragraph: some platforms show every line break of the source. */
function unwrap(body: string, file: string): string {
  const lines = body.split("\n");
  const first = new Map(parseSource(body, file).paragraphs.map(([from, to]) => [from, to]));
  const joined: string[] = [];
  for (let at = 0; at < lines.length; ) {
    const end = first.get(at) ?? at + 1;
    let paragraph = lines[at] ?? "";
    for (const line of lines.slice(at + 1, end)) {
      // Two spaces or a backslash at the end of a line ask for the break.
      paragraph += / {2}$|\\$/.test(paragraph) ? `\n${line}` : ` ${line.replace(/^[\s>]+/, "")}`;
    }
    joined.push(paragraph);
    at = end;
  }
  return joined.join("\n");
}

/** Relative links made whole; those to files that are on no page and no code host keep their words only. */
function absoluteLinks(body: string, input: ChannelInput): string {
  const { piece, content, media } = input;
  const pictureUrl = (href: string): string => {
    const name = picturePath(href);
    if (name === undefined) return href;
    return media(content)(diagramOf(content, name) ? name.replace(/\.svg$/, ".png") : name);
  };
  const { links, text } = parseSource(body, piece.file);
  const place = (from: number, to: number): string => {
    let result = "";
    let at = from;
    for (const link of links) {
      const { start, end, label, href, image, kind } = link;
      if (start < at || end > to || kind !== "markdown" || !label) continue;
      result += text.slice(at, start);
      at = end;
      // A picture may be the words of a link.
      const words = place(...label);
      const title = /\s("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*\)$/.exec(text.slice(label[1], end))?.[1];
      const url = image ? pictureUrl(href) : linkUrl(href, input);
      const sign = image ? "!" : "";
      result += url === undefined ? words : `${sign}[${words}](${url}${title ? ` ${title}` : ""})`;
    }
    return result + text.slice(at, to);
  };
  return place(0, text.length);
}

function linkUrl(href: string, { piece, content, map, settings }: ChannelInput): string | undefined {
  const target = linkTarget(href, content.milestone.folder, map, pageOf(piece, content));
  const fragment = "fragment" in target && target.fragment ? `#${target.fragment}` : "";
  switch (target.kind) {
    case "external":
      return target.href;
    case "page":
      return `${settings.url}/${target.page}${fragment}`;
    case "source":
      return map.sourceBase && `${map.sourceBase}/${target.path}${fragment}`;
    case "missing":
      return undefined;
  }
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

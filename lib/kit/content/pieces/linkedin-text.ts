import { type Bound, substitute } from "../model/bind.js";
import type { Piece } from "../model/inputs.js";

/** A piece's insertions as plain text: facts and given words as they read, everything else left out. */
export function plainInsertion(item: Bound): string {
  return item.kind === "fact" || item.kind === "given" || item.kind === "planned" ? item.text : "";
}

/** A post to paste: facts in place, bullets as `•`, paragraphs unwrapped, comments gone. */
export function linkedinText(piece: Piece, bound: readonly Bound[]): string {
  const text = substitute(piece, bound, plainInsertion).replace(/<!--[\s\S]*?-->/g, "");
  const paragraphs = text
    .trim()
    .split(/\n\s*\n/)
    .map(joinLines);
  return `${paragraphs.join("\n\n")}\n`;
}

/** A bullet and a line of hashtags start a line; any other line continues the sentence before it. */
function joinLines(paragraph: string): string {
  const lines: string[] = [];
  for (const line of paragraph.split("\n").map((raw) => raw.trim())) {
    const bullet = /^[-•]\s+(.*)$/.exec(line);
    if (bullet) lines.push(`• ${bullet[1]}`);
    else if (lines.length === 0 || line.startsWith("#")) lines.push(line);
    else lines.push(`${lines.pop()} ${line}`);
  }
  return lines.join("\n");
}

/** The same for the Posts API, whose text format reserves these characters. */
export function linkedinApiText(text: string): string {
  return text.replace(/[\\|{}@[\]()<>#*_~]/g, "\\$&");
}

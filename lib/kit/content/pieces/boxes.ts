import { basename } from "node:path";
import { readDiagram } from "../draw/diagrams.js";
import { diagramOf, type MilestoneContent, type Piece } from "../model/inputs.js";
import { findInsertions, type Problem } from "../text/insertions.js";
import { placeAt } from "../text/source.js";

/** A box's own line in D2: its name, then its label, and what it has in braces. An arrow's line has no such shape. */
const BOX = /^\s*[\w.-]+:\s*([^{]+?)\s*(\{.*)?$/;

/** The boxes of a diagram that stand for a part, by their labels; groups only hold others. */
function boxesOf(d2: string): string[] {
  const lines = d2.split("\n").filter((line) => !line.includes("->") && !/^\s*(direction|class):/.test(line));
  return lines.flatMap((line) => {
    const [, label = "", braces = ""] = BOX.exec(line) ?? [];
    // A group opens its braces on this line and closes them on a later one.
    if (label === "" || (braces !== "" && !braces.trimEnd().endsWith("}"))) return [];
    return [label.replaceAll("\\n", " ").trim()];
  });
}

/**
 * The page of the whole says of each box where it can be looked up: after each diagram comes a list, and each box has an item
 * in it, `**Name**`, with a link to a milestone, one to a decision, and a fact.
 */
export function boxProblems(piece: Piece, content: MilestoneContent): Problem[] {
  const pictures = piece.links.filter(({ image }) => image);
  const { insertions } = findInsertions(piece);
  return pictures.flatMap(({ href, start }, index) => {
    const diagram = diagramOf(content, basename(href));
    if (!diagram) return [];
    const section = piece.headings.find(({ level, offset }) => level === 2 && offset > start);
    const end = Math.min(
      pictures[index + 1]?.start ?? piece.text.length,
      section?.offset ?? piece.text.length,
    );
    const items = [...piece.text.slice(start, end).matchAll(/^- \*\*(.+?)\*\*.*$/gm)].map((match) => ({
      name: match[1] ?? "",
      from: start + match.index,
      to: start + match.index + match[0].length,
    }));
    return boxesOf(readDiagram(diagram)).flatMap((label): Problem[] => {
      const item = items.find(({ name }) => label === name || label.startsWith(`${name}, `));
      const place = placeAt(piece, item?.from ?? start);
      if (!item)
        return [{ place, message: `the box "${label}" of ${href} has no item: "- **${label}**: …".` }];
      const isInside = (at: number) => at >= item.from && at < item.to;
      const links = piece.links.filter((link) => isInside(link.start)).map((link) => link.href);
      const lacks = [
        links.some((link) => /\/(?:m\d\d-|notebooks\/)[\w-]+\/doc\.md/.test(link))
          ? []
          : ["a milestone's page"],
        links.some((link) => /\/decisions\/\d\d-/.test(link)) ? [] : ["a decision"],
        insertions.some(({ kind, start: at }) => kind === "fact" && isInside(at)) ? [] : ["a fact"],
      ].flat();
      if (lacks.length === 0) return [];
      return [{ place, message: `the box "${label}" does not lead to ${lacks.join(", nor to ")}.` }];
    });
  });
}

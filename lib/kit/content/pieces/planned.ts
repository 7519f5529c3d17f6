import type { Part } from "../model/parts.js";
import { findInsertions, type Problem } from "../text/insertions.js";
import { placeAt, type Source } from "../text/source.js";

/** Finds the words of a part, whole and in either case. */
const mentions = ({ words }: Part): RegExp =>
  new RegExp(
    `(?<![\\p{L}\\p{N}])(?:${words.map((word) => word.replace(/[^\p{L}\p{N} ]/gu, "\\$&").replace(/ /g, "\\s+")).join("|")})(?![\\p{L}\\p{N}])`,
    "giu",
  );

/**
 * Where a text speaks of what is not built as if it were, or calls planned what exists. A mention holds when its section has
 * the part's `{{ planned "…" }}`, or in a text without sections the text.
 */
export function plannedProblems(source: Source, parts: readonly Part[]): Problem[] {
  const marks = findInsertions(source).insertions.filter(({ kind }) => kind === "planned");
  const problems: Problem[] = marks.flatMap(({ name, place }) => {
    const part = parts.find((one) => one.name === name);
    if (!part) return [{ place, message: `no part is called "${name}": ${known(parts)}.` }];
    if (part.built === undefined) return [];
    return [
      { place, message: `${name} is there now (${part.built}): take the mark away, and say what it does.` },
    ];
  });
  for (const { index } of source.prose.matchAll(/\(planned\)/gi))
    problems.push({
      place: placeAt(source, index),
      message: `write {{ planned "part" }} for "planned": then a check says when it is out of date. ${known(parts)}.`,
    });
  const sections = [source.bodyStart, ...source.headings.map(({ offset }) => offset), source.text.length];
  for (const part of parts.filter(({ built }) => built === undefined)) {
    for (const [index, start] of sections.slice(0, -1).entries()) {
      const end = sections[index + 1] as number;
      if (marks.some((mark) => mark.name === part.name && mark.start >= start && mark.start < end)) continue;
      const found = mentions(part).exec(source.prose.slice(start, end));
      if (!found) continue;
      problems.push({
        place: placeAt(source, start + found.index),
        message: `"${found[0]}" is not built yet: say so in this section, {{ planned "${part.name}" }}.`,
      });
    }
  }
  return problems;
}

const known = (parts: readonly Part[]): string =>
  `planned are ${parts
    .filter(({ built }) => built === undefined)
    .map(({ name }) => name)
    .join(", ")}`;

/** The same for a cell of a notebook, which takes no insertion: it says "planned" itself. */
export function plannedInNotebook(source: Source, parts: readonly Part[]): Problem[] {
  const place = placeAt(source, 0);
  const found = parts.flatMap((part) => {
    const mention = part.built === undefined ? mentions(part).exec(source.prose) : undefined;
    return mention ? [mention[0]] : [];
  });
  const saysPlanned = /\bplanned\b/i.test(source.prose);
  if (found.length > 0 && !saysPlanned)
    return [{ place, message: `"${found[0]}" is not built yet: call it planned.` }];
  if (found.length === 0 && /\(planned\)/i.test(source.prose))
    return [
      { place, message: `nothing that it names is planned any more, or nothing known: ${known(parts)}.` },
    ];
  return [];
}

/** The same for a diagram: what is planned has the class `planned`, and nothing else has. */
export function plannedBoxes(d2: string, path: string, parts: readonly Part[]): Problem[] {
  return d2.split("\n").flatMap((line, index): Problem[] => {
    const place = { file: path, line: index + 1, column: 1 };
    const label = line.replaceAll("\\n", " ");
    const isPlanned = /class:\s*(?:\[[^\]]*)?\bplanned\b/.test(line);
    const mentioned = parts.filter((part) => mentions(part).test(label));
    const unbuilt = mentioned.find(({ built }) => built === undefined);
    if (unbuilt && !isPlanned)
      return [{ place, message: `${unbuilt.name} is not built yet: give it the class planned.` }];
    if (isPlanned && !unbuilt) {
      const built = mentioned[0];
      return [
        {
          place,
          message: built
            ? `${built.name} is there now (${built.built}): take the class planned away.`
            : `no part that is planned has this name: ${known(parts)}. milestones/parts.yaml lists them.`,
        },
      ];
    }
    return [];
  });
}

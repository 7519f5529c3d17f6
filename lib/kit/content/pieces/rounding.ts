import { type Bound, bind } from "../model/bind.js";
import type { MilestoneContent, Piece } from "../model/inputs.js";
import { unitFactor } from "../text/format.js";
import type { Problem } from "../text/insertions.js";
import { type Place, placeAt } from "../text/source.js";
import { postImage } from "./linkedin.js";

type BoundFact = Extract<Bound, { kind: "fact" }>;

/** A number as a text shows it, in the first unit of its family: what is the same to a reader is the same here. */
interface Quantity {
  readonly text: string;
  readonly value: number;
  /** Bytes are not compared with seconds. */
  readonly family: string;
  /** Half of the last decimal shown: how far off the exact value may be. */
  readonly half: number;
}

const SCALES: Readonly<Record<string, number>> = { thousand: 1e3, million: 1e6, billion: 1e9 };
const QUANTITY =
  /(?<![\p{L}\d.,])(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?:\s(thousand|million|billion))?\s?([A-Za-zµ%×]+)?/gu;

/** The numbers with a unit in a title or a text alternative. */
function quantitiesIn(text: string): Quantity[] {
  return [...text.matchAll(QUANTITY)].flatMap(([whole, digits = "", scale = "", unit = ""]) => {
    const value = Number(digits.replaceAll(",", "")) * (SCALES[scale] ?? 1);
    const known = unitFactor(unit);
    const half = 0.5 * 10 ** -(digits.split(".")[1]?.length ?? 0) * (SCALES[scale] ?? 1);
    // A zero is a rounding of whatever is small.
    return known && value !== 0
      ? [{ text: whole.trim(), value: value * known.factor, half: half * known.factor, family: known.family }]
      : [];
  });
}

/** What a text shows of a fact; undefined for one that is no number. */
function shownBy({ fact, text, insertion }: BoundFact): Quantity | undefined {
  const [, digits, scale = ""] = /^([\d,.]+)(?:\s(thousand|million|billion))?/.exec(text) ?? [];
  if (typeof fact.value !== "number" || digits === undefined) return undefined;
  const converted = insertion.modifiers.findLast(({ word }) => word === "unit")?.args[0];
  const isPercent = insertion.modifiers.some(({ word }) => word === "percent");
  const unit = isPercent ? "%" : (converted ?? fact.unit ?? "");
  const known = unitFactor(unit) ?? { factor: 1, family: unit };
  const value = Number(digits.replaceAll(",", "")) * (SCALES[scale] ?? 1) * known.factor;
  return { text, value, half: 0, family: known.family };
}

/** What was measured, in the first unit of its family. */
const exactOf = ({ fact }: BoundFact): number =>
  Number(fact.value) * (unitFactor(fact.unit ?? "")?.factor ?? 1);

const isSame = (a: number, b: number): boolean =>
  Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));

/**
 * Where a milestone's texts show one fact in two roundings, and where a picture that a text shows has another rounding of a
 * fact than the texts.
 */
export function roundingProblems(
  content: MilestoneContent,
  all: readonly MilestoneContent[],
): ReadonlyMap<Piece["name"], Problem[]> {
  const pieces = Object.values(content.pieces).map((piece) => ({ piece, ...bind(piece, content, all) }));
  const first = new Map<string, { shown: Quantity; exact: number; place: Place }>();
  const problems = new Map<Piece["name"], Problem[]>(pieces.map(({ piece }) => [piece.name, []]));
  for (const { piece, bound } of pieces) {
    for (const item of bound) {
      if (item.kind !== "fact") continue;
      const shown = shownBy(item);
      if (!shown) continue;
      const key = `${item.owner.milestone.id}:${item.fact.name}`;
      const before = first.get(key);
      if (before === undefined) first.set(key, { shown, exact: exactOf(item), place: item.insertion.place });
      else if (!isSame(before.shown.value, shown.value))
        problems.get(piece.name)?.push({
          place: item.insertion.place,
          message: `"${item.fact.name}" is ${shown.text} here and ${before.shown.text} at ${before.place.file}:${before.place.line}: one rounding for all.`,
        });
    }
  }
  const quoted = [...first].map(([name, { shown, exact }]) => ({ name, shown, exact }));
  for (const { piece, bound } of pieces) {
    for (const { figure, place } of figuresOf(piece, bound, content)) {
      for (const drawn of quantitiesIn(`${figure.title ?? ""}\n${figure.alt}`)) {
        const alike = quoted.filter(({ shown }) => shown.family === drawn.family);
        if (alike.some(({ shown }) => isSame(shown.value, drawn.value))) continue;
        const near = alike.find(({ exact }) => Math.abs(exact - drawn.value) <= drawn.half * 1.0001);
        if (!near) continue;
        problems.get(piece.name)?.push({
          place,
          message: `the figure "${figure.name}" says ${drawn.text}, and the texts say ${near.shown.text} (${near.name}): show the same.`,
        });
      }
    }
  }
  return problems;
}

function figuresOf(piece: Piece, bound: readonly Bound[], { recorded }: MilestoneContent) {
  const shown = bound.flatMap((item) =>
    item.kind === "figure" ? [{ figure: item.figure, place: item.insertion.place }] : [],
  );
  const image = piece.name === "linkedin" ? postImage(piece) : undefined;
  const pictured = image?.kind === "figure" ? recorded?.figures.get(image.name) : undefined;
  return pictured ? [...shown, { figure: pictured, place: placeAt(piece, 0) }] : shown;
}

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
}

const SCALES: Readonly<Record<string, number>> = { thousand: 1e3, million: 1e6, billion: 1e9 };
const QUANTITY =
  /(?<![\p{L}\d.,])(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?:\s(thousand|million|billion))?\s?([A-Za-zµ%×]+)?/gu;

/** The numbers with a unit in a title or a text alternative. */
function quantitiesIn(text: string): Quantity[] {
  return [...text.matchAll(QUANTITY)].flatMap(([whole, digits = "", scale = "", unit = ""]) => {
    const value = Number(digits.replaceAll(",", "")) * (SCALES[scale] ?? 1);
    const known = unitFactor(unit);
    return known ? [{ text: whole.trim(), value: value * known.factor, family: known.family }] : [];
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
  return { text, value, family: known.family };
}

const isSame = (a: number, b: number): boolean =>
  Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));

/** Numbers closer than this, and not the same, are taken for two roundings of one thing, or for two runs of it. */
const NEAR = 0.02;
const isNear = (a: number, b: number): boolean =>
  !isSame(a, b) && Math.abs(a - b) <= NEAR * Math.max(Math.abs(a), Math.abs(b));

/**
 * Where a milestone's texts show one fact in two roundings, and where a picture that a text shows has another figure than the
 * texts have for the same thing.
 */
export function roundingProblems(
  content: MilestoneContent,
  all: readonly MilestoneContent[],
): ReadonlyMap<Piece["name"], Problem[]> {
  const pieces = Object.values(content.pieces).map((piece) => ({ piece, ...bind(piece, content, all) }));
  const first = new Map<string, { shown: Quantity; place: Place }>();
  const problems = new Map<Piece["name"], Problem[]>(pieces.map(({ piece }) => [piece.name, []]));
  for (const { piece, bound } of pieces) {
    for (const item of bound) {
      if (item.kind !== "fact") continue;
      const shown = shownBy(item);
      if (!shown) continue;
      const key = `${item.owner.milestone.id}:${item.fact.name}`;
      const before = first.get(key);
      if (before === undefined) first.set(key, { shown, place: item.insertion.place });
      else if (!isSame(before.shown.value, shown.value))
        problems.get(piece.name)?.push({
          place: item.insertion.place,
          message: `"${item.fact.name}" is ${shown.text} here and ${before.shown.text} at ${before.place.file}:${before.place.line}: one rounding for all.`,
        });
    }
  }
  const quoted = [...first].map(([name, { shown }]) => ({ name, shown }));
  for (const { piece, bound } of pieces) {
    for (const { figure, place } of figuresOf(piece, bound, content)) {
      for (const drawn of quantitiesIn(`${figure.title ?? ""}\n${figure.alt}`)) {
        const alike = quoted.filter(({ shown }) => shown.family === drawn.family);
        if (alike.some(({ shown }) => isSame(shown.value, drawn.value))) continue;
        const near = alike.find(({ shown }) => isNear(shown.value, drawn.value));
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

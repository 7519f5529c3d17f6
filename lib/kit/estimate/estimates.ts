import { invalidArgument, nearNames } from "sololakehouse/errors";
import { namesIn, reckon } from "./formula.js";
import {
  ASSUMPTIONS,
  type AssumptionId,
  DERIVED,
  type Derived,
  type DerivedId,
  type Moved,
} from "./model.js";
import { inUnit, type Quantity, quantity } from "./quantity.js";

/** A result with its arithmetic. */
export interface Estimate extends Derived {
  readonly id: DerivedId;
  /** In its unit. */
  readonly value: number;
  /** Names of the formula with their values in place: `100 million rows/day × 40 bytes/row × 730 days`. */
  readonly arithmetic: string;
}

/**
 * All estimates, for assumptions of which some are moved. Notebook, command and page go by this one.
 *
 * @throws INVALID_ARGUMENT for an assumption that there is not, or a value that is no number or below zero.
 */
export function estimates(moved: Moved = {}): readonly Estimate[] {
  const known = new Map<string, { quantity: Quantity; unit: string }>();
  for (const { id, value, unit } of ASSUMPTIONS) {
    const chosen = moved[id] ?? value;
    known.set(id, { quantity: quantity(chosen, unit), unit });
  }
  for (const [id, value] of Object.entries(moved)) assertAssumption(id, value);
  return DERIVED.map((derived) => {
    const result = reckon(derived.formula, (name) => known.get(name)?.quantity);
    const value = inUnit(result, derived.unit);
    const arithmetic = arithmeticOf(derived.formula, known);
    known.set(derived.id, { quantity: result, unit: derived.unit });
    return { ...derived, value, arithmetic };
  });
}

/** One of them. */
export function estimate(id: DerivedId, moved: Moved = {}): number {
  return estimates(moved).find((one) => one.id === id)?.value as number;
}

function assertAssumption(id: string, value: number): asserts id is AssumptionId {
  const ids = ASSUMPTIONS.map((one) => one.id);
  if (!ids.some((one) => one === id)) {
    const near = nearNames(id, ids, 3);
    throw invalidArgument(
      id,
      `There is no assumption "${id}".`,
      `Take one of: ${(near.length > 0 ? near : ids).join(", ")}.`,
    );
  }
  if (!Number.isFinite(value) || value < 0) {
    throw invalidArgument(id, `"${id}" cannot be ${value}.`, "Give a number from 0 on.");
  }
}

function arithmeticOf(
  formula: string,
  known: ReadonlyMap<string, { quantity: Quantity; unit: string }>,
): string {
  const shown = new Map(
    namesIn(formula).flatMap((name) => {
      const found = known.get(name);
      return found ? [[name, withUnit(inUnit(found.quantity, found.unit), found.unit)] as const] : [];
    }),
  );
  return formula
    .replace(/[a-z_][a-z_0-9]*/g, (name) => shown.get(name) ?? name)
    .replaceAll(" * ", " × ")
    .replaceAll(" / ", " ÷ ");
}

/** Three digits are as many as an estimate has: `2.92 TB`, `34 billion rows/day`, `1 file/commit`. */
export function withUnit(value: number, unit: string): string {
  const text = rounded(value);
  if (unit === "" || unit === "1/question") return text;
  const counted = text === "1" ? unit.replace(/^([a-z]+)s(?=\/|$)/, "$1") : unit;
  return `${text} ${counted.replace("thousand/requests", "1,000 requests")}`;
}

function rounded(value: number): string {
  const [scale, word] = value >= 1e9 ? [1e9, " billion"] : value >= 1e6 ? [1e6, " million"] : [1, ""];
  return (value / scale).toLocaleString("en-US", { maximumSignificantDigits: 3 }) + word;
}

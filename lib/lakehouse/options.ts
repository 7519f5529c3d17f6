import { invalidArgument, nearNames } from "./errors.js";

/** The names of options, complete by the compiler's word. */
export type OptionNames<Options> = { readonly [Name in keyof Required<Options>]: true };

/**
 * Refuses what is no object of named values.
 *
 * @throws LakehouseError INVALID_ARGUMENT
 */
export function checkObject(call: string, what: string, given: unknown): void {
  if (typeof given === "object" && given !== null && !Array.isArray(given)) return;
  const found = given == null ? String(given) : `of type ${Array.isArray(given) ? "array" : typeof given}`;
  throw invalidArgument(call, `The ${what} of ${call} are ${found}, not an object.`);
}

/**
 * Refuses what is no text.
 *
 * @throws LakehouseError INVALID_ARGUMENT
 */
export function checkText(call: string, what: string, given: unknown): void {
  if (typeof given === "string") return;
  throw invalidArgument(
    call,
    `The ${what} of ${call} is ${given === null ? "null" : typeof given}, not a text.`,
  );
}

/**
 * Refuses what is neither true nor false.
 *
 * @throws LakehouseError INVALID_ARGUMENT
 */
export function checkFlag(call: string, what: string, given: unknown): void {
  if (given === undefined || typeof given === "boolean") return;
  throw invalidArgument(
    call,
    `The ${what} of ${call} is ${given === null ? "null" : typeof given}, not true or false.`,
  );
}

/**
 * Refuses options that a call does not have, and what is no object of options. Types do not hold in plain JavaScript, where
 * `{ mod: "…" }` would go unnoticed, and the call do something else than was meant.
 *
 * @throws LakehouseError INVALID_ARGUMENT, with the option that is near.
 */
export function checkOptions<Options extends object>(
  call: string,
  options: Options,
  names: OptionNames<Options>,
): void {
  checkObject(call, "options", options);
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(names, name));
  if (unknown === undefined) return;
  const [near] = nearNames(unknown, Object.keys(names));
  throw invalidArgument(
    unknown,
    `${call} has no option ${JSON.stringify(unknown)}.`,
    near === undefined
      ? `Its options are ${Object.keys(names).join(", ")}.`
      : `Did you mean ${JSON.stringify(near)}?`,
  );
}

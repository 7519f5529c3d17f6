import { invalidArgument, nearNames } from "./errors.js";

/** The names of options, complete by the compiler's word. */
export type OptionNames<Options> = { readonly [Name in keyof Required<Options>]: true };

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
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw invalidArgument(
      call,
      `The options of ${call} are ${options === null ? "null" : `of type ${Array.isArray(options) ? "array" : typeof options}`}, not an object.`,
    );
  }
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

import { isLakehouseError } from "../errors.js";

/** Letters of a text that leaves this process as part of a line or a span. */
const LONGEST = 1000;

export function shortened(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`;
}

/**
 * What of an event is told in a line: texts, numbers and flags, and an error by its code and message. What else there is,
 * such as the filter of a plan, has values of users' in it and is left out.
 *
 * @param shown takes secrets out of texts.
 */
export function tellable(event: object, shown: (text: string) => string): Record<string, unknown> {
  const told: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(event)) {
    if (typeof value === "string") told[name] = shortened(shown(value));
    else if (typeof value === "bigint") told[name] = String(value);
    else if (typeof value === "number" || typeof value === "boolean") told[name] = value;
    else if (value instanceof Error)
      told[name] = {
        code: isLakehouseError(value) ? value.code : value.name,
        message: shortened(shown(value.message)),
      };
  }
  return told;
}

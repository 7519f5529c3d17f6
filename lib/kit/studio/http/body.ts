import { Refused } from "./refused.js";

/**
 * The body of a request as what it should be.
 *
 * @param fields those that must be there, and what `typeof` says of them
 * @throws Refused 400 that names the field
 */
export function bodyOf<T>(
  body: unknown,
  fields: Readonly<Partial<Record<keyof T & string, "string" | "number" | "object">>>,
): T {
  const given = (body ?? {}) as Record<string, unknown>;
  for (const [name, kind] of Object.entries(fields)) {
    const value = given[name];
    if (typeof given !== "object" || typeof value !== kind || value === null)
      throw new Refused(400, "BAD_REQUEST", `The request has no ${name}, or it is not of type ${kind}.`);
  }
  return given as T;
}

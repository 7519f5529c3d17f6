/** What the text of a table property may be. */
export interface PropertyKind {
  /** What it must be, after "must be": `true or false`. */
  readonly must: string;
  accepts(text: string): boolean;
}

/** Upper and lower case are one, as in Java. */
export function oneOf(...values: readonly string[]): PropertyKind {
  return {
    must:
      values.length === 1 ? (values[0] as string) : `${values.slice(0, -1).join(", ")} or ${values.at(-1)}`,
    accepts: (text) => values.includes(text.toLowerCase()),
  };
}

/** Empty: the writer's own choice. Trino creates each table without a codec like that, and takes the property away again. */
export function codec(...names: readonly string[]): PropertyKind {
  const { must, accepts } = oneOf(...names);
  return { must, accepts: (text) => text === "" || accepts(text) };
}

/** Names with commas between them, or `none`. */
export function someOf(...values: readonly string[]): PropertyKind {
  return {
    must: `some of ${values.join(", ")}, with commas between them, or none`,
    accepts: (text) =>
      text.trim() === "none" || text.split(",").every((name) => values.includes(name.trim())),
  };
}

export const FLAG = oneOf("true", "false");

function matching(must: string, pattern: RegExp): PropertyKind {
  return { must, accepts: (text) => pattern.test(text.trim()) };
}

/** From 0 up. */
export const WHOLE = matching("a whole number", /^\d+$/);
export const POSITIVE = matching("a whole number above 0", /^0*[1-9]\d*$/);
export const SHARE: PropertyKind = {
  must: "a number between 0 and 1",
  accepts: (text) => Number(text) > 0 && Number(text) < 1,
};
/** Empty: the codec's own. Some codecs have levels below 0. */
export const LEVEL = matching("a whole number", /^(-?\d+)?$/);
/** Empty: none. */
export const LIMIT = matching("a whole number", /^\d*$/);
export const METRICS = matching(
  "none, counts, truncate(n) or full",
  /^(none|counts|full|truncate\(0*[1-9]\d*\))$/i,
);

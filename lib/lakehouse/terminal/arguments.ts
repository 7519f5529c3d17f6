import { InvalidArgumentError } from "commander";

/** What a person writes for a commit: a bare hash, `3f2a9c1b77e0~1`, is meant as `@3f2a9c1b77e0~1`. */
export const toRef = (text: string): string => (/^[0-9a-f]{8,64}(?:$|[~^*])/i.test(text) ? `@${text}` : text);

/** A whole number that is not smaller than `least`. */
export const wholeNumber =
  (least: 0 | 1) =>
  (text: string): number => {
    const number = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(number) && number >= least) return number;
    throw new InvalidArgumentError(`It is a whole number${least === 0 ? "" : ` from ${least}`}.`);
  };

export function portNumber(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError("A port is a number from 0 to 65535.");
}

/** One of a few words. */
export function oneOf<T extends string>(choices: readonly T[]): (text: string) => T {
  return (text) => {
    const found = choices.find((choice) => choice === text);
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`Choose from ${choices.join(", ")}.`);
  };
}

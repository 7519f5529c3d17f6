import type { TransformOf } from "./definition.js";
import type { Transform } from "./types.js";

type Plain = Exclude<Transform["transform"], "bucket" | "truncate" | "unknown">;

/** Reads the text of a transform without parameters. */
export function parsePlain<Kind extends Plain>(kind: Kind): (text: string) => TransformOf<Kind> | undefined {
  return (text) => (text === kind ? ({ transform: kind } as unknown as TransformOf<Kind>) : undefined);
}

/** The parameter of `name[parameter]`, a positive number of 32 bits; `undefined` for any other text. */
export function parseParameter(name: string, text: string): number | undefined {
  const match = /^([a-z]+)\s*\[\s*(\d+)\s*\]$/.exec(text);
  const parameter = Number(match?.[2]);
  return match?.[1] === name && parameter > 0 && parameter <= 0x7fffffff ? parameter : undefined;
}

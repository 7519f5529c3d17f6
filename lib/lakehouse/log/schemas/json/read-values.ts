/** Records' values, parsed. */
import { randomBytes } from "node:crypto";
import { parseJson } from "../../../iceberg/index.js";
import { BadValue, type ReadRow } from "../schema.js";

/** Says that a value has to be parsed with all of its digits. */
export const MORE_DIGITS = new BadValue("the value has more digits than a double");

/**
 * Between the values of a list: no record can know it, so none can pass for two, nor two for one. V8 keeps one copy of
 * texts as short as this.
 */
const MARK = randomBytes(7).toString("base64url");
const SEPARATOR = Buffer.from(`,"${MARK}",`);
const [BEGIN, END] = [0x5b, 0x5d];

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * All values in one go: to decode and parse each by itself takes as long again.
 *
 * @param convert of a value as JSON.parse has it; where it throws `MORE_DIGITS`, of one whose integers have all of theirs.
 */
export function readAll(
  values: readonly Uint8Array[],
  convert: (value: unknown) => Record<string, unknown>,
): ReadRow[] {
  const parsed = parseTogether(values);
  return values.map((value, i) => {
    const row = parsed === undefined ? MORE_DIGITS : attempt(() => convert(parsed[i * 2]));
    return row === MORE_DIGITS ? attempt(() => convert(parseOne(value))) : row;
  });
}

/** The values at even places; `undefined` where one of them is no JSON of its own. */
function parseTogether(values: readonly Uint8Array[]): readonly unknown[] | undefined {
  const size = values.reduce((sum, { length }) => sum + length + SEPARATOR.length, 2);
  const list = Buffer.allocUnsafe(size);
  let at = 0;
  list[at++] = BEGIN;
  for (const [i, value] of values.entries()) {
    if (i > 0) {
      list.set(SEPARATOR, at);
      at += SEPARATOR.length;
    }
    list.set(value, at);
    at += value.length;
  }
  list[at++] = END;
  let all: unknown[];
  try {
    all = JSON.parse(utf8.decode(list.subarray(0, at))) as unknown[];
  } catch {
    return undefined;
  }
  if (all.length !== Math.max(0, values.length * 2 - 1)) return undefined;
  for (let i = 1; i < all.length; i += 2) if (all[i] !== MARK) return undefined;
  return all;
}

function attempt(read: () => Record<string, unknown>): ReadRow {
  try {
    return read();
  } catch (error) {
    if (error instanceof BadValue) return error;
    throw error;
  }
}

/** Integers keep all of their digits. */
function parseOne(value: Uint8Array): unknown {
  let text: string;
  try {
    text = utf8.decode(value);
  } catch {
    throw new BadValue("the value is no UTF-8");
  }
  try {
    return parseJson(text);
  } catch (error) {
    throw new BadValue(`the value is no JSON: ${(error as Error).message}`);
  }
}

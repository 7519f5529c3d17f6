import type { ErrorKind } from "../../errors.js";

/**
 * A JSON value without loss: an integer outside ±(2^53 − 1) is a `bigint`, any other number a `number`.
 */
export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json };

/** Nesting beyond this is refused: no metadata is that deep, and a stack is not endless. */
const MAX_DEPTH = 256;

/** Stands before the digits of a big integer between the scan and the walk; cannot occur in a JSON document unescaped. */
const MARK = "\u0000int:";
const ESCAPED_MARK = "\\u0000int:";

/**
 * Parses JSON without losing digits. Node 20 has no lossless number, so integers of 16 digits and more are found
 * by a scan outside of strings, handed through `JSON.parse` as marked text, and turned to `bigint` after it: the
 * native parser does the work, and the walk happens only when there was such an integer.
 *
 * Throws `SyntaxError`, also for a number that would become infinite.
 */
export function parseJson(text: string): Json {
  const marked = markBigIntegers(text);
  const value = JSON.parse(marked ?? text) as Json;
  return marked === undefined ? value : unmark(value);
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** The text with each long integer as a marked string; `undefined` when it has none. Refuses deep nesting. */
function markBigIntegers(text: string): string | undefined {
  const parts: string[] = [];
  let copied = 0;
  let depth = 0;
  let i = 0;
  while (i < text.length) {
    const code = text.charCodeAt(i);
    if (code === 34) {
      i = endOfString(text, i);
    } else if (code === 123 || code === 91) {
      depth += 1;
      if (depth > MAX_DEPTH) throw new SyntaxError(`Nested deeper than ${MAX_DEPTH}`);
      i += 1;
    } else if (code === 125 || code === 93) {
      depth -= 1;
      i += 1;
    } else if (isDigit(code) || code === 45) {
      const start = i;
      let integer = true;
      for (i += 1; i < text.length; i += 1) {
        const c = text.charCodeAt(i);
        if (isDigit(c)) continue;
        if (c === 46 || c === 101 || c === 69 || c === 43 || c === 45) integer = false;
        else break;
      }
      if (!integer && !Number.isFinite(Number(text.slice(start, i)))) {
        throw new SyntaxError(`A number at ${start} is larger than any double`);
      }
      if (integer && i - start >= 16 && !Number.isSafeInteger(Number(text.slice(start, i)))) {
        if (!/^-?[1-9]\d*$/.test(text.slice(start, i))) throw new SyntaxError(`Bad number at ${start}`);
        parts.push(text.slice(copied, start), '"', ESCAPED_MARK, text.slice(start, i), '"');
        copied = i;
      }
    } else i += 1;
  }
  if (parts.length === 0) return undefined;
  parts.push(text.slice(copied));
  return parts.join("");
}

/** Index after the closing quote of the string that opens at `start`; the text's length when it never closes. */
function endOfString(text: string, start: number): number {
  let from = start + 1;
  for (;;) {
    const quote = text.indexOf('"', from);
    if (quote < 0) return text.length;
    let slashes = 0;
    while (text.charCodeAt(quote - 1 - slashes) === 92) slashes += 1;
    // An even run of backslashes escapes itself, so the quote after it closes.
    if (slashes % 2 === 0) return quote + 1;
    from = quote + 1;
  }
}

function unmark(value: Json): Json {
  if (typeof value === "string") return value.startsWith(MARK) ? markedInteger(value) : value;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) value[i] = unmark(value[i] as Json);
  } else if (value !== null && typeof value === "object") {
    for (const key of Object.keys(value)) {
      const child = value[key] as Json;
      if (typeof child !== "number" && typeof child !== "boolean") setOwn(value, key, unmark(child));
    }
  }
  return value;
}

/** A document may itself hold a string that looks marked; anything but digits after the mark shows that it did. */
function markedInteger(text: string): Json {
  const digits = text.slice(MARK.length);
  return /^-?[1-9]\d{14,}$/.test(digits) ? BigInt(digits) : text;
}

function setOwn(target: { [key: string]: Json }, key: string, value: Json): void {
  if (key === "__proto__")
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}

/** What `stringifyJson` writes: members that are `undefined` are left out. */
export type JsonInput =
  | null
  | boolean
  | number
  | bigint
  | string
  | RawJson
  | readonly JsonInput[]
  | { readonly [key: string]: JsonInput | undefined };

/** Text that is JSON already, written as it is. */
export class RawJson {
  constructor(readonly text: string) {}
}

/** JSON text without spaces; `bigint` is written as a JSON integer, non-finite numbers are refused. */
export function stringifyJson(value: JsonInput): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      if (!Number.isFinite(value)) throw new RangeError(`JSON has no ${value}`);
      // With its point, since readers take "-0" for the integer 0.
      return Object.is(value, -0) ? "-0.0" : String(value);
    case "bigint":
    case "boolean":
      return String(value);
  }
  if (value === null) return "null";
  if (value instanceof RawJson) return value.text;
  if (Array.isArray(value)) return `[${value.map(stringifyJson).join(",")}]`;
  let text = "";
  const members = value as { readonly [key: string]: JsonInput | undefined };
  for (const key of Object.keys(members)) {
    const member = members[key];
    if (member === undefined) continue;
    text += `${text === "" ? "" : ","}${quotedKey(key)}:${stringifyJson(member)}`;
  }
  return `{${text}}`;
}

const quotedKeys = new Map<string, string>();

/** The keys of metadata are few and come again and again; those of properties may be any, so the memory has a limit. */
function quotedKey(key: string): string {
  let quoted = quotedKeys.get(key);
  if (quoted === undefined) {
    quoted = JSON.stringify(key);
    if (quotedKeys.size < 1000) quotedKeys.set(key, quoted);
  }
  return quoted;
}

/** What a document is, for the errors about it. */
export interface JsonOrigin {
  /** URI or name of the document. */
  readonly subject: string;
  /** What is thrown where the document is not as it should be. */
  readonly kind: ErrorKind;
}

/** A value within a document that knows its path, so that an error can name it. */
export class JsonNode {
  constructor(
    readonly value: Json,
    private readonly origin: JsonOrigin,
    private readonly parent?: JsonNode,
    private readonly key?: string | number,
  ) {}

  /** Path from the root: `snapshots[3].snapshot-id`. */
  get path(): string {
    if (this.parent === undefined) return "";
    const before = this.parent.path;
    if (typeof this.key === "number") return `${before}[${this.key}]`;
    return before === "" ? `${this.key}` : `${before}.${this.key}`;
  }

  fail(problem: string, cause?: unknown): never {
    const at = this.path === "" ? "the document" : `"${this.path}"`;
    const { subject, kind } = this.origin;
    throw kind(subject, `Cannot read ${subject}: ${at} ${problem}.`, undefined, cause);
  }

  private expected(what: string): never {
    const found = stringifyJson(this.value as JsonInput);
    this.fail(`should be ${what} but is ${found.length > 60 ? `${found.slice(0, 57)}…` : found}`);
  }

  object(): { [key: string]: Json } {
    const value = this.value;
    if (value === null || typeof value !== "object" || Array.isArray(value)) this.expected("an object");
    return value;
  }

  /** A member that must be there. */
  get(key: string): JsonNode {
    const member = this.optional(key);
    return member ?? new JsonNode(null, this.origin, this, key).fail("is required but missing");
  }

  /** A member that may be absent; `null` counts as absent. */
  optional(key: string): JsonNode | undefined {
    const object = this.object();
    const value = Object.hasOwn(object, key) ? object[key] : undefined;
    return value === undefined || value === null ? undefined : new JsonNode(value, this.origin, this, key);
  }

  array(): JsonNode[] {
    if (!Array.isArray(this.value)) this.expected("a list");
    return this.value.map((item, index) => new JsonNode(item, this.origin, this, index));
  }

  string(): string {
    return typeof this.value === "string" ? this.value : this.expected("a string");
  }

  boolean(): boolean {
    return typeof this.value === "boolean" ? this.value : this.expected("true or false");
  }

  number(): number {
    if (typeof this.value === "bigint") return Number(this.value);
    return typeof this.value === "number" ? this.value : this.expected("a number");
  }

  /** A 32-bit integer. */
  int(): number {
    const { value } = this;
    if (typeof value === "number" && Number.isInteger(value) && Math.abs(value) <= 0x7fffffff) return value;
    return this.expected("a 32-bit integer");
  }

  /** A 64-bit integer. */
  long(): bigint {
    const { value } = this;
    if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
    if (typeof value === "bigint" && BigInt.asIntN(64, value) === value) return value;
    return this.expected("a 64-bit integer");
  }

  stringMap(): Record<string, string> {
    const result: Record<string, string> = {};
    for (const key of Object.keys(this.object())) {
      const text = this.get(key).string();
      Object.defineProperty(result, key, {
        value: text,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return result;
  }

  entries(): [string, JsonNode][] {
    return Object.entries(this.object()).map(([key, value]) => [
      key,
      new JsonNode(value, this.origin, this, key),
    ]);
  }
}

/** The root of a parsed document. Throws the origin's kind of error when the text is not JSON. */
export function readJson(text: string, origin: JsonOrigin): JsonNode {
  let value: Json;
  try {
    value = parseJson(text);
  } catch (cause) {
    return new JsonNode(null, origin).fail(`is not valid JSON (${(cause as Error).message})`, cause);
  }
  return new JsonNode(value, origin);
}

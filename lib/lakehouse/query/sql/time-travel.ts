import { applyEdits, type Edit, type EditedText } from "../text/edits.js";
import {
  fromByteString,
  identifierName,
  isKeyword,
  quoteIdentifier,
  type Token,
  tokenize,
} from "../text/tokens.js";

/** Which state of a table a reference asks for, as written. */
export interface TimeTravel {
  /** A snapshot id, or the name of one of the table's own branches or tags. */
  readonly version?: bigint | string | undefined;
  /** A SQL expression that gives a point in time. */
  readonly timestamp?: string | undefined;
}

/** A reference that DuckDB's grammar has no words for. `parts` is the dotted name, without the catalog's `ref`. */
export interface SpecialReference extends TimeTravel {
  readonly parts: readonly string[];
  readonly ref?: string | undefined;
}

export interface PreparedText extends EditedText {
  /** By the name that stands in for them in the text. */
  readonly special: ReadonlyMap<string, SpecialReference>;
}

interface Path {
  /** Tokens of the name itself, first and last. */
  readonly first: number;
  readonly last: number;
  /** The last token, a catalog reference included. */
  end: number;
  readonly parts: readonly string[];
  ref?: string | undefined;
  travel?: TimeTravel | undefined;
}

/**
 * Makes a text that DuckDB can parse out of one with our additions: `ns.table@ref`, names of four parts and more, and
 * time travel in the spellings of Trino (`t FOR VERSION AS OF 1`), Spark (`t VERSION AS OF 1`) and DuckDB
 * (`t AT (VERSION => 1)`), before or after the alias. Each such reference becomes one identifier.
 */
export function prepareText(source: string): PreparedText {
  const tokens = tokenize(source);
  const edits: Edit[] = [];
  const paths = takeRefs(tokens, findPaths(tokens), edits);
  takeClauses(tokens, paths, edits);
  const special = new Map<string, SpecialReference>();
  // What stands in for a reference is no name that the text has.
  let marker = "lakehouse reference";
  while (source.includes(marker)) marker += "_";
  for (const path of paths) {
    const deep =
      path.parts.length > 3 &&
      isKeyword(tokens[path.first - 1], "FROM", "JOIN", "USING", "COPY", "DESCRIBE", "SUMMARIZE");
    if (path.ref === undefined && !path.travel && !deep) continue;
    const name = `${marker} ${special.size + 1}`;
    special.set(name, {
      parts: path.parts,
      ref: path.ref,
      ...path.travel,
    });
    const start = tokens[path.first]?.start ?? 0;
    edits.push({ start, end: tokens[path.last]?.end ?? start, text: quoteIdentifier(name) });
  }
  return { ...applyEdits(source, edits), special };
}

const isName = (token: Token | undefined) => token?.kind === "word" || token?.kind === "quoted";

/** Every dotted name, a single one too. */
function findPaths(tokens: readonly Token[]): Path[] {
  const paths: Path[] = [];
  for (let i = 0; i < tokens.length; i++) {
    if (!isName(tokens[i])) continue;
    const first = i;
    while (tokens[i + 1]?.text === "." && isName(tokens[i + 2])) i += 2;
    const parts: string[] = [];
    for (let k = first; k <= i; k += 2) parts.push(identifierName(tokens[k] as Token));
    paths.push({ first, last: i, end: i, parts });
  }
  return paths;
}

/** `name@ref`, without a space: `@` is no binary operator, so nothing else can be meant. */
function takeRefs(tokens: readonly Token[], paths: readonly Path[], edits: Edit[]): Path[] {
  const kept: Path[] = [];
  for (const path of paths) {
    // The words of a reference are no names of their own.
    if (path.first <= (kept.at(-1)?.end ?? -1)) continue;
    kept.push(path);
    const at = tokens[path.last + 1];
    if (at?.text !== "@" || at.start !== tokens[path.last]?.end) continue;
    let end = at.end;
    let ref = "";
    let i = path.last + 2;
    for (; tokens[i]?.start === end; i++) {
      const token = tokens[i] as Token;
      if (token.kind === "quoted" && ref !== "") break;
      if (token.kind === "string" || (token.kind === "symbol" && !/^[-./]$/.test(token.text))) break;
      ref += token.kind === "quoted" ? identifierName(token) : fromByteString(token.text);
      end = token.end;
    }
    if (ref === "") continue;
    path.ref = ref;
    path.end = i - 1;
    edits.push({ start: at.start, end, text: "" });
  }
  return kept;
}

function takeClauses(tokens: readonly Token[], paths: readonly Path[], edits: Edit[]): void {
  for (let i = 1; i < tokens.length; i++) {
    const clause = readClause(tokens, i);
    const path = clause && pathBefore(tokens, paths, i);
    if (!clause || !path || path.travel) continue;
    path.travel = clause.travel;
    edits.push({ start: tokens[i]?.start ?? 0, end: tokens[clause.last]?.end ?? 0, text: "" });
    i = clause.last;
  }
}

/** The clause that starts at token `i`, if one does, and its last token. */
function readClause(tokens: readonly Token[], i: number): { travel: TimeTravel; last: number } | undefined {
  if (isKeyword(tokens[i], "AT") && tokens[i + 1]?.text === "(" && tokens[i + 3]?.text === "=>") {
    const close = closingParenthesis(tokens, i + 1);
    const value = close === undefined ? [] : tokens.slice(i + 4, close);
    return close === undefined ? undefined : travelOf(tokens[i + 2], value, close);
  }
  const at = isKeyword(tokens[i], "FOR") ? i + 1 : i;
  if (!isKeyword(tokens[at + 1], "AS") || !isKeyword(tokens[at + 2], "OF")) return undefined;
  const first = at + 3;
  const open = isKeyword(tokens[first], "CAST") ? first + 1 : first;
  const close = tokens[open]?.text === "(" ? closingParenthesis(tokens, open) : undefined;
  const typed =
    isKeyword(tokens[first], "TIMESTAMP", "TIMESTAMPTZ", "DATE") && tokens[first + 1]?.kind === "string";
  const last = close ?? (typed ? first + 1 : first);
  return travelOf(tokens[at], tokens.slice(first, last + 1), last);
}

function travelOf(
  unit: Token | undefined,
  value: readonly Token[],
  last: number,
): { travel: TimeTravel; last: number } | undefined {
  const [first] = value;
  const end = value.at(-1);
  if (!first || !end) return undefined;
  if (isKeyword(unit, "VERSION", "SYSTEM_VERSION")) {
    const version = versionOf(first.text === "(" && end.text === ")" ? value.slice(1, -1) : value);
    return version === undefined ? undefined : { travel: { version }, last };
  }
  if (!isKeyword(unit, "TIMESTAMP", "SYSTEM_TIME")) return undefined;
  if (value.length === 1 && first.kind !== "string") return undefined;
  const text = value.map((token) => fromByteString(token.text)).join(" ");
  return { travel: { timestamp: text }, last };
}

/** A snapshot id, or a name; a parameter's value stands there with its type, or in parentheses. */
function versionOf(value: readonly Token[]): bigint | string | undefined {
  const [first] = value;
  if (!first) return undefined;
  const id = /^CAST\('(\d+)'ASBIGINT\)$/i.exec(value.map(({ text }) => text).join(""))?.[1];
  if (id !== undefined) return BigInt(id);
  if (value.length !== 1) return undefined;
  if (first.kind === "number" && /^\d+$/.test(first.text)) return BigInt(first.text);
  return first.kind === "string" ? stringValue(first) : undefined;
}

function stringValue(token: Token): string {
  return fromByteString(token.text.slice(1, -1).replaceAll("''", "'"));
}

function closingParenthesis(tokens: readonly Token[], open: number): number | undefined {
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    if (tokens[i]?.text === "(") depth++;
    else if (tokens[i]?.text === ")" && --depth === 0) return i;
  }
  return undefined;
}

/** The table name that a clause at token `i` belongs to, looking back over an alias. */
function pathBefore(tokens: readonly Token[], paths: readonly Path[], i: number): Path | undefined {
  const endingAt = (end: number) => paths.find((path) => path.end === end);
  const word = endingAt(i - 1);
  if (!word) return undefined;
  const before = tokens[word.first - 1];
  if (isKeyword(before, "AS")) return endingAt(word.first - 2);
  const startsTable =
    before?.text === "," || isKeyword(before, "FROM", "JOIN", "DESCRIBE", "SUMMARIZE", "TABLE");
  if (startsTable || !isName(before)) return word;
  return word.ref === undefined && word.parts.length === 1 ? endingAt(word.first - 1) : word;
}

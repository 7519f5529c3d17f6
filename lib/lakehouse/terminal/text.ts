import { printable, widthOf } from "./characters.js";

/**
 * The command line: quiet, aligned, colour only on a terminal. `NO_COLOR` switches colour off and `FORCE_COLOR` on,
 * whatever they are set to.
 */
export type Ink = "green" | "red" | "amber" | "ice" | "grey" | "bold";

const CODES: Readonly<Record<Ink, readonly [number, number]>> = {
  green: [32, 39],
  red: [31, 39],
  amber: [33, 39],
  ice: [34, 39],
  grey: [90, 39],
  bold: [1, 22],
};

const wantsColour = (stream: NodeJS.WriteStream): boolean => {
  if (process.env.NO_COLOR) return false;
  return process.env.FORCE_COLOR ? true : stream.isTTY === true;
};

/** The text in a colour, where `stream` shows colours. What would tell the terminal something is shown instead. */
export function ink(text: string, colour: Ink, stream: NodeJS.WriteStream = process.stdout): string {
  const shown = printable(text);
  if (!wantsColour(stream)) return shown;
  const [on, off] = CODES[colour];
  return `\u001b[${on}m${shown}\u001b[${off}m`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const ESCAPES = /\u001b\[\d+m/g;

const OWN_COLOURS = new RegExp(`(\\u001b\\[(?:${[...new Set(Object.values(CODES).flat())].join("|")})m)`);

/**
 * A line that may hold `ink`: but for its colours, what would tell the terminal something is shown instead, line breaks
 * and tabs too, since a name or message with one would pass for lines of its own. At worst, data colours itself.
 */
const shownLine = (text: string): string =>
  text
    .split(OWN_COLOURS)
    .map((part, index) => (index % 2 === 1 ? part : oneLine(part)))
    .join("");

const oneLine = (text: string): string =>
  printable(text).replace(/[\n\t]/g, (character) => (character === "\n" ? "\\n" : "\\t"));

/** Prints one line for people on stdout: see `columns` for what it does with data that holds control characters. */
export function printLine(line = ""): void {
  console.log(wantsColour(process.stdout) ? shownLine(line) : oneLine(line));
}

/** Columns that a text takes on the screen, colours left out. */
const width = (text: string): number => widthOf(text.replace(ESCAPES, ""));

/**
 * `>` aligns a column right, `<` left. Columns without content are left out. Control characters in a cell are shown as
 * in JSON (`\u001b`, `\n`), not sent; the colours of `ink` stay.
 */
export function columns(cells: readonly (readonly string[])[], align: string): string[] {
  const rows = cells.map((row) => row.map(shownLine));
  const widths = [...align].map((_, index) => Math.max(0, ...rows.map((row) => width(row[index] ?? ""))));
  return rows.map((row) =>
    [...align]
      .flatMap((side, index) => {
        const size = widths[index] ?? 0;
        if (size === 0) return [];
        const text = row[index] ?? "";
        const gap = " ".repeat(size - width(text));
        return [side === ">" ? gap + text : text + gap];
      })
      .join("  ")
      .trimEnd(),
  );
}

/** `820 ms`, `8.1 s`, `2 min 05 s`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

/** `1 cell`, `12 cells`, `3,000,000 rows`. */
export const count = (number: number | bigint, one: string, many = `${one}s`): string =>
  `${number.toLocaleString("en-US")} ${Number(number) === 1 ? one : many}`;

/** What JSON can hold: not a bigint, on which `JSON.stringify` throws. */
export type JsonReady<T> = T extends bigint
  ? never
  : T extends object
    ? { [K in keyof T]: JsonReady<T[K]> }
    : T;

export function printJson<T>(value: T & JsonReady<T>): void {
  console.log(JSON.stringify(value, null, 2));
}

/** On one line, for a program that reads on: what a server says once it runs. */
export function printJsonLine<T>(value: T & JsonReady<T>): void {
  console.log(JSON.stringify(value));
}

/**
 * Progress of something that takes over a second. On a terminal one line that changes in place and is gone in the
 * end; elsewhere, where lines stay, each step that is new.
 */
export class ProgressLine {
  readonly #stream: NodeJS.WriteStream;
  #last = "";

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
  }

  /** @param live more of the line that changes all the time, such as seconds: shown on a terminal only. */
  update(step: string, live = ""): void {
    if (this.#stream.isTTY) {
      const line = live ? `${step}  ${ink(live, "grey", this.#stream)}` : step;
      const room = (this.#stream.columns || 80) - 1;
      this.#stream.write(`\r\u001b[2K${width(line) > room ? step.slice(0, room) : line}`);
    } else if (step !== this.#last) {
      this.#stream.write(`${step}\n`);
    }
    this.#last = step;
  }

  /** Takes the line away, before something else is printed. */
  clear(): void {
    if (this.#stream.isTTY && this.#last !== "") this.#stream.write("\r\u001b[2K");
    this.#last = "";
  }
}

/** `12.3 kB`, `4.0 MB`: in powers of ten, as disks are sold. */
export function byteSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

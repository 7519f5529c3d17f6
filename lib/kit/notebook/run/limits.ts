import type { MimeBundle } from "../file/nbformat.js";

/** Characters of a stream that a notebook keeps: of its beginning, and of its end. */
const HEAD = 64 * 1024;
const TAIL = 16 * 1024;

/** Characters that one form of a display may have. */
const FORM = 4 * 1024 * 1024;

const size = (characters: number): string =>
  characters < 1e6 ? `${Math.ceil(characters / 1e3)} kB` : `${(characters / 1e6).toFixed(1)} MB`;

/** Text that may become long: its beginning and its end are kept, and how much is left out between them. */
export class LongText {
  #head = "";
  #tail = "";
  #left = 0;

  add(text: string): void {
    const room = HEAD - this.#head.length;
    if (room > 0) this.#head += text.slice(0, room);
    if (text.length <= room) return;
    this.#tail += text.slice(Math.max(0, room));
    // Cut now and then: each time would copy the tail for every line.
    if (this.#tail.length > 16 * TAIL) this.#shorten();
  }

  #shorten(): void {
    const over = this.#tail.length - TAIL;
    if (over <= 0) return;
    this.#left += over;
    this.#tail = this.#tail.slice(over);
  }

  whole(): string {
    this.#shorten();
    if (this.#left === 0) return this.#head + this.#tail;
    // Whole lines stay on both sides of the notice.
    const lastLine = this.#head.lastIndexOf("\n") + 1;
    const head = lastLine > HEAD / 2 ? this.#head.slice(0, lastLine) : `${this.#head}\n`;
    const lineEnd = this.#tail.indexOf("\n");
    const tail = lineEnd === -1 || lineEnd > TAIL / 2 ? this.#tail : this.#tail.slice(lineEnd + 1);
    const left = this.#left + this.#head.length + this.#tail.length - head.trimEnd().length - tail.length;
    return `${head}… ${size(left)} of output left out: a notebook that kept it could hardly be opened …\n${tail}`;
  }
}

/** A display whose forms are too large for a notebook shows a notice in their place. */
export function cutBundle(data: MimeBundle): MimeBundle {
  const sizes = Object.entries(data).map(
    ([mime, value]) =>
      [mime, typeof value === "string" ? value.length : JSON.stringify(value ?? null).length] as const,
  );
  const large = sizes.filter(([, length]) => length > FORM);
  if (large.length === 0) return data;
  const kept = Object.entries(data).filter(([mime]) => !large.some(([name]) => name === mime));
  const notice = large
    .map(
      ([mime, length]) => `… ${mime} of ${size(length)} left out: a notebook takes ${size(FORM)} at most …`,
    )
    .join("\n");
  const text = kept.find(([mime]) => mime === "text/plain")?.[1];
  return {
    ...Object.fromEntries(kept),
    "text/plain": text === undefined ? notice : `${String(text)}\n${notice}`,
  };
}

/** Text as a terminal takes it: how wide it is, and what in it must not be sent. */

const PLAIN = /^[ -~]*$/;

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be sent
const UNPRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Text that tells the terminal nothing: control characters, with which escape sequences begin, and changes of direction
 * are shown as in JSON (`\u001b`). Line breaks and tabs stay.
 */
export function printable(text: string): string {
  return PLAIN.test(text)
    ? text
    : text.replace(UNPRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Columns that a text takes in a terminal: East Asian wide characters and emoji take two, combining marks none. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let columns = 0;
  for (const character of text) {
    if (/[\p{Mark}\u200b-\u200d\ufeff]/u.test(character)) continue;
    columns += WIDE.test(character) ? 2 : 1;
  }
  return columns;
}

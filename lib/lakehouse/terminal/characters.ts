/** Text as a terminal takes it: how wide it is, and what in it must not be sent. */

const PLAIN = /^[ -~]*$/;

/** Unicode's East Asian Width W and F, and emoji; a flag's two letters share its width. */
const WIDE =
  /(?![\u{1f1e6}-\u{1f1ff}])[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u;

/** Marks, joiners and direction marks, and the letters that complete a Korean syllable. */
const WITHOUT_WIDTH = /[\p{Mn}\p{Me}\u200b-\u200f\u2060-\u2064\ufeff\u1160-\u11ff]/u;

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
    if (WITHOUT_WIDTH.test(character)) continue;
    columns += WIDE.test(character) ? 2 : 1;
  }
  return columns;
}

/** Columns that a tab goes to. */
const TAB = 8;

// biome-ignore lint/suspicious/noControlCharactersInRegex: what terminals read begins with one
const STEP = /\u001b\[([0-9;?]*)([A-Za-z])|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[@-_]|[\s\S]/gu;

/**
 * Text as a terminal shows it in the end: what a carriage return, a backspace or a cursor's move went over is gone, colours
 * stay. Text without such signs comes back as it is.
 */
export function terminalText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (!/[\r\b\u0007]|\u001b(?!\[[0-9;]*m)/.test(text)) return text;
  const lines: string[][] = [[]];
  let row = 0;
  let column = 0;
  /** Colours that were switched on before the next sign. */
  let colours = "";
  const line = () => {
    while (lines.length <= row) lines.push([]);
    return lines[row] as string[];
  };
  const put = (sign: string) => {
    const now = line();
    while (now.length < column) now.push(" ");
    now[column++] = colours + sign;
    colours = "";
  };
  for (const [step, parameters, command] of text.matchAll(STEP)) {
    const count = Math.max(1, Number.parseInt(parameters ?? "", 10) || 1);
    const mode = Number.parseInt(parameters ?? "", 10) || 0;
    if (command === "m") colours += step;
    else if (command === "A") row = Math.max(0, row - count);
    else if (command === "B") row += count;
    else if (command === "C") column += count;
    else if (command === "D") column = Math.max(0, column - count);
    else if (command === "G") column = count - 1;
    else if (command === "K") {
      if (mode === 0) line().splice(column);
      else line().fill(" ", 0, mode === 1 ? column + 1 : undefined);
      if (mode === 2) line().splice(0);
    } else if (command === "J") {
      if (mode === 0) {
        line().splice(column);
        lines.splice(row + 1);
      } else {
        lines.splice(0, lines.length, []);
        row = 0;
        column = 0;
      }
    } else if (step.startsWith("\u001b") || step === "\u0007") {
      // Titles, bells and modes leave nothing on the screen.
    } else if (step === "\n") {
      if (colours !== "") {
        line().push(colours);
        colours = "";
      }
      row++;
      column = 0;
      line();
    } else if (step === "\r") column = 0;
    else if (step === "\b") column = Math.max(0, column - 1);
    else if (step === "\t")
      do put(" ");
      while (column % TAB !== 0);
    else put(step);
  }
  if (colours !== "") line().push(colours);
  return lines.map((signs) => signs.join("")).join("\n");
}

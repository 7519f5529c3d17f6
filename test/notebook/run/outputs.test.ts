import { describe, expect, test } from "vitest";
import { cutBundle, LongText } from "../../../lib/kit/notebook/run/limits.js";
import { OutputCollector } from "../../../lib/kit/notebook/run/outputs.js";
import { terminalText } from "../../../lib/kit/notebook/run/terminal-text.js";

describe("text as a terminal shows it", () => {
  test.each([
    ["plain\ntext\n", "plain\ntext\n"],
    ["\u001b[31mred\u001b[39m", "\u001b[31mred\u001b[39m"],
    ["10%\r20%\r100%\n", "100%\n"],
    ["longer\rab\n", "abnger\n"],
    ["a\r\nb\r\n", "a\nb\n"],
    ["ab\b\bc", "cb"],
    ["a\tb\rc", "c       b"],
    ["one\ntwo\n\u001b[2A\u001b[2Kuno\n", "uno\ntwo\n"],
    ["abc\u001b[2Dx\u001b[K", "ax"],
    ["old\u001b[2J\u001b[Hnew", "new"],
    [
      "\u001b[2K\u001b[1G\u001b[31mred\u001b[39m\r\u001b[32mgreen\u001b[39m",
      "\u001b[39m\u001b[32mgreen\u001b[39m",
    ],
    ["a\u0007\u001b]0;title\u0007b", "ab"],
  ])("%j is %j", (text, shown) => {
    expect(terminalText(text)).toBe(shown);
  });
});

describe("what would bloat a notebook", () => {
  const long = (pieces: readonly string[]) => {
    const text = new LongText();
    for (const piece of pieces) text.add(piece);
    return text.whole();
  };

  test("is cut with a notice: the beginning and the end of a stream stay, in whole lines", () => {
    const lines = Array.from({ length: 400_000 }, (_, index) => `line ${index} of many\n`);
    const text = long(lines);
    expect(text.length).toBeLessThan(100_000);
    expect(text).toMatch(/^line 0 of many\n/);
    expect(text).toMatch(/\nline 399999 of many\n$/);
    expect(text).toMatch(/\n… \d\.\d MB of output left out: .*…\n/);
    for (const line of text.split("\n")) expect(line).toMatch(/^(?:line \d+ of many|… .* …|)$/);
    expect(long(["short\n", "text"])).toBe("short\ntext");
    expect(long(["x".repeat(1_000_000)])).toMatch(/^x{65536}\n… 9\d\d kB of output left out: .*\nx{16384}$/);
  });

  test("is left out of a display, and its other forms stay", () => {
    const data = { "text/html": "<b>".repeat(2e6), "text/plain": "a table" };
    expect(cutBundle(data)).toEqual({
      "text/plain": "a table\n… text/html of 6.0 MB left out: a notebook takes 4.2 MB at most …",
    });
    expect(cutBundle({ "text/plain": "a" })).toEqual({ "text/plain": "a" });
  });

  test("does not grow in memory while it is gathered, and colours of a bar that moves are gone", () => {
    const outputs = new OutputCollector(1, "/nowhere");
    for (let step = 0; step <= 100; step++)
      outputs.add(0, { output_type: "stream", name: "stdout", text: `\r${step}%` });
    outputs.add(0, { output_type: "stream", name: "stderr", text: "e" });
    outputs.add(0, { output_type: "stream", name: "stdout", text: "end" });
    expect(outputs.of(0, 1)).toEqual([
      { output_type: "stream", name: "stdout", text: "100%" },
      { output_type: "stream", name: "stderr", text: "e" },
      { output_type: "stream", name: "stdout", text: "end" },
    ]);
  });
});

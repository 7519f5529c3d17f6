import { columns, count, duration, ink, ProgressLine, widthOf } from "sololakehouse/terminal";
import { afterEach, describe, expect, test } from "vitest";

const { NO_COLOR, FORCE_COLOR } = process.env;
afterEach(() => {
  for (const [name, value] of Object.entries({ NO_COLOR, FORCE_COLOR })) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

/** What a stream was told to write. */
function stream(isTTY: boolean) {
  const written: string[] = [];
  const fake = { isTTY, columns: 40, write: (text: string) => written.push(text) };
  return { written, stream: fake as unknown as NodeJS.WriteStream };
}

describe("the command line", () => {
  test("has colour on a terminal only, and never with NO_COLOR", () => {
    delete process.env.NO_COLOR;
    delete process.env.FORCE_COLOR;
    expect(ink("ok", "green", stream(true).stream)).toBe("\u001b[32mok\u001b[39m");
    expect(ink("ok", "green", stream(false).stream)).toBe("ok");
    process.env.NO_COLOR = "1";
    expect(ink("ok", "green", stream(true).stream)).toBe("ok");
  });

  test("aligns columns by what is seen, and drops those without content", () => {
    const rows = [
      ["m00", "", "\u001b[32mfresh\u001b[39m", "7"],
      ["m1", "", "no", "120"],
    ];
    expect(columns(rows, "<<<>")).toEqual(["m00  \u001b[32mfresh\u001b[39m    7", "m1   no     120"]);
  });

  test.each([
    ["plain", 5],
    ["é e\u0301", 3],
    ["日本語", 6],
    ["ｆｕｌｌ", 8],
    ["한국 \u1112\u1161\u11ab", 7],
    ["😀✅⭐⌚", 8],
    ["✔ ○ →", 5],
    ["🇩🇪", 2],
    ["हिन्दी", 5],
    ["a\u200bb\u2060c", 3],
    ["±€§", 3],
  ])("knows that %s takes %i columns", (text, columns) => {
    expect(widthOf(text)).toBe(columns);
  });

  test("writes times and counts for people", () => {
    expect([0, 820.4, 999.6, 8123, 59_960, 125_000].map(duration)).toEqual([
      "0 ms",
      "820 ms",
      "1.0 s",
      "8.1 s",
      "1 min 00 s",
      "2 min 05 s",
    ]);
    expect([count(1, "cell"), count(12, "cell"), count(3e6, "row")]).toEqual([
      "1 cell",
      "12 cells",
      "3,000,000 rows",
    ]);
  });

  test("shows progress in one line on a terminal, and each step once elsewhere", () => {
    const terminal = stream(true);
    const line = new ProgressLine(terminal.stream);
    line.update("m03  cell 1 of 2", "1.0 s");
    line.update("m03  cell 1 of 2 with a name that is far too long for it", "1.2 s");
    line.clear();
    line.clear();
    expect(terminal.written.map((text) => text.replaceAll("\u001b[2K", ""))).toEqual([
      expect.stringMatching(/^\rm03 {2}cell 1 of 2 {2}.*1\.0 s/),
      "\rm03  cell 1 of 2 with a name that is fa",
      "\r",
    ]);
    const file = stream(false);
    const lines = new ProgressLine(file.stream);
    lines.update("one", "1 s");
    lines.update("one", "2 s");
    lines.update("two");
    lines.clear();
    expect(file.written).toEqual(["one\n", "two\n"]);
  });
});

test("columns show control characters and line breaks of cells, keep the colours of ink, and stay aligned", () => {
  delete process.env.NO_COLOR;
  const red = ink("a\u001b[2J", "red", stream(true).stream);
  expect(
    columns(
      [
        [red, "x\ny"],
        ["long long name\u0007", "z"],
      ],
      "<<",
    ),
  ).toEqual(["\u001b[31ma\\u001b[2J\u001b[39m            x\\ny", "long long name\\u0007  z"]);
});

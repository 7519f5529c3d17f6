import fc from "fast-check";
import { expect, test } from "vitest";
import { type InputFormat, recordParser } from "../../lib/lakehouse/log/commands/read-records.js";

async function recordsOf(format: InputFormat, pieces: readonly string[]): Promise<unknown[]> {
  const parse = await recordParser({ format, headers: [] });
  return [...pieces.flatMap((piece) => [...parse(piece, false)]), ...parse("", true)].map(
    ({ value }) => value,
  );
}

test.each([
  ["lines", fc.constantFrom("a", "b\n", "\r\n", "\n")],
  ["csv", fc.constantFrom("a", "b,c\n", "\r\n", '"d\ne"\n')],
] as const)("the records of %s are the same, however their text is cut", async (format, part) => {
  await fc.assert(
    fc.asyncProperty(fc.array(part), fc.array(fc.nat({ max: 40 })), async (parts, cuts) => {
      const text = `x${format === "csv" ? "\n" : ""}${parts.join("")}`;
      const places = [...new Set(cuts.map((at) => at % (text.length + 1)))].sort((a, b) => a - b);
      const pieces = [0, ...places].map((from, i) => text.slice(from, places[i] ?? text.length));
      const whole = await recordsOf(format, [text]).catch((error: Error) => error.message);
      expect(await recordsOf(format, pieces).catch((error: Error) => error.message)).toEqual(whole);
    }),
  );
});

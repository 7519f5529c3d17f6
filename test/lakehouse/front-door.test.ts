import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as frontDoor from "sololakehouse";
import { expect, test } from "vitest";

const house = join(import.meta.dirname, "../../lib/lakehouse");
const read = (file: string) => readFileSync(join(house, file), "utf8");
/** What `export { a, type B } from …` lists. */
const listed = (text: string): string[] =>
  [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, names = ""]) =>
    names
      .split(",")
      .map((name) => name.trim().replace(/^type /, ""))
      .filter((name) => name !== ""),
  );

test("the front door lists what it offers, and it is not everything", () => {
  const text = read("index.ts");
  expect(text).not.toMatch(/^export \*/m);
  const names = listed(text);
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThan(110);
  expect(names.length).toBeLessThan(160);
  const values = Object.entries(frontDoor);
  for (const [name, value] of values)
    expect({ name, value: typeof value }).not.toMatchObject({ value: "undefined" });
  expect(values.map(([name]) => name).filter((name) => !names.includes(name))).toEqual([]);
});

test("every room can be imported by its name, and nothing else of the package", () => {
  const { exports, typesVersions } = JSON.parse(read("package.json"));
  const rooms = readdirSync(house).filter((name) => existsSync(join(house, name, "index.ts")));
  const entries = Object.keys(exports)
    .filter((entry) => entry !== "." && entry !== "./package.json")
    .map((entry) => entry.replace("./", ""));
  expect(entries.sort()).toEqual([...rooms, "errors"].sort());
  // Editors of TypeScript that do not know `exports` look there.
  for (const entry of entries)
    expect(typesVersions["*"][entry]).toEqual([exports[`./${entry}`].types.replace("./", "")]);
});

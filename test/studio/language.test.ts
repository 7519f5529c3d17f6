import { expect, test } from "vitest";
import { notebookOf } from "../notebook/support/notebooks.js";
import { studio } from "./support/studio.js";

const CELLS = [
  {
    id: "a",
    source:
      "/** What is counted. */\nconst count: number = 1;\ninterface Flight { origin: string; delay: number }",
  },
  { id: "b", source: "" },
  { id: "c", source: "const flight: Flight = { origin: 'ATL', delay: count };\nflight." },
];

test("an editor is told what cells before have declared, and what is wrong where", async () => {
  const { ask } = await studio(notebookOf("1"));
  const at = (path: string, more: object = {}, cells = CELLS) =>
    ask("POST", `/studio/language/${path}`, { milestone: "m01", cells, ...more });

  const last = CELLS[2]?.source ?? "";
  const members = await at("complete", { cell: "c", offset: last.length });
  expect(members.status).toBe(200);
  expect(members.json.options.map(({ label }: { label: string }) => label)).toEqual(["delay", "origin"]);
  expect(members.json).toMatchObject({
    from: last.length,
    to: last.length,
    options: [{ kind: "property" }, {}],
  });
  const names = [
    { id: "a", source: CELLS[0]?.source ?? "" },
    { id: "d", source: "1 + cou" },
  ];
  expect((await at("complete", { cell: "d", offset: 7 }, names)).json).toMatchObject({
    from: 4,
    to: 7,
    options: expect.arrayContaining([{ label: "count", kind: "const", rank: expect.any(String) }]),
  });

  const hover = await at("hover", { cell: "c", offset: last.indexOf("count") + 1 });
  expect(hover.json).toEqual({
    from: last.indexOf("count"),
    to: last.indexOf("count") + 5,
    code: "const count: number",
    text: "What is counted.",
  });
  expect((await at("hover", { cell: "b", offset: 0 })).json).toBeNull();

  const wrong = [
    ...CELLS.slice(0, 2),
    { id: "c", source: "// first\nconst text: string = count;" },
    { id: "d", source: "nothing" },
  ];
  expect((await at("diagnostics", {}, wrong)).json).toEqual([
    {
      cell: "c",
      from: 15,
      to: 19,
      severity: "error",
      code: 2322,
      message: expect.stringContaining("number"),
    },
  ]);
  const trap = [
    { id: "a", source: "const count = 1;" },
    { id: "b", source: "const it = { count };" },
  ];
  expect((await at("diagnostics", {}, trap)).json).toMatchObject([{ cell: "b", from: 13, to: 18, code: 0 }]);
  // What has been corrected is right again, and so are the cells after it.
  const right = wrong.map(({ id, source }) => ({
    id,
    source: source.replace("string", "number").replace("nothing", "text"),
  }));
  expect((await at("diagnostics", {}, right)).json).toEqual([]);
  expect((await at("diagnostics", { cells: 1 })).status).toBe(400);
});

import { describe, expect, test } from "vitest";
import { prepareText } from "../../../lib/lakehouse/query/sql/time-travel.js";
import { fromByteString, toByteString, tokenize } from "../../../lib/lakehouse/query/text/tokens.js";

function prepare(sql: string) {
  const { text, special } = prepareText(toByteString(sql));
  return { text: fromByteString(text).replace(/\s+/g, " ").trim(), special: [...special.values()] };
}

describe("time travel and catalog references", () => {
  test.each([
    ["select * from a.t for version as of 123", { parts: ["a", "t"], version: 123n }],
    ["select * from a.t FOR VERSION AS OF 'audit'", { parts: ["a", "t"], version: "audit" }],
    ["select * from a.t version as of 123 x", { parts: ["a", "t"], version: 123n }],
    ["select * from a.t x at (version => 123) where 1=1", { parts: ["a", "t"], version: 123n }],
    ["select * from a.t for timestamp as of '2024-01-01'", { parts: ["a", "t"], timestamp: "'2024-01-01'" }],
    [
      "select * from a.t as x for timestamp as of timestamp '2024-01-01 10:00:00'",
      { parts: ["a", "t"], timestamp: "timestamp '2024-01-01 10:00:00'" },
    ],
    [
      "select * from a.t at (timestamp => now() - interval 1 day)",
      { parts: ["a", "t"], timestamp: "now ( ) - interval 1 day" },
    ],
    ["select * from a.t@dev", { parts: ["a", "t"], ref: "dev" }],
    [
      "select * from a.t@feature/x-1.2 for version as of 5",
      { parts: ["a", "t"], ref: "feature/x-1.2", version: 5n },
    ],
    ['select * from "a"."t"@"my ref" y', { parts: ["a", "t"], ref: "my ref" }],
    ["select * from a.b.c.t", { parts: ["a", "b", "c", "t"] }],
    ["select 1 from x join a.b.c.t on true", { parts: ["a", "b", "c", "t"] }],
    ["select 'é', * from é.t@dev", { parts: ["é", "t"], ref: "dev" }],
  ])("reads %s", (sql, expected) => {
    expect(prepare(sql).special).toEqual([expected]);
  });

  test.each([
    "select 'from a.t@dev' as x, \"a@b\" from a.t -- from a.t@dev",
    "select /* a.t for version as of 1 /* nested */ */ a.b.c.d from a.t",
    "select @ -5, x from a.t where version = 1",
    "select $$ a.t@dev $$ from a.t",
    "select e'it\\'s a.t@dev' from a.t",
    "select timestamp as of from a.t",
    "select substring(x from 1 for 2) from a.t",
  ])("leaves %s alone", (sql) => {
    expect(prepare(sql)).toEqual({ text: sql, special: [] });
  });

  test("keeps aliases and the rest of the text", () => {
    expect(prepare("select x.a from a.t@dev as x for version as of 5 join b.u on x.a = u.a").text).toBe(
      'select x.a from "lakehouse reference 1" as x join b.u on x.a = u.a',
    );
  });

  test("maps positions of the new text back to the old one", () => {
    const sql = toByteString("select * from a.t@dev where nope = 1");
    const prepared = prepareText(sql);
    expect(prepared.original(prepared.text.indexOf("nope"))).toBe(sql.indexOf("nope"));
  });

  test("ends on any text, even one that does not end its quotes", () => {
    for (const sql of ["'", '"', "/*", "$a$", "a.", "@", "a@", "from a.t at (version =>", "e'\\"]) {
      expect(tokenize(sql).every((token) => token.end > token.start)).toBe(true);
      prepareText(sql);
    }
  });
});

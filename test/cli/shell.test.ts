import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineSchema, int, type Lakehouse, openLakehouse, string } from "sololakehouse";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { slhCutShort, slhWithInput } from "./process.js";
import { needsTerminal, type Step, slhInTerminal } from "./terminal.js";

let folder: string;
let lake: Lakehouse;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slh-shell-"));
  lake = await openLakehouse({ root: join(folder, "lake"), profile: "embedded" });
  const schema = defineSchema({ delay: int(), origin: string() });
  const table = await lake.createTable("flights.silver", { schema });
  await table.append([{ delay: 3, origin: "ATL" }]);
  const etl = await lake.branch("etl");
  await (await etl.table("flights.silver")).append([{ delay: 5, origin: "ORD" }]);
});
afterAll(async () => {
  await lake.close();
  await rm(folder, { recursive: true, force: true });
});

const [TAB, CTRL_C, CTRL_D] = ["\t", "\u0003", "\u0004"];

const shell = (steps: readonly Step[], { columns = 80, args = [] as string[] } = {}) =>
  slhInTerminal(["shell", ...args], steps, {
    columns,
    env: {
      SLH_LAKE: join(folder, "lake"),
      SLH_PROFILE: "embedded",
      XDG_STATE_HOME: join(folder, "state"),
      NO_COLOR: "1",
      TERM: "xterm",
    },
  });

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const ESCAPED_COLOUR = /\u001b\[\d+m/;

const history = join("state", "sololakehouse", "shell-history");

describe("slh shell at a terminal", needsTerminal, () => {
  test("runs statements of several lines, goes on after an error, and leaves with Ctrl-D", async () => {
    const { code, screen } = await shell([
      { until: "main> ", type: "select delay * 2 as twice\r" },
      { until: "…> ", type: "from flights.silver;\r" },
      { until: "(1 row)", type: "selec 1;\r" },
      { until: "INVALID_SQL", type: "select 'after' || 'wards' as word;\r" },
      { until: "afterwards", type: CTRL_D },
    ]);
    expect(code).toBe(0);
    expect(screen).toMatch(/twice\r\n─+\r\n +6\r\n\(1 row\)\r\n[\d.]+ m?s\r\n/);
    expect(screen).toContain('syntax error at or near "selec"');
  });

  test("completes tables, columns by alias, keywords and branches", async () => {
    // A tab that comes together with more is text that was pasted.
    const { screen } = await shell([
      { until: "main> ", type: `sel${TAB}` },
      { until: "select", type: " sum(delay) as total from fl" },
      { until: "from fl", type: TAB },
      { until: "ights.silver", type: "@et" },
      { until: "@et", type: TAB },
      { until: "l", type: ";\r" },
      { until: "(1 row)", type: "select x.origin as place from flights.silver x where x.de" },
      { until: "x.de", type: TAB },
      { until: "lay", type: " > 0;\r" },
      { until: "(1 row)", type: `.sch${TAB}` },
      { until: ".schema", type: ` flights.si${TAB}` },
      { until: "lver", type: "\r" },
      { until: "origin", type: ".quit\r" },
    ]);
    expect(screen).toMatch(/total\r\n─+\r\n +8\r\n/);
    expect(screen).toMatch(/place\r\n─+\r\nATL\r\n/);
    expect(screen).toContain("delay   int     not null");
  });

  test("shows the branch in the prompt, and goes to another one", async () => {
    const { screen } = await shell([
      { until: "main> ", type: ".branch nope\r" },
      { until: "NO_SUCH_REF", type: ".branch etl\r" },
      { until: "etl> ", type: "select count(*) as n from flights.silver;\r" },
      { until: "(1 row)", type: ".branch\r" },
      { until: "* etl", type: ".tables\r" },
      { until: "flights.silver", type: ".exit\r" },
    ]);
    expect(screen).toMatch(/n\r\n─\r\n2\r\n/);
  });

  test("Ctrl-C ends the statement that runs, forgets one that is half typed, and does not leave", async () => {
    const { code, screen } = await shell(
      [
        { until: "main> ", type: "select 'never'\r" },
        { until: "…> ", type: `, 'shown'${CTRL_C}` },
        {
          until: "^C",
          type: "select sum(a.i * b.i) as never from range(100000000) a(i), range(100000000) b(i);\r",
        },
        { until: "b(i);", type: CTRL_C },
        { until: "Interrupted.", type: "select 6 * 7 as answer;\r" },
        { until: "(1 row)", type: CTRL_D },
      ],
      { columns: 200 },
    );
    expect(code).toBe(0);
    expect(screen).toMatch(/answer\r\n─+\r\n +42\r\n/);
    expect(screen).not.toContain("INVALID_SQL");
  });

  test("Ctrl-C ends the printing of rows without end", async () => {
    const { screen } = await shell([
      { until: "main> ", type: ".mode csv\r" },
      { until: "main> ", type: "select i, 'row' from range(100000000000) t(i);\r" },
      { until: "100,row", type: CTRL_C },
      { until: "Interrupted.", type: CTRL_D },
    ]);
    expect(screen).not.toContain("99999999,row");
  });

  test("remembers what was typed, for nobody else, without what begins with a space", async () => {
    await shell([
      { until: "main> ", type: "select 'kept' as first;\r" },
      { until: "(1 row)", type: " select 'hidden';\r" },
      { until: "(1 row)", type: CTRL_D },
    ]);
    const file = join(folder, history);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const text = await readFile(file, "utf8");
    expect(text).toContain("select 'kept' as first;\n");
    expect(text).not.toContain("hidden");
    const again = await shell([
      { until: "main> ", type: "\u001b[A\r" },
      { until: "(1 row)", type: CTRL_D },
    ]);
    expect(again.screen).toMatch(/first\r\n─+\r\nkept\r\n/);
  });

  test("fits tables into the terminal, and sends nothing that data would tell it", async () => {
    const { screen } = await shell(
      [
        {
          until: "main> ",
          type: "select repeat('wide ', 30) as a, '日本語😀' as b, chr(27) || '[31mred' as c;\r",
        },
        { until: "(1 row", type: ".mode csv\r" },
        { until: "main> ", type: "select chr(27) || '[31mred' || chr(7) as c;\r" },
        { until: "main> ", type: 'select * from range(3) t("\u00fcber");\r' },
        { until: "2\r\n", type: CTRL_D },
      ],
      { columns: 50 },
    );
    const table = screen.split("\r\n").filter((line) => line.includes("wide") && line.includes("…"));
    expect(table).toHaveLength(1);
    expect(table[0]).toContain("日本語😀");
    expect(screen).toContain("\\u001b[31mred");
    expect(screen).toContain("\\u001b[31mred\\u0007");
    expect(screen).not.toContain("\u001b[31m");
    expect(screen).not.toContain("\u0007");
  });

  test("keeps columns straight in 40 columns, whatever the writing, and cuts what is too long", async () => {
    const rows = [
      "('日本語', '春は、あけぼの。やうやう白くなりゆく山ぎは', 1)",
      "('e\u0301te\u0301', '✅ done', 22)",
      "('한국어', '👍', 333)",
    ];
    const { screen } = await shell(
      [
        { until: "main> ", type: `select * from (values ${rows.join(",\r")}) t(a, b, n);\r` },
        { until: "(3 rows)", type: CTRL_D },
      ],
      { columns: 40 },
    );
    const lines = screen.split(/\r+\n/);
    const at = lines.findIndex((line) => /^a +b +n$/.test(line));
    expect(lines.slice(at, at + 6)).toEqual([
      "a       b                              n",
      "──────  ───────────────────────────  ───",
      "日本語  春は、あけぼの。やうやう白…    1",
      "e\u0301te\u0301     ✅ done                       22",
      "한국어  👍                           333",
      "(3 rows)",
    ]);
  });

  test("colours its prompt and errors, unless NO_COLOR is set", async () => {
    const steps = [
      { until: "main", type: "selec 1;\r" },
      { until: "INVALID_SQL", type: CTRL_D },
    ];
    const env = { SLH_LAKE: join(folder, "lake"), XDG_STATE_HOME: join(folder, "state"), TERM: "xterm" };
    const coloured = await slhInTerminal(["shell"], steps, { env: { ...env, NO_COLOR: "" } });
    expect(coloured.screen).toContain("\u001b[32mmain\u001b[39m> ");
    expect(coloured.screen).toContain("\u001b[31merror\u001b[39m");
    expect((await shell(steps)).screen).not.toMatch(ESCAPED_COLOUR);
  });

  test("reads statements from a file", async () => {
    await writeFile(join(folder, "two.sql"), "select 1 as one; -- ; no\nselect ';' as semicolon");
    const { screen } = await shell([
      { until: "main> ", type: `.read ${join(folder, "two.sql")}\r` },
      { until: "semicolon", type: ".read nowhere.sql\r" },
      { until: "cannot be read", type: ".nonsense\r" },
      { until: "There is no command .nonsense.", type: ".help\r" },
      { until: "Ctrl-D leaves", type: ".quit\r" },
    ]);
    expect(screen).toMatch(/one\r\n─+\r\n +1\r\n/);
  });
});

describe("slh shell without a terminal", () => {
  const piped = (text: string) => slhWithInput(["shell"], text, { SLH_LAKE: join(folder, "lake") });

  test("runs what comes in, goes on after an error, and says so by its exit code", async () => {
    const ran = await piped(
      ".mode csv\nselect 1\nas a; selec;\n.branch etl\nselect sum(delay) as n from flights.silver",
    );
    expect(ran.out).toBe("a\n1\nn\n8\n");
    expect(ran.err).toContain("INVALID_SQL");
    expect(ran.code).toBe(1);
    expect(await piped("select 1;\n-- through\n")).toMatchObject({ code: 0, err: "" });
  });
});

describe("slh sql", () => {
  const sql = (args: readonly string[], input = "") =>
    slhWithInput(["sql", ...args], input, { SLH_LAKE: join(folder, "lake") });

  test("takes statements from stdin and from a file, up to the first that fails", async () => {
    const file = join(folder, "three.sql");
    await writeFile(file, "select ';' as a; -- one; two\nselec;\nselect 'never' as b");
    const ran = await sql(["-f", file, "--format", "csv"]);
    expect(ran).toMatchObject({ code: 1, out: "a\n;\n", err: expect.stringContaining("INVALID_SQL") });
    const piped = await sql(["--json"], "select 1 as a");
    expect(JSON.parse(piped.out)).toEqual([{ a: 1 }]);
    expect((await sql(["-f", join(folder, "none.sql")])).err).toContain("cannot be read");
    expect((await sql([], " -- nothing\n")).err).toContain("There is no statement in it.");
  });

  test("takes parameters, and says which one a text has not", async () => {
    const query = "select $a::varchar as a, typeof($n) as n; select 1 as x";
    const ran = await sql([query, "-p", "a=it's; --", "-p", "n=5", "--format", "csv"]);
    expect(ran).toMatchObject({ code: 0, out: "a,n\nit's; --,INTEGER\nx\n1\n" });
    expect((await sql(["select 1", "-p", "a=1"])).err).toContain("There is no parameter $a in it.");
    expect((await sql(["select 1", "-p", "a"])).code).toBe(2);
  });

  test.each(["table", "csv", "ndjson", "json"])(
    "gives the first rows of many as %s at once, and stops with its reader",
    async (format) => {
      // What it would take to compute all of them no machine has: it can only end because the reader left.
      const query = "select i, i * 2 as j from range(1000000000000) t(i)";
      const args = ["sql", query, "--format", format];
      const cut = slhCutShort(args, { SLH_LAKE: join(folder, "lake") });
      expect(await cut).toMatchObject({ code: 0, err: "" });
    },
  );
});

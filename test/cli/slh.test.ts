import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineSchema, int, openLakehouse, string } from "sololakehouse";
import { beforeEach, describe, expect, test } from "vitest";
import { serializeNotebook } from "../../lib/kit/notebook/index.js";
import { cell, notebookFolder, notebookOf } from "../notebook/support/notebooks.js";
import { type Ran, slhInProcess } from "./in-process.js";

const SLH = fileURLToPath(new URL("../../lib/lakehouse/bin/slh.js", import.meta.url));

let root: string;

beforeEach(async () => {
  root = await notebookFolder();
  await writeFile(join(root, "package.json"), JSON.stringify({ workspaces: [] }));
  await mkdir(join(root, "blog"));
  await writeFile(
    join(root, "blog/site.yaml"),
    "title: Test\nsentence: A test.\nurl: https://example.org\nauthor: Nobody\n",
  );
  await milestone(
    "m01-one",
    serializeNotebook(notebookOf('import { fact } from "@sololakehouse/kit";\nfact("a", 1);')),
  );
  await milestone(
    "m02-two",
    serializeNotebook(notebookOf("1", cell('\nthrow new Error("broken");', { id: "bad" }))),
  );
  await milestone("m03-three");
});

async function milestone(name: string, notebook?: string): Promise<void> {
  const folder = join(root, "milestones", name);
  await mkdir(folder, { recursive: true });
  const [, number, slug] = /^m(\d\d)-(.*)$/.exec(name) ?? [];
  await writeFile(
    join(folder, "milestone.yaml"),
    `number: ${Number(number)}\nslug: ${slug}\ntitle: "Title of ${slug}"\none-line: "What it shows."\nprofiles: [embedded]\ndefinition-of-done: [notebook]\n`,
  );
  if (notebook) await writeFile(join(folder, "notebook.ipynb"), notebook);
}

const slh = (...args: string[]) => slhInProcess(args, root);

let allRan: Promise<{ ran: Ran; lake: string }> | undefined;

/** `slh run` of these milestones. Kernels are slow to start, so it is run once, and later tests get what it left. */
async function runAll(): Promise<Ran> {
  allRan ??= (async () => {
    const ran = await slh("run");
    const lake = join(await notebookFolder(), "lake");
    await cp(join(root, ".lake"), lake, { recursive: true });
    return { ran, lake };
  })();
  const { ran, lake } = await allRan;
  await cp(lake, join(root, ".lake"), { recursive: true });
  return ran;
}

describe("slh run", () => {
  test("runs what is not fresh, a line for each step, and names the cell that fails", async () => {
    const first = await runAll();
    expect(first.code).toBe(1);
    expect(first.err).toContain("m01  cell 1 of 1\n");
    expect(first.err).toContain("m02  cell 1 of 2\nm02  cell 2 of 2\n");
    expect(first.out).toMatch(/^✔ {2}m01 {2}one +1 cell +[\d.]+ m?s +1 fact$/m);
    expect(first.out).toMatch(/^✖ {2}m02 {2}two/m);
    expect(first.err).toContain("milestones/m02-two/notebook.ipynb, cell [2] (bad), line 2\nError: broken\n");
    expect(first.out + first.err).not.toContain("m03");

    const second = await slh("run", "m01");
    expect(second).toMatchObject({ code: 0, err: "" });
    expect(second.out).toMatch(/^· {2}m01 {2}one +fresh, not run again$/m);

    const forced = await slh("run", "1", "--force", "--save", "--json");
    expect(JSON.parse(forced.out)).toMatchObject([{ milestone: "m01", outcome: "ok", cells: 1, facts: 1 }]);
    expect(await readFile(join(root, "milestones/m01-one/notebook.ipynb"), "utf8")).toContain(
      '"status": "ok"',
    );
  });

  test("brings text up to date without running again", async () => {
    await runAll();
    const path = join(root, "milestones/m01-one/notebook.ipynb");
    const source = notebookOf('import { fact } from "@sololakehouse/kit";\nfact("a", 1);');
    const heading = cell("# A new heading", { type: "markdown", id: "new" });
    await writeFile(
      path,
      serializeNotebook({ ...source, cells: [...notebookOf(heading).cells, ...source.cells] }),
    );
    expect((await slh("run", "m01")).out).toContain("not run again");
    const copy = await readFile(join(root, ".lake/notebooks/m01/notebook.ipynb"), "utf8");
    expect(copy).toContain("# A new heading");
    expect(copy).toContain("application/vnd.sololakehouse.fact+json");
  });

  test("says what is wrong with a name, and what there is", async () => {
    expect(await slh("run", "m07")).toMatchObject({
      code: 1,
      err: 'error  INVALID_CONFIG: There is no milestone "m07".\n       Choose from m01, m02, m03.\n',
    });
    expect((await slh("run", "m03")).err).toContain("m03 has no notebook.");
    expect((await slh("run", "--nonsense")).code).toBe(2);
  });
});

describe("slh status", () => {
  test("tells each milestone's state, and why", async () => {
    await runAll();
    const path = join(root, "milestones/m01-one/notebook.ipynb");
    await writeFile(path, (await readFile(path, "utf8")).replace('(\\"a\\", 1)', '(\\"a\\", 2)'));
    const { out, code } = await slh("status");
    expect(code).toBe(0);
    expect(out).toMatch(/^m01 {2}one +stale +\d of \d done +code cell 1 \(c1\) changed$/m);
    expect(out).toMatch(/^m02 {2}two +failed +\d of \d done +cell \[2\]: Error: broken$/m);
    expect(out).toMatch(/^m03 {2}three +not started$/m);

    const json = JSON.parse((await slh("status", "--json")).out);
    expect(json[0]).toMatchObject({
      id: "m01",
      machine: { state: "stale", reasons: ["code cell 1 (c1) changed"] },
    });
    expect(json[2]).toMatchObject({ id: "m03", machine: { state: "not started" }, done: [] });

    const checklist = (await slh("status", "m01")).out;
    expect(checklist).toContain("✔  notebook  it records facts by name");
    expect(checklist).toMatch(
      /✖ {2}notebook {2}its outputs on this machine are fresh +code cell 1 \(c1\) changed/,
    );
  });

  test("names the field of a milestone.yaml that is wrong", async () => {
    await writeFile(join(root, "milestones/m03-three/milestone.yaml"), "number: 4\nslug: three\n");
    expect((await slh("status")).err).toContain(
      'milestones/m03-three/milestone.yaml: "number" must be 3, as the folder says.',
    );
  });
});

describe("slh notebook", () => {
  test("exports a notebook and imports it back", async () => {
    const before = await readFile(join(root, "milestones/m01-one/notebook.ipynb"), "utf8");
    expect((await slh("notebook", "export", "m01", "-o", "m01.ts")).code).toBe(0);
    const text = await readFile(join(root, "m01.ts"), "utf8");
    expect(text).toContain('// %% id="c1"\nimport { fact }');
    expect((await slh("notebook", "export", "m01")).out).toBe(text);
    expect((await slh("notebook", "import", "m01.ts")).code).toBe(0);
    expect(await readFile(join(root, "milestones/m01-one/notebook.ipynb"), "utf8")).toBe(before);

    await slh("notebook", "import", "m01.ts", "--to", "new.ipynb");
    expect(existsSync(join(root, "new.ipynb"))).toBe(true);
    expect((await slh("notebook", "import", "none.ts")).err).toContain("There is no file none.ts.");
  });

  test("type-checks cells without running them", async () => {
    expect(await slh("notebook", "check")).toMatchObject({
      code: 0,
      out: "2 notebooks: every cell compiles\n",
    });
    await writeFile(join(root, "wrong.ts"), '// %% id="x"\nconst a: number =\n  "";\n');
    expect(await slh("notebook", "check", "wrong.ts")).toMatchObject({
      code: 1,
      err: "wrong.ts, cell [1] (x), line 1:7  Type 'string' is not assignable to type 'number'. (TS2322)\n",
    });
  });
});

describe("slh lab", () => {
  test("writes a kernelspec that starts tslab", async () => {
    const { code, out } = await slh("lab", "--no-start");
    expect(code).toBe(0);
    expect(out).toContain("JUPYTER_PATH=");
    const spec = JSON.parse(await readFile(join(root, ".lake/jupyter/kernels/tslab/kernel.json"), "utf8"));
    expect(spec).toMatchObject({ language: "typescript" });
    expect(spec.argv).toEqual([
      process.execPath,
      "--disable-warning=ExperimentalWarning",
      expect.stringMatching(/jupyter\.js$/),
      "{connection_file}",
    ]);
    expect(existsSync(spec.argv[2])).toBe(true);
  });
});

describe("slh sql and slh tables", () => {
  test("say of a disk that takes nothing more that it does, not that the path is wrong", async () => {
    await (await openLakehouse({ root: join(root, ".lake"), profile: "embedded" })).close();
    const command = `ulimit -f 0; exec "${process.execPath}" "${SLH}" log`;
    const child = spawn("sh", ["-c", command], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let err = "";
    child.stderr.setEncoding("utf8").on("data", (text) => (err += text));
    expect(await new Promise((done) => child.on("close", done))).toBe(1);
    expect(err).toContain("disk is full");
    expect(err).not.toContain("Give the path");
  });

  test("ask the lakehouse of the project", async () => {
    const lake = await openLakehouse({ root: join(root, ".lake") });
    expect((await slh("tables")).out).toContain("There are no tables yet.");
    const schema = defineSchema({ origin: string(), delay: int() });
    const table = await lake.createTable("flights.bronze", { schema });
    await table.append([
      { origin: "ATL", delay: 3 },
      { origin: "SFO", delay: -1 },
    ]);
    const hash = await lake.hash();
    await lake.close();

    expect((await slh("tables")).out).toMatch(
      /^flights\.bronze +2 rows +1 file +[\d.]+ [kM]?B +1 snapshot$/m,
    );
    expect(JSON.parse((await slh("tables", "--json")).out)).toMatchObject([
      { table: "flights.bronze", rows: 2, files: 1, snapshots: 1 },
    ]);
    const query = "select origin, delay from flights.bronze order by delay";
    expect((await slh("sql", query, "--format", "csv")).out).toBe("origin,delay\nSFO,-1\nATL,3\n");
    expect(JSON.parse((await slh("sql", query, "--format", "json", "--ref", "main")).out)).toEqual([
      { origin: "SFO", delay: -1 },
      { origin: "ATL", delay: 3 },
    ]);
    expect((await slh("sql", query)).out).toContain("ATL");
    expect((await slh("sql", query, "--ref", hash.slice(0, 12))).out).toContain("ATL");
    expect((await slh("tables", "--ref", `${hash}~1`)).out).toMatch(/^flights\.bronze +0 snapshots$/m);
    expect(await slh("sql", "select * from flights.nope")).toMatchObject({
      code: 1,
      err: expect.stringContaining("error  NO_SUCH_TABLE: There is no table flights.nope."),
    });
    expect((await slh("sql", query, "--format", "xml")).code).toBe(2);
  });
});

describe("help", () => {
  test("is there outside of a checkout, where other commands say what is missing", async () => {
    root = join(root, "..");
    expect((await slh("--help")).out).toContain("Exit codes");
    expect((await slh("status")).err).toContain("is not inside a SoloLakehouse checkout");
  });
});

import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineSchema, int, openLakehouse } from "sololakehouse";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { slhInProcess } from "./in-process.js";
import { slhUntilLine } from "./process.js";

const orchestration = new URL("../../lib/lakehouse/dist/orchestration.js", import.meta.url);

/** A pipeline whose last step fails until there is a file `right`. */
const FILE = `import { existsSync } from "node:fs";
import { definePipeline, step } from "${orchestration}";
export const flights = definePipeline({
  name: "flights",
  steps: [
    step({
      name: "last",
      after: ["first"],
      run: ({ log }) => {
        log("looks for it");
        if (!existsSync("right")) throw new Error("there is no <right>");
        return { found: 1 };
      },
    }),
    step({
      name: "first",
      writes: { t: "s.t" },
      run: async ({ lake }) => void (await (await lake.table("s.t")).append([{ n: 1 }])),
    }),
  ],
});
`;

let folder: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "slh-pipeline-")));
  for (const name of ["SLH_LAKE", "SLH_CATALOG", "SLH_PROFILE"]) vi.stubEnv(name, "");
  await writeFile(join(folder, "slh.pipelines.mjs"), FILE);
  const lake = await openLakehouse({ root: join(folder, ".lake") });
  await lake.createTable("s.t", { schema: defineSchema({ n: int() }) });
  await lake.close();
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  vi.unstubAllEnvs();
});

const slh = (...args: string[]) => slhInProcess(args, folder);
const rows = async () => JSON.parse((await slh("sql", "select count(*) as n from s.t", "--json")).out);

describe("slh pipeline", () => {
  test("runs a pipeline, says what failed, and goes on from there", async () => {
    const ran = await slh("pipeline", "run");
    expect(ran.code).toBe(1);
    expect(ran.out).toMatch(/succeeded {2}first/);
    expect(ran.out).toMatch(/error {2}last .*there is no <right>/);
    expect(ran.err).toMatch(/RUN_FAILED: The run \S+ of flights failed in last, and main is as it was/);
    expect(await rows()).toEqual([{ n: 0 }]);
    const [run] = JSON.parse((await slh("pipeline", "list", "flights", "--json")).out);
    expect(run).toMatchObject({ status: "failed", pipeline: "flights", trigger: "manual" });
    const shown = await slh("pipeline", "show", run.id.slice(0, 12), "--svg", "run.svg");
    expect(shown.out).toContain("looks for it");
    expect(shown.out).toMatch(/failed +last/);
    const svg = await readFile(join(folder, "run.svg"), "utf8");
    expect(svg).toContain(`<title>last, try 1: error, `);
    expect((await slh("pipeline", "retry")).code).toBe(1);
    await writeFile(join(folder, "right"), "");
    const again = JSON.parse((await slh("pipeline", "retry", run.id, "--json")).out);
    expect(again).toMatchObject({ id: run.id, status: "succeeded", epoch: 3 });
    const step = (name: string) => again.steps.find((each: { name: string }) => each.name === name);
    expect([step("first").attempts, step("last").attempts]).toEqual([1, 3]);
    expect(step("last").result).toEqual({ found: 1 });
    expect(await rows()).toEqual([{ n: 1 }]);
    expect((await slh("pipeline", "retry")).err).toContain("there is nothing to retry");
    expect((await slh("pipeline", "list")).out).toMatch(/succeeded +\S+ +flights +main/);
  });

  test("shows what goes before what", async () => {
    const { out } = await slh("pipeline", "graph");
    expect(out.split("\n").map((line) => line.trim().replace(/ +/g, " "))).toEqual([
      "first function writes s.t",
      "last function after first",
      "",
    ]);
    expect(JSON.parse((await slh("pipeline", "graph", "--json")).out).steps).toMatchObject([
      { name: "first", upstream: [], writes: ["s.t"] },
      { name: "last", upstream: ["first"], writes: [] },
    ]);
  });

  test("watches, and runs what is due once", async () => {
    await writeFile(
      join(folder, "watched.mjs"),
      FILE.replace("definePipeline, step", "definePipeline, onSnapshot, step")
        .replace('name: "flights",', 'name: "flights", triggers: [onSnapshot("s.raw")],')
        .replace('"right"', '"watched.mjs"'),
    );
    const watch = () => slh("pipeline", "watch", "--once", "--file", "watched.mjs");
    expect((await watch()).out).toBe("nothing is due\n");
    const lake = await openLakehouse({ root: join(folder, ".lake") });
    await (await lake.createTable("s.raw", { schema: defineSchema({ n: int() }) })).append([{ n: 1 }]);
    await lake.close();
    const dry = await slh("pipeline", "watch", "--once", "--dry-run", "--file", "watched.mjs");
    expect(dry.out).toMatch(/^due {2}flights {3}snapshot s\.raw, \d+ \d+\n$/);
    expect((await slh("pipeline", "watch", "--dry-run", "--file", "watched.mjs")).err).toContain("--once");
    const others = ["--once", "--only", "schedules", "--file", "watched.mjs"];
    expect((await slh("pipeline", "watch", ...others)).out).toBe("nothing is due\n");
    expect((await watch()).out).toMatch(/succeeded {2}flights \S+ {2}snapshot s\.raw, \d+ \d+/);
    expect((await watch()).out).toBe("nothing is due\n");
    expect(await rows()).toEqual([{ n: 1 }]);
    expect((await slh("pipeline", "watch", "--once")).err).toContain("No pipeline of");
    const { out, code } = await slhUntilLine(["pipeline", "watch", "--file", "watched.mjs"], folder);
    expect(out).toContain("watches flights");
    expect(code).toBe(130);
  });

  test("makes days anew, and then what is missing", async () => {
    await writeFile(
      join(folder, "sliced.mjs"),
      `import { existsSync } from "node:fs";
      import { definePipeline, step } from "${orchestration}";
      export default definePipeline({
        name: "sliced",
        steps: [
          step({
            name: "s",
            sliced: true,
            run: ({ slices }) => {
              if (slices[0] === "2001-03-02" && !existsSync("right")) throw new Error("not this one");
            },
          }),
        ],
      });`,
    );
    const days = ["--from", "2001-03-01", "--to", "2001-03-03", "--file", "sliced.mjs"];
    const first = await slh("pipeline", "backfill", ...days);
    expect(first.code).toBe(1);
    expect(first.out).toMatch(/failed {2}2001-03-02 {2}\S+ {2}error: s: Error: not this one/);
    expect(first.out).toMatch(/sliced, backfill [0-9a-f]{12}: 3 slices, 2 made, 1 failed\n$/);
    await writeFile(join(folder, "right"), "");
    const again = await slh("pipeline", "backfill", ...days);
    expect(again.out).toMatch(/3 slices, 1 made, 2 had\n$/);
    expect((await slh("pipeline", "backfill", "--file", "sliced.mjs")).err).toContain("is not said");
  });

  test.each([
    [["run", "flihgts"], "Did you mean flights?"],
    [["run", "--file", "nowhere.mjs"], "There is no file"],
    [["run", "--file", "broken.mjs"], "cannot be loaded"],
    [["run", "--file", "empty.mjs"], "exports no pipeline"],
    [["show", "nope"], "NO_SUCH_RUN"],
    [["show"], "No pipeline has been run yet"],
    [["retry"], "has not been run yet"],
  ])("says of %j what is wrong", async (words, why) => {
    await writeFile(join(folder, "broken.mjs"), "export default definePipelin({");
    await writeFile(join(folder, "empty.mjs"), "export const a = 1;");
    const { code, err } = await slh("pipeline", ...words);
    expect(code).toBe(1);
    expect(err).toContain(why);
  });

  test("makes no experiment, and slh experiments list says so", async () => {
    expect((await slh("experiments", "list")).out).toBe("There are no experiments yet.\n");
    expect((await slh("experiments", "list", "x")).out).toBe("There is no run of an experiment x.\n");
    expect((await slh("experiments", "list", "x", "--json")).out).toBe("[]\n");
  });

  test("finds its file above the working folder, and not where there is none", async () => {
    await rm(join(folder, "slh.pipelines.mjs"));
    expect((await slh("pipeline", "graph")).err).toContain("There is no file of pipelines");
  });
});

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openLakehouse, resolveProfile } from "../../lib/lakehouse/index.js";
import { settingsInForce } from "../../lib/lakehouse/profile.js";
import { addLakehouseCommands } from "../../lib/lakehouse/room-commands.js";
import { runs } from "../support/runs.js";

const runsTypeScript = "typescript" in process.features && Boolean(process.features.typescript);

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "slh config ü-"));
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

const inForce = (cwd = folder, env: Record<string, string> = {}, options = {}) =>
  Object.fromEntries(settingsInForce(options, env, cwd).map(({ name, ...rest }) => [name, rest]));

const write = (name: string, text: string) => writeFile(join(folder, name), text);

describe("a config file", () => {
  test.each([
    ["slh.config.json", '\uFEFF{ "root": "data/lake" }'],
    ["slh.config.mjs", 'export default { root: "data/lake" };'],
    ["slh.config.js", 'module.exports = { root: "data/lake" };'],
    ["slh.config.cjs", 'module.exports = { root: "data/lake" };'],
    ["package.json", '{ "name": "x", "slh": { "root": "data/lake" } }'],
  ])("is %s, found from below, with paths relative to itself", async (name, text) => {
    await write(name, text);
    await mkdir(join(folder, "a/b"), { recursive: true });
    const path = join(folder, name);
    expect(inForce(join(folder, "a/b"))).toEqual({
      profile: { value: "embedded", source: "default" },
      root: { value: join(folder, "data/lake"), source: path },
      log: { value: `sqlite:${join(folder, "data/lake/log/meta.db")}`, source: "default" },
      warehouse: { value: join(folder, "data/lake/warehouse"), source: "default" },
      catalog: { value: `sqlite:${join(folder, "data/lake/catalog.db")}`, source: "default" },
      experiments: { value: `sqlite:${join(folder, "data/lake/experiments/mlflow.db")}`, source: "default" },
    });
  });

  test.runIf(runsTypeScript)("is TypeScript where Node runs it", async () => {
    await write("slh.config.ts", 'const root: string = "x"; export default { root };');
    expect(inForce().root?.value).toBe(join(folder, "x"));
  });

  test.skipIf(runsTypeScript)("that is TypeScript is refused where Node does not run it", async () => {
    await write("slh.config.ts", "export default {};");
    expect(() => inForce()).toThrow(/slh\.config\.mjs/);
  });

  test("that is nearest counts alone, and marks where .lake is", async () => {
    await write("slh.config.json", '{ "catalog": "etcd://localhost:2379/lake", "root": "up" }');
    await mkdir(join(folder, "in"));
    await write("in/slh.config.json", "{}");
    expect(inForce(join(folder, "in"))).toMatchObject({
      root: { value: join(folder, "in/.lake"), source: "default" },
      catalog: { source: "default" },
    });
  });

  test("keeps URIs as they are, and makes the path of a SQLite file its own", async () => {
    await write(
      "slh.config.json",
      '{ "warehouse": "s3://b/w", "catalog": "sqlite:c.db", "experiments": "sqlite:runs/m.db" }',
    );
    expect(inForce()).toMatchObject({
      experiments: { value: `sqlite:${join(folder, "runs/m.db")}` },
      warehouse: { value: "s3://b/w" },
      catalog: { value: `sqlite:${join(folder, "c.db")}` },
    });
    await write("slh.config.json", '{ "catalog": "sqlite::memory:" }');
    expect(inForce().catalog?.value).toBe("sqlite::memory:");
  });

  test("of one profile says nothing of a lakehouse that an option puts on the other", async () => {
    const elsewhere = { warehouse: "s3://b/w", catalog: "etcd://c:2379/c", log: "etcd://c:2379/l" };
    await write("slh.config.json", JSON.stringify({ profile: "stack", root: "own", ...elsewhere }));
    const env = { SLH_PROFILE: "stack", SLH_CATALOG: "etcd://e:2379/c", SLH_EXPERIMENTS: "http://e:5000" };
    for (const outside of [{}, env]) {
      const found = inForce(folder, outside, { profile: "embedded" });
      expect(found).toMatchObject({
        root: { value: join(folder, "own") },
        warehouse: { value: join(folder, "own/warehouse"), source: "default" },
        catalog: { value: `sqlite:${join(folder, "own/catalog.db")}`, source: "default" },
        log: { source: "default" },
        experiments: { source: "default" },
      });
      const { profile: _, ...same } = inForce(folder, outside, { profile: "stack" });
      expect(inForce(folder, outside)).toMatchObject(same);
    }
    const given = { profile: "embedded", catalog: "s3://own/catalog" };
    expect(inForce(folder, env, given).catalog).toEqual({
      value: "s3://own/catalog",
      source: "option catalog",
    });
  });

  test("gives way to the environment, and both to options, each setting by itself", async () => {
    const names = ["root", "warehouse", "catalog", "experiments"] as const;
    const variables = {
      root: "SLH_LAKE",
      warehouse: "SLH_WAREHOUSE",
      catalog: "SLH_CATALOG",
      experiments: "SLH_EXPERIMENTS",
    };
    const some = fc.record(
      Object.fromEntries(names.map((name) => [name, fc.subarray(["file", "env", "option"])])),
    );
    await fc.assert(
      fc.asyncProperty(some, async (said) => {
        const of = (place: string) =>
          Object.fromEntries(names.flatMap((n) => (said[n]?.includes(place) ? [[n, `/${place}/${n}`]] : [])));
        await write("slh.config.json", JSON.stringify({ profile: "stack", ...of("file") }));
        const env = Object.fromEntries(
          Object.entries(of("env")).map(([n, value]) => [variables[n as "root"], value]),
        );
        const found = inForce(folder, env, of("option"));
        for (const name of names) {
          const place = ["option", "env", "file"].find((each) => said[name]?.includes(each));
          const source = {
            option: `option ${name}`,
            env: variables[name],
            file: join(folder, "slh.config.json"),
            none: "default",
          }[place ?? "none"];
          expect(found[name]?.source).toBe(source);
          if (place !== undefined) expect(found[name]?.value).toBe(`/${place}/${name}`);
        }
      }),
      { numRuns: runs(100) },
    );
  });

  test.each([
    ["{", /cannot be read/],
    ["[]", /no object of settings/],
    ["null", /no object of settings/],
    ['{ "rooot": "x" }', /unknown setting "rooot".*"root"/],
    ['{ "root": 5 }', /no text/],
    ['{ "root": "" }', /no text/],
    ['{ "profile": "cloud" }', /no profile "cloud"/],
    ['{ "s3SecretAccessKey": "x" }', /secrets do not belong/],
    ['{ "catalog": "rest:https://ada:pw@host/x" }', /password in its URI/],
  ])("that says %s is refused, with its path", async (text, why) => {
    await write("slh.config.json", text);
    expect(() => inForce()).toThrow(why);
    expect(() => inForce()).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
    expect(() => inForce()).toThrow(expect.objectContaining({ subject: join(folder, "slh.config.json") }));
  });

  test("that throws, or is one of two, is refused", async () => {
    await write("slh.config.mjs", 'throw new Error("no luck")');
    expect(() => inForce()).toThrow(/cannot be read: no luck/);
    await write("slh.config.json", "{}");
    expect(() => inForce()).toThrow(/two config files/);
  });

  test("that is a folder is refused, and a package.json that is one is none", async () => {
    await mkdir(join(folder, "package.json"));
    expect(inForce().root?.source).toBe("default");
    await mkdir(join(folder, "slh.config.json"));
    expect(() => inForce()).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
  });

  test("is not looked for in a package.json that says nothing of it, be it broken", async () => {
    await write("package.json", "{ broken");
    expect(inForce().root?.source).toBe("default");
  });

  test("is what a lakehouse opens by", async () => {
    await write("slh.config.json", '{ "root": "lake" }');
    vi.spyOn(process, "cwd").mockReturnValue(folder);
    expect(resolveProfile({}, {}).root).toBe(join(folder, "lake"));
    for (const name of ["SLH_LAKE", "SLH_PROFILE", "SLH_CATALOG"]) vi.stubEnv(name, "");
    const lake = await openLakehouse();
    expect(lake.profile.root).toBe(join(folder, "lake"));
    await lake.close();
  });
});

test("slh config shows what is in force and who says so, and no secrets", async () => {
  await write("slh.config.json", '{ "root": "lake" }');
  vi.spyOn(process, "cwd").mockReturnValue(folder);
  vi.stubEnv("NO_COLOR", "1");
  for (const [name, value] of Object.entries({
    SLH_LAKE: "",
    SLH_PROFILE: "",
    SLH_CATALOG: "nessie:http://ada:hush@h/api/v2?token=hush",
    SLH_S3_SECRET_ACCESS_KEY: "hush",
    SLH_CATALOG_TOKEN: "hush",
    SLH_S3_REGION: "eu",
  }))
    vi.stubEnv(name, value);
  const lines: string[] = [];
  vi.spyOn(console, "log").mockImplementation((line = "") => void lines.push(String(line)));
  vi.spyOn(process.stdout, "write").mockImplementation((text) => lines.push(String(text)) > 0);
  const run = async (...args: string[]): Promise<string> => {
    lines.length = 0;
    const program = new Command("slh").exitOverride();
    await addLakehouseCommands(program);
    await program.parseAsync(["node", "slh", "config", ...args]);
    return lines.join("\n");
  };
  const text = await run();
  expect(text).toMatch(/^root +\S.*lake +\S.*slh\.config\.json$/m);
  expect(text).toMatch(/^catalog +nessie:http:\/\/…@h\/api\/v2\?token=… +SLH_CATALOG$/m);
  expect(text).toMatch(/^SLH_S3_REGION +eu$/m);
  expect(text).toMatch(/^SLH_S3_SECRET_ACCESS_KEY +\(set\)$/m);
  const json = await run("--json");
  expect(JSON.parse(json)).toMatchObject({
    environment: { SLH_CATALOG_TOKEN: "(set)", SLH_S3_REGION: "eu" },
  });
  expect(text + json).not.toContain("hush");
});

/**
 * The packages as others get them: packed, and unpacked in a project outside the workspace. What they depend on is linked
 * from the workspace, by the names that their package.json lists and no others, so that no registry is needed.
 */
import { execFile, execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const WORKSPACE = fileURLToPath(new URL("../../", import.meta.url));
const MODULES = join(WORKSPACE, "node_modules");
const PACKAGES = { sololakehouse: "lib/lakehouse", "@sololakehouse/kit": "lib/kit" } as const;
const KINDS = Object.entries(PACKAGES);
/** In bytes, unpacked. */
const LARGEST = { sololakehouse: 18e6, "@sololakehouse/kit": 24e6 } as const;
const ALLOWED =
  /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|bin\/(slh|streamctl)\.js|dist\/THIRD-PARTY-LICENSES\.txt|dist\/spark_driver\.py|dist\/alerts\.yml|dist\/docs\/(backup|experiments|guide|log|maintenance|observability|orchestration|pipelines|quality|sql)\.md|dist\/proto\/sololakehouse\/log\/v1\/\w+\.proto|dist\/.*\.(js|js\.map|d\.ts)|dist\/page\/(look-inside-licenses\.txt|parquet\.wasm)|dist\/studio\/(index\.html|studio\.css|studio-licenses\.txt|[a-z-]+-\d00(-italic)?\.woff2)|dist\/tslab\/(package\.json|LICENSE|typescript\/\w+\.txt))$/;

interface Packed {
  readonly filename: string;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

let folder: string;
let project: string;
const packed = new Map<string, Packed>();

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "slh-packed-"));
  project = join(folder, "project");
  for (const [name, home] of KINDS) {
    const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
    const answer = JSON.parse(npm(args, join(WORKSPACE, home))) as Packed[] | Record<string, Packed>;
    const pack = Object.values(answer)[0] as Packed;
    packed.set(name, pack);
    const target = join(project, "node_modules", name);
    mkdirSync(target, { recursive: true });
    execFileSync("tar", ["-xzf", join(folder, pack.filename), "-C", target, "--strip-components=1"]);
    for (const dependency of Object.keys(manifest(target).dependencies))
      if (!(dependency in PACKAGES)) link(dependency);
  }
  for (const own of ["typescript", "@types/node", "vega-datasets"]) link(own);
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const npm = (args: readonly string[], cwd: string): string => {
  const script = process.env.npm_execpath;
  const [program, ...first] = script?.endsWith(".js") ? [process.execPath, script] : ["npm"];
  return execFileSync(program as string, [...first, ...args], {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
};

function manifest(home: string): {
  dependencies: Record<string, string>;
  engines: { node: string };
} {
  return JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
}

function link(name: string): void {
  const at = join(project, "node_modules", name);
  mkdirSync(dirname(at), { recursive: true });
  try {
    symlinkSync(join(MODULES, name), at);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** Runs Node in the project; gives what it printed. */
async function node(...args: readonly string[]): Promise<string> {
  const env = { ...process.env, NODE_NO_WARNINGS: "1", NODE_OPTIONS: "", NO_COLOR: "1" };
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: project, env });
  return stdout;
}

const write = (name: string, text: string): void => writeFileSync(join(project, name), text);

/** The code of a page in Markdown, imports first. */
function codeOf(page: string): string {
  const text = readFileSync(join(WORKSPACE, page), "utf8");
  const blocks = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ""]) => code);
  expect(blocks.length).toBeGreaterThan(0);
  return blocks.join("\n");
}

async function compile(
  module: string,
  moduleResolution: string,
  files: readonly string[],
  tsc = join(MODULES, "typescript/bin/tsc"),
  strict = true,
): Promise<void> {
  const options = { module, moduleResolution, target: "es2022", lib: ["es2023"], types: ["node"] };
  const compilerOptions = { ...options, strict, skipLibCheck: true, outDir: "out", rootDir: "." };
  write("tsconfig.json", JSON.stringify({ compilerOptions, files }));
  try {
    await node(tsc, "-p", "tsconfig.json");
  } catch (error) {
    throw new Error((error as { stdout: string }).stdout);
  }
}

describe.each(KINDS)("the package %s", (name, home) => {
  test("has what it needs and no more", () => {
    const { files, unpackedSize } = packed.get(name) as Packed;
    const paths = files.map(({ path }) => path);
    expect(paths.filter((path) => !ALLOWED.test(path))).toEqual([]);
    expect(paths).toEqual(expect.arrayContaining(["README.md", "LICENSE", "CHANGELOG.md", "package.json"]));
    const pages = paths.filter((path) => path.startsWith("dist/docs/"));
    expect(pages).toEqual(
      name === "sololakehouse"
        ? [
            "backup",
            "experiments",
            "guide",
            "log",
            "maintenance",
            "observability",
            "orchestration",
            "pipelines",
            "quality",
            "sql",
          ].map((page) => `dist/docs/${page}.md`)
        : [],
    );
    expect(unpackedSize).toBeLessThan(LARGEST[name as keyof typeof LARGEST]);
    expect(manifest(join(project, "node_modules", name)).engines.node).toBe(">=20.19");
  });

  test("has the sources of each map in the map", () => {
    const dist = join(project, "node_modules", name, "dist");
    for (const file of readdirSync(dist).filter((each) => each.endsWith(".map"))) {
      const { sources, sourcesContent } = JSON.parse(readFileSync(join(dist, file), "utf8"));
      expect(sourcesContent, file).toHaveLength(sources.length);
    }
  });

  test("brings no program of another's, and nothing that needs a newer Node", () => {
    const { packages } = JSON.parse(readFileSync(join(WORKSPACE, "package-lock.json"), "utf8")) as {
      packages: Record<string, Locked>;
    };
    const found = closureOf(packages, home);
    expect(found.length).toBeGreaterThan(100);
    const programs = found.flatMap((path) => Object.keys(packages[path]?.bin ?? {}));
    expect(programs.filter((program) => ["tsc", "tsserver", "tslab"].includes(program))).toEqual([]);
    const tooNew = found.filter((path) => needsNewer(packages[path]?.engines?.node ?? "*"));
    expect(tooNew).toEqual([]);
  });
});

interface Locked {
  readonly bin?: Record<string, string>;
  readonly engines?: { readonly node?: string };
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
  readonly link?: boolean;
  readonly resolved?: string;
}

/** All that a package brings along, as the lock file has it. */
function closureOf(packages: Record<string, Locked>, home: string): string[] {
  const found = new Set<string>();
  const visit = (path: string): void => {
    if (found.has(path)) return;
    found.add(path);
    const { dependencies = {}, optionalDependencies = {} } = packages[path] as Locked;
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      for (let from = path; ; from = from.slice(0, Math.max(0, from.lastIndexOf("/")))) {
        const at = `${from === "" ? "" : `${from}/`}node_modules/${name}`;
        const entry = packages[at];
        if (entry !== undefined) visit(entry.link === true ? (entry.resolved as string) : at);
        if (entry !== undefined || from === "") break;
      }
    }
  };
  visit(home);
  return [...found];
}

/** Whether a range of Node's versions, as packages state them, leaves 20.19.0 out. */
function needsNewer(range: string): boolean {
  return !range.split("||").some((part) =>
    part
      .trim()
      .replaceAll(/([<>=^~])\s+/g, "$1")
      .split(/\s+(?=[<>^~\d])/)
      .every(admits),
  );
}

function admits(condition: string): boolean {
  const [, operator = "", version = ""] = /^(>=|>|<=|<|\^|~|=)?\s*v?(.*)$/.exec(condition) ?? [];
  const parts = version
    .split(".")
    .filter((part) => /^\d+$/.test(part))
    .map(Number);
  if (parts.length === 0) return true;
  const [major = 0, minor = 0, patch = 0] = parts;
  const order = Math.sign((20 - major) * 1e6 + (19 - minor) * 1e3 - patch);
  if (operator === ">=") return order >= 0;
  if (operator === ">") return order > 0;
  if (operator === "<=") return order <= 0;
  if (operator === "<") return order < 0;
  return major === 20 && (operator === "^" || parts.length === 1 ? order >= 0 : minor === 19 && patch === 0);
}

test("what says which Node a package needs is understood", () => {
  const fits = [
    ">=18",
    "^20.19.0 || >=22.12.0",
    ">= 12.13.0",
    "20 || >=22",
    ">=20.0.0 <25",
    "*",
    "20.x || 22.x",
  ];
  expect(fits.filter(needsNewer)).toEqual([]);
  const newer = [">=22", "^18 || >=22.12.0", ">20.19.0", "18 || 22", ">=10 <20"];
  expect(newer.filter((range) => !needsNewer(range))).toEqual([]);
});

describe("in a project of one's own", () => {
  test("the guide, the READMEs and the home page compile, strictly, and run", async () => {
    write("guide.ts", codeOf("docs/guide.md"));
    write("readme.ts", codeOf("lib/lakehouse/README.md"));
    write("root.ts", codeOf("README.md"));
    write("cell.ts", codeOf("lib/kit/README.md"));
    write("home.ts", codeOf("blog/home.md"));
    write(
      "common.cts",
      'import { openLakehouse } from "sololakehouse";\nexport const open: typeof openLakehouse = openLakehouse;\n',
    );
    await compile("esnext", "bundler", ["guide.ts", "readme.ts", "root.ts", "home.ts", "cell.ts"]);
    await compile("nodenext", "nodenext", ["guide.ts", "readme.ts", "root.ts", "home.ts", "cell.ts"]);
    expect(await node("out/readme.js")).toContain("ATL");
    expect(await node("out/home.js")).toContain("ATL");
    const printed = await node("out/guide.js");
    expect(printed).toContain("Avatar");
    expect(printed).toContain("silver.movies");
  });

  test("the oldest TypeScript that the README names compiles a use of it", async () => {
    const [, oldest] =
      /TypeScript (\d+\.\d+) or newer/.exec(
        readFileSync(join(WORKSPACE, "lib/lakehouse/README.md"), "utf8"),
      ) ?? [];
    // tslab's fork, which has TypeScript's own program.
    const home = join(MODULES, "@tslab/typescript-for-tslab");
    expect(
      JSON.parse(readFileSync(join(home, "package.json"), "utf8")).version.startsWith(`${oldest}.`),
    ).toBe(true);
    write("oldest.ts", codeOf("lib/lakehouse/README.md"));
    await compile("nodenext", "nodenext", ["oldest.ts"], join(home, "lib/tsc.js"));
    await compile("esnext", "bundler", ["oldest.ts"], join(home, "lib/tsc.js"));
    write("wrong.ts", codeOf("lib/lakehouse/README.md").replace("delay: 12", 'delay: "12"'));
    await expect(compile("nodenext", "nodenext", ["wrong.ts"], join(home, "lib/tsc.js"))).rejects.toThrow(
      "wrong.ts",
    );
    // Notebooks are compiled like this.
    write(
      "loose.ts",
      `import { defineSchema, int, type Lakehouse, type Table } from "sololakehouse";
export const made = async (lake: Lakehouse): Promise<Table> =>
  lake.createTable("a.b", { schema: defineSchema({ a: int() }) });`,
    );
    await compile("nodenext", "nodenext", ["loose.ts"], join(home, "lib/tsc.js"), false);
  });

  const USE = (root: string) => `
const lake = await openLakehouse({ root: ${JSON.stringify(root)} });
const table = await lake.createTable("a.b", { schema: defineSchema({ id: long(), text: string() }) });
await table.append(Array.from({ length: 200_000 }, (_, i) => ({ id: BigInt(i), text: "text " + i })));
console.log((await (await lake.sql("select count(*)::int as n from a.b")).rows())[0].n);
await lake.close();`;
  const NAMES = "{ defineSchema, long, openLakehouse, string }";

  test("CommonJS requires it", async () => {
    write("common.cjs", `const ${NAMES} = require("sololakehouse");\n(async () => {${USE("cjs")}\n})();`);
    expect(await node("common.cjs")).toBe("200000\n");
  });

  test("a worker thread uses it", async () => {
    write("worker.js", `import ${NAMES} from "sololakehouse";\n${USE("worker")}`);
    write(
      "start.js",
      'import { Worker } from "node:worker_threads";\nnew Worker(new URL("./worker.js", import.meta.url));',
    );
    expect(await node("start.js")).toBe("200000\n");
  });

  test("esbuild and Vite bundle what uses it, with packages left external", async () => {
    write("app.js", `import ${NAMES} from "sololakehouse";\n${USE("bundled")}`);
    const esbuild = await import("esbuild");
    await esbuild.build({
      absWorkingDir: project,
      entryPoints: ["app.js"],
      outfile: "esbuilt.mjs",
      bundle: true,
      platform: "node",
      format: "esm",
      packages: "external",
    });
    expect(await node("esbuilt.mjs")).toBe("200000\n");
    rmSync(join(project, "bundled"), { recursive: true });
    const vite = await import("vite");
    const build = { ssr: join(project, "app.js"), outDir: "vite", target: "node20" };
    await vite.build({ root: project, logLevel: "silent", build });
    expect(await node("vite/app.js")).toBe("200000\n");
  });

  test("a bundle that has swallowed it says what it lacks", async () => {
    write("whole.js", `import ${NAMES} from "sololakehouse";\n${USE("whole")}`);
    const esbuild = await import("esbuild");
    await esbuild.build({
      absWorkingDir: project,
      entryPoints: ["whole.js"],
      outfile: "swallowed/whole.mjs",
      bundle: true,
      platform: "node",
      format: "esm",
      external: ["better-sqlite3", "@duckdb/*", "snappy", "lz4-napi", "@node-rs/*", "commander"],
      banner: {
        js: 'import { createRequire as cr } from "node:module"; const require = cr(import.meta.url);',
      },
      logLevel: "silent",
    });
    await expect(node("swallowed/whole.mjs")).rejects.toThrow(/BROKEN_INSTALL/);
  });

  test("slh has the kit's commands where the kit is, and says where they are to be had", async () => {
    const slh = "node_modules/sololakehouse/bin/slh.js";
    const both = await node(slh, "--help");
    for (const command of ["sql", "branch", "run", "content"])
      expect(both).toMatch(new RegExp(`^  ${command} `, "m"));
    expect(both).not.toContain("npm install @sololakehouse/kit");
    rmSync(join(project, "node_modules/@sololakehouse"), { recursive: true });
    const alone = await node(slh, "--help");
    expect(alone).toMatch(/^ {2}sql /m);
    expect(alone).not.toMatch(/^ {2}run /m);
    expect(alone).toContain("npm install @sololakehouse/kit");
    expect(await node(slh, "init", "lake")).not.toBe("");
  });

  test("a binding of SQLite for another Node is told as such", async () => {
    const fake =
      'const e = new Error("compiled against a different Node.js version"); e.code = "ERR_DLOPEN_FAILED"; throw e;';
    write(
      "fake.cjs",
      `const M = require("node:module"); const load = M._load;
M._load = function (name, ...rest) { if (name === "bindings") { ${fake} } return load.call(this, name, ...rest); };`,
    );
    write(
      "open.js",
      'import { openLakehouse } from "sololakehouse";\nawait openLakehouse({ root: "sqlite" });',
    );
    await expect(node("--require", "./fake.cjs", "open.js")).rejects.toThrow(
      /BROKEN_INSTALL[\s\S]*npm rebuild better-sqlite3 --ignore-scripts=false/,
    );
  });
});

// npm run build: declarations by TypeScript, JavaScript by Rolldown: one file for each entry of a package and for each
// program in it, and what they share in others (`_*.js`), so that a class is the same class wherever it is imported. A
// process then opens a dozen files instead of hundreds, which is most of the time that it needs to start. All of it lies
// flat in `dist`: a file that is found beside `import.meta.url` is there whichever chunk the code has landed in.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

/** What a package starts beside its entries, by the name of the file that it becomes. */
const PROGRAMS = {
  "lib/lakehouse": { cli: "cli.ts", streamctl: "streamctl.ts", worker: "parquet/encode/worker.ts" },
  "lib/kit": {
    main: "notebook/kernel/main.ts",
    typecheck: "notebook/kernel/typecheck.ts",
    jupyter: "notebook/kernel/jupyter.ts",
    language: "notebook/kernel/language.ts",
    orphan: "notebook/kernel/orphan.ts",
  },
};

/**
 * Packages that go into the bundle: their many files take longer to open than to run, nobody outside gets or gives an
 * object of theirs. Arrow does not go in: its classes are our users' too. Fastify goes in with all that it needs, at the
 * versions of our lock file: what npm would choose for our users asks for a newer Node than we do.
 */
const INLINED = ["@duckdb/node-api", "yaml", ...withDependencies("fastify")];

/** The licences of what is inlined, which ask to come along. */
const LICENSES = "THIRD-PARTY-LICENSES.txt";
/** Compiled as it is, not bundled: what notebooks import beside the packages. */
const PIPELINES = "pipelines";
const PAGES = [
  "backup.md",
  "experiments.md",
  "guide.md",
  "log.md",
  "maintenance.md",
  "observability.md",
  "orchestration.md",
  "pipelines.md",
  "quality.md",
  "sql.md",
];

/** Says what `dist` was made from: see `unbuilt` in lib/kit/notebook/build.ts. */
const RECORD = "dist/built.json";

/** A statement that imports or passes on names. */
const NAMED = /^(import|export) \{([^}]*)\} from "([^"]+)";/gm;

const { positionals: others, values } = parseArgs({
  /** Projects that are compiled beside the packages, as `bench`. */
  allowPositionals: true,
  /** Leaves nothing of earlier builds: for a package that is to be published. */
  options: { clean: { type: "boolean" } },
});
const pipelines = existsSync(PIPELINES) ? [PIPELINES] : [];
const recorded = pipelines.map((folder) => [join(folder, RECORD), { sources: sourcesOf(folder) }]);
const tsc = ["node_modules/typescript/bin/tsc", "-b", ...Object.keys(PROGRAMS), ...pipelines, ...others];
const { status } = spawnSync(process.execPath, tsc, { stdio: "inherit" });
if (status === 0) {
  for (const folder of Object.keys(PROGRAMS)) await bundle(folder);
  for (const [file, record] of recorded) writeFileSync(file, JSON.stringify(record));
  copyPages();
  copyProtos();
  cpSync("lib/lakehouse/pipeline/spark/spark_driver.py", "lib/lakehouse/dist/spark_driver.py");
  cpSync("deploy/observability/alerts.yml", "lib/kit/dist/alerts.yml");
} else process.exitCode = 1;

/** The pages that go with the library, for those who have no repository at hand. */
function copyPages() {
  for (const page of PAGES.filter((name) => existsSync(join("docs", name))))
    cpSync(join("docs", page), join("lib/lakehouse/dist/docs", page));
}

/** The protos of the log's services, from which clients in other languages are made. */
function copyProtos() {
  const from = "lib/lakehouse/log/rpc/proto/sololakehouse";
  if (existsSync(from)) cpSync(from, "lib/lakehouse/dist/proto/sololakehouse", { recursive: true });
}

/** Bundles a package of the working directory; what is up to date is left alone. */
async function bundle(folder) {
  const sources = sourcesOf(folder);
  const by = createHash("sha256")
    .update(readFileSync(createRequire(import.meta.url).resolve("rolldown/package.json")))
    .update(readFileSync(new URL(import.meta.url)))
    .update(JSON.stringify([readJson(folder, "package.json"), readJson(".", "package-lock.json")]))
    // The inspector's page has parts of the lakehouse in it.
    .update(folder === "lib/kit" ? JSON.stringify(sourcesOf("lib/lakehouse")) : "")
    .digest("hex");
  const before = values.clean ? undefined : readJson(folder, RECORD);
  const isSame =
    before?.by === by &&
    JSON.stringify(before.sources) === JSON.stringify(sources) &&
    before.files.every((file) => existsSync(join(folder, "dist", file)));
  if (isSame) return;
  const { rolldown } = await import("rolldown");
  const bundled = await rolldown({
    cwd: join(process.cwd(), folder),
    input: entriesOf(folder),
    platform: "node",
    external: (id) => !/^[./]/.test(id) && !isAbsolute(id) && !INLINED.includes(packageOf(id)),
    tsconfig: "./tsconfig.json",
    plugins: [throughRooms()],
  });
  const { output } = await bundled.write({
    dir: "dist",
    format: "es",
    sourcemap: true,
    entryFileNames: "[name].js",
    chunkFileNames: "_[name]-[hash].js",
  });
  await bundled.close();
  writeFileSync(join(folder, "dist", LICENSES), licensesOf(output));
  const dropped = dropForeignMaps(folder, output);
  const files = [
    ...output.map(({ fileName }) => fileName).filter((name) => !dropped.includes(name)),
    ...(folder === "lib/kit"
      ? [
          ...copyTslab(folder),
          ...(await bundlePage(folder, rolldown)),
          ...(await bundleStudio(folder, rolldown)),
        ]
      : []),
  ];
  // A process that runs from the build before this one may still load parts of it.
  const kept = new Set([...files, ...(before?.files ?? [])]);
  for (const entry of readdirSync(join(folder, "dist"), { recursive: true })) {
    const name = entry.split(sep).join("/");
    if (/\.js(\.map)?$/.test(name) && !kept.has(name)) rmSync(join(folder, "dist", entry));
  }
  writeFileSync(join(folder, RECORD), JSON.stringify({ by, sources, files }));
}

/**
 * Source maps of chunks that hold others' code alone are half as large as that code, and lead to no line of ours.
 *
 * @returns their names, in `dist`
 */
function dropForeignMaps(folder, output) {
  const isForeign = (id) => id.includes("node_modules") || id.startsWith("\0");
  const foreign = output.filter(
    ({ type, moduleIds, map }) => type === "chunk" && map && moduleIds.every(isForeign),
  );
  return foreign.map(({ fileName }) => {
    const file = join(folder, "dist", fileName);
    writeFileSync(file, readFileSync(file, "utf8").replace(/\n\/\/# sourceMappingURL=\S+\s*$/, "\n"));
    rmSync(`${file}.map`);
    return `${fileName}.map`;
  });
}

/**
 * What can be imported, by the package's exports (a file is made from the source that its declarations are made from,
 * `*` stands for each room), and its programs.
 */
function entriesOf(folder) {
  const whole = { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" } };
  const { exports = whole } = readJson(folder, "package.json") ?? {};
  const rooms = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, "index.ts")))
    .map(({ name }) => name);
  const entries = Object.values(exports)
    .filter((target) => typeof target !== "string")
    .flatMap(({ types, default: file }) => {
      const [source, name] = [/^\.\/dist\/(.+)\.d\.ts$/.exec(types)[1], /^\.\/dist\/(.+)\.js$/.exec(file)[1]];
      return (name.includes("*") ? rooms : [""]).map((room) => [
        name.replace("*", room),
        `./${source.replace("*", room)}.ts`,
      ]);
    });
  const programs = Object.entries(PROGRAMS[folder])
    .filter(([, path]) => existsSync(join(folder, path)))
    .map(([name, path]) => [name, `./${path}`]);
  return Object.fromEntries([...entries, ...programs]);
}

/**
 * Imports from a room's index become imports from the files that have the things. A bundler puts all that an index leads
 * to into what loads it, and who wants one name of a room would load all of it, Arrow and all.
 *
 * @param packages indexes of rooms of other packages, by what imports name them
 */
function throughRooms(packages = {}) {
  const rooms = new Map();
  const target = (file, from) => join(dirname(file), from.replace(/\.js$/, ".ts"));
  const named = (names) =>
    names
      .split(",")
      .map((each) => each.trim())
      .filter((each) => each !== "" && !each.startsWith("type "))
      .map((each) => each.split(" as "))
      .map(([name, alias = name]) => ({ name, alias }));
  /** Where each name of a room is from. */
  const namesOf = (index) => {
    if (!rooms.has(index)) {
      const found = new Map();
      for (const [, kind, names, from] of readFileSync(index, "utf8").matchAll(NAMED))
        if (kind === "export")
          for (const { name, alias } of named(names)) found.set(alias, { name, file: target(index, from) });
      rooms.set(index, found);
    }
    return rooms.get(index);
  };
  return {
    name: "through-rooms",
    transform(code, id) {
      const mayImport = ["/index.js", ...Object.keys(packages)].some((part) => code.includes(part));
      if (!id.endsWith(".ts") || !mayImport) return null;
      const changed = code.replace(NAMED, (statement, kind, names, from) => {
        const index = /^\..*\/index\.js$/.test(from) ? target(id, from) : packages[from];
        if (index === undefined) return statement;
        const direct = named(names).map(({ name, alias }) => {
          const known = namesOf(index).get(name) ?? { name, file: index };
          return `${kind} { ${known.name} as ${alias} } from ${JSON.stringify(known.file)};`;
        });
        // As many lines as before: nothing else moves, so that no source map is needed.
        return direct.join(" ") + "\n".repeat(statement.split("\n").length - 1);
      });
      return { code: changed, map: null };
    },
  };
}

/** The package that an import is from. */
function packageOf(id) {
  return /^(@[^/]+\/)?[^/]+/.exec(id)?.[0];
}

/** A package, and all that it depends on. */
function withDependencies(name) {
  const found = new Set();
  const visit = (each, from) => {
    const home = homeOf(each, from);
    if (found.has(each)) return;
    found.add(each);
    for (const next of Object.keys(readJson(home, "package.json").dependencies ?? {})) visit(next, home);
  };
  visit(name, process.cwd());
  return [...found];
}

/** The folder of a package, as one in another folder imports it. */
function homeOf(name, from) {
  const home = join(from, "node_modules", name);
  if (existsSync(home)) return home;
  if (dirname(from) === from) throw new Error(`${name} is not installed`);
  return homeOf(name, dirname(from));
}

/**
 * tslab and its TypeScript, as files of the kit. As packages they would bring programs along: that TypeScript's `tsc`
 * took the place of the user's own in `node_modules/.bin`. What the kernel runs with is copied, and the compiler's
 * library, beside which TypeScript looks for it.
 *
 * @returns the names of the files, in `dist`
 */
function copyTslab(folder) {
  const target = join(folder, "dist", "tslab");
  rmSync(target, { recursive: true, force: true });
  const files = [];
  const add = (name, content) => {
    mkdirSync(dirname(join(target, name)), { recursive: true });
    writeFileSync(join(target, name), content);
    files.push(`tslab/${name}`);
  };
  const home = homeOf("tslab", process.cwd());
  const { name, version, license, main, types } = readJson(home, "package.json");
  add("package.json", JSON.stringify({ name, version, license, main, types, type: "commonjs" }, null, 2));
  add("LICENSE", readFileSync(join(home, "LICENSE")));
  const TYPES = '"..", "node_modules", "@types"';
  for (const file of readdirSync(join(home, "dist"))) {
    const text = readFileSync(join(home, "dist", file), "utf8")
      .replaceAll('"@tslab/typescript-for-tslab"', '"../typescript/typescript.js"')
      // Where no @types/node is to be found from a cell: the kit's.
      .replace(`(__dirname, ${TYPES})`, '(require.resolve("@types/node/package.json"), "..", "..")');
    if (text.includes(TYPES)) throw new Error(`${file} of tslab looks for types where none are`);
    add(`dist/${file}`, text);
  }
  const compiler = homeOf("@tslab/typescript-for-tslab", home);
  for (const file of ["LICENSE.txt", "ThirdPartyNoticeText.txt"])
    add(`typescript/${file}`, readFileSync(join(compiler, file)));
  for (const file of readdirSync(join(compiler, "lib")))
    if (file === "typescript.js" || /^lib\..*d\.ts$/.test(file))
      add(`typescript/${file}`, readFileSync(join(compiler, "lib", file)));
  return files;
}

/**
 * The programs of the site's pages, for browsers. Of the inspector's page: what reads footers as a plain script, which a page
 * opened from a file may run too, and what decodes rows as a module with its WebAssembly, which is loaded when rows are asked
 * for. And the calculator of the page with the estimates.
 *
 * @returns the names of the files, in `dist`
 */
async function bundlePage(folder, rolldown) {
  if (!existsSync(join(folder, "inspector"))) return [];
  const lakehouse = join(process.cwd(), "lib", "lakehouse");
  const indexes = {
    "sololakehouse/errors": join(lakehouse, "errors.ts"),
    "sololakehouse/parquet": join(lakehouse, "parquet", "index.ts"),
  };
  const target = join(folder, "dist", "page");
  rmSync(target, { recursive: true, force: true });
  const inlined = [];
  for (const [name, entry, format] of [
    ["look-inside", "inspector/page/main", "iife"],
    ["look-inside-rows", "inspector/page/rows", "es"],
    ["estimates", "estimate/page/main", "iife"],
  ]) {
    const bundled = await rolldown({
      cwd: join(process.cwd(), folder),
      input: { [name]: `./${entry}.ts` },
      platform: "browser",
      plugins: [throughRooms(indexes)],
      // The look loads Vega when it first draws, for commands; the page has it in the file of its charts anyway.
      checks: { ineffectiveDynamicImport: false },
    });
    const { output } = await bundled.write({ dir: "dist/page", format, minify: true, codeSplitting: false });
    await bundled.close();
    inlined.push(...output);
  }
  const wasm = join(homeOf("parquet-wasm", process.cwd()), "esm", "parquet_wasm_bg.wasm");
  writeFileSync(join(target, "parquet.wasm"), readFileSync(wasm));
  writeFileSync(join(target, "look-inside-licenses.txt"), licensesOf(inlined));
  return readdirSync(target).map((name) => `page/${name}`);
}

/**
 * The studio's page and the program of its frame of outputs, for browsers. The page's parts that are heavy are loaded when
 * they are asked for, so it may be in several files; the frame may fetch nothing, so it is one.
 *
 * @returns the names of the files, in `dist`
 */
async function bundleStudio(folder, rolldown) {
  if (!existsSync(join(folder, "studio"))) return [];
  const ui = join(folder, "studio", "ui");
  const target = join(folder, "dist", "studio");
  const inlined = [];
  const names = ["index.html", "studio.css", "studio-licenses.txt"];
  const lakehouse = join(process.cwd(), "lib", "lakehouse");
  const indexes = {
    "sololakehouse/errors": join(lakehouse, "errors.ts"),
    "sololakehouse/parquet": join(lakehouse, "parquet", "index.ts"),
  };
  for (const [name, entry, format] of [
    ["studio", "main.tsx", "es"],
    ["frame", "frame.ts", "iife"],
  ]) {
    const bundled = await rolldown({
      cwd: join(process.cwd(), folder),
      input: { [name]: `./studio/ui/${entry}` },
      platform: "browser",
      tsconfig: "./tsconfig.json",
      plugins: [throughRooms(indexes)],
      // The look loads Vega when it first draws, for commands; the page has it in the file of its charts anyway.
      checks: { ineffectiveDynamicImport: false },
    });
    const { output } = await bundled.write({
      dir: "dist/studio",
      format,
      minify: true,
      entryFileNames: "[name].js",
      chunkFileNames: "[name]-[hash].js",
      ...(format === "iife" ? { codeSplitting: false } : {}),
    });
    await bundled.close();
    inlined.push(...output);
    names.push(...output.map(({ fileName }) => fileName));
  }
  cpSync(join(ui, "index.html"), join(target, "index.html"));
  names.push(...(await styleStudio(join(folder, "dist", "look.js"), join(ui, "styles"), target)));
  writeFileSync(join(target, "studio-licenses.txt"), licensesOf(inlined));
  return names.map((name) => `studio/${name}`);
}

/**
 * The studio's style sheet: fonts and tokens of the look, which has just been built, then the page's own rules. A reader's
 * choice of theme beats the system's.
 *
 * @returns the names of the fonts
 */
async function styleStudio(look, styles, target) {
  const { cssVariables, FONT_FACES, fontFile, type } = await import(pathToFileURL(look).href);
  const fonts = FONT_FACES.map((face) => {
    const slug = face.family.toLowerCase().replace(" ", "-");
    const name = `${slug}-${face.weight}${face.style === "italic" ? "-italic" : ""}.woff2`;
    cpSync(fontFile(face, "woff2"), join(target, name));
    return { ...face, name };
  });
  const css = [
    ...fonts.map(
      ({ family, style, weight, name }) =>
        `@font-face{font-family:"${family}";font-style:${style};font-weight:${weight};font-display:swap;src:url(${name}) format("woff2")}`,
    ),
    `:root{color-scheme:light;--font-text:${type.text};--font-code:${type.code};${cssVariables("light")}}`,
    `:root[data-theme=dark]{color-scheme:dark;${cssVariables("dark")}}`,
    `@media (prefers-color-scheme:dark){:root:not([data-theme=light]){color-scheme:dark;${cssVariables("dark")}}}`,
    ...readdirSync(styles)
      .sort()
      .map((name) => readFileSync(join(styles, name), "utf8")),
  ].join("\n");
  writeFileSync(join(target, "studio.css"), css);
  return fonts.map(({ name }) => name);
}

/** Name, version and licence of each package that a bundle has code of. */
function licensesOf(output) {
  const inlined = new Set(
    output
      .flatMap(({ modules = {} }) => Object.keys(modules))
      .map((path) => /^.*[\\/]node_modules[\\/](@[^\\/]+[\\/])?[^\\/]+/.exec(path)?.[0])
      .filter((home) => home !== undefined),
  );
  return [...inlined]
    .sort()
    .map((home) => {
      const { name, version, license } = readJson(home, "package.json");
      const file = readdirSync(home).find((entry) => /^licen[cs]e/i.test(entry));
      const text = file === undefined ? "" : `\n\n${readFileSync(join(home, file), "utf8").trim()}`;
      return `${name} ${version} (${license})${text}\n`;
    })
    .join("\n");
}

/** SHA-256 of each source, by its path in the package. */
function sourcesOf(folder) {
  const sources = {};
  const visit = (at) => {
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      const path = join(at, entry.name);
      if (entry.isDirectory()) {
        if (entry.name !== "dist" && entry.name !== "node_modules") visit(path);
      } else if (/\.(tsx?|css|html)$/.test(entry.name)) {
        const hash = createHash("sha256").update(readFileSync(path));
        sources[relative(folder, path).split(sep).join("/")] = hash.digest("hex");
      }
    }
  };
  visit(folder);
  return sources;
}

function readJson(folder, file) {
  try {
    return JSON.parse(readFileSync(join(folder, file), "utf8"));
  } catch {
    return undefined;
  }
}

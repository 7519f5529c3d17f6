import { createRequire, SourceMap } from "node:module";
import { parse, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { Script } from "node:vm";
import type ts from "typescript";
import { tslabFile } from "./built.js";
import { cellSource } from "./cell-source.js";
import { findTraps, type Trap } from "./traps.js";

/**
 * tslab, as far as it is used here: its parts have no public entry, so their shape is written down. The version is
 * pinned in package.json for that reason.
 */
export interface Diagnostic {
  /** Both from 0. */
  readonly start: { readonly line: number; readonly character: number };
  readonly end: { readonly line: number; readonly character: number };
  readonly messageText: string;
  readonly code: number;
  readonly fileName?: string | undefined;
}

interface ConvertResult {
  output?: string | undefined;
  readonly declOutput?: string | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** The modules that the cell imports, as JavaScript under the paths that they would have. */
  sideOutputs?: readonly { readonly path: string; readonly data: string }[] | undefined;
  hasToplevelAwait?: boolean | undefined;
}

export interface Converter {
  /** Type-checks a cell after the declarations of those before it, and turns it into JavaScript. */
  convert(declarations: string, source: string): ConvertResult;
  /** What may stand at a place of a cell; offsets are UTF-16 units from the cell's start. */
  complete(
    declarations: string,
    source: string,
    offset: number,
  ): {
    readonly start: number;
    readonly end: number;
    readonly candidates: readonly string[];
    readonly original?: {
      readonly entries: readonly {
        readonly name: string;
        readonly kind: string;
        readonly sortText: string;
      }[];
    };
  };
  /** What stands at a place of a cell. */
  inspect(declarations: string, source: string, offset: number): QuickInfo | undefined;
  close(): void;
}

interface QuickInfo {
  readonly textSpan?: { readonly start: number; readonly length: number };
  readonly displayParts?: readonly { readonly text: string }[];
  readonly documentation?: readonly { readonly text: string }[];
}

interface Executor {
  /** False when the cell did not compile or threw; the reason went to `console.error`. */
  execute(source: string): Promise<boolean>;
}

interface ExecutorConsole {
  log(value: unknown): void;
  error(...parts: unknown[]): void;
}

/** Only what is replaced here, and what TypeScript's own declarations leave out. */
interface TypeScript {
  readonly version: string;
  readonly sys: object;
  readonly objectAllocator: { getSourceFileConstructor(): { prototype: object } };
  createWatchCompilerHost(files: string[], options: object, ...rest: unknown[]): unknown;
  createWatchProgram(host: WatchHost): unknown;
  transpileModule(source: string, options: { compilerOptions: object }): { outputText: string };
}

interface WatchHost {
  afterProgramCreate?: ((builder: ts.BuilderProgram) => void) | undefined;
}

export interface Jupyter {
  lastWriteDisplayData: (
    content: {
      data: Record<string, unknown>;
      metadata: Record<string, unknown>;
      transient: { display_id?: string };
    },
    update?: boolean,
  ) => void;
}

export interface Tslab {
  readonly version: string;
  /** The version of its TypeScript. */
  readonly typescript: string;
  readonly jupyter: Jupyter;
  createConverter(): Converter;
  createExecutor(folder: string, converter: Converter, console: ExecutorConsole): Executor;
  /** The place in the cell's own text, from 1, of a place in what the last `convert` made of it. */
  takeMapping(): Mapping;
  /** What in the last cell converted compiles and fails when it runs; lines and columns from 0, of the cell. */
  traps(): Trap[];
}

export type Mapping = (line: number, column: number) => { line: number; column: number } | undefined;

/** Watches nothing. A change on disk between two cells would set the one timer that tslab has, and end the run. */
const watchNothing = () => ({ close() {} });

/** The line that tslab puts before each cell, so that TypeScript takes it for a module. */
const PREFIX_LINES = 1;

/**
 * Loads tslab with source maps switched on.
 *
 * tslab converts a cell in two steps (TypeScript to ESM, ESM to CommonJS) and drops the maps of both. It reaches
 * TypeScript through the module cache, so there it is given a copy whose two functions ask for maps and keep them.
 *
 * @param strict also check cells as strictly as the library; the kernel of Jupyter does not.
 */
export function loadTslab({ strict = false } = {}): Tslab {
  const require = createRequire(import.meta.url);
  const typescriptPath = tslabFile("typescript/typescript.js");
  const ts = require(typescriptPath) as TypeScript;
  let maps: readonly (SourceMap | undefined)[] = [];
  let builder: ts.BuilderProgram | undefined;
  giveSourceFilesTheirPath(ts);
  const cached = require.cache[typescriptPath];
  if (!cached) throw new Error("The TypeScript of tslab is not in the module cache.");
  cached.exports = {
    ...ts,
    sys: { ...ts.sys, watchFile: watchNothing, watchDirectory: watchNothing },
    createWatchCompilerHost: (files: string[], options: object, ...rest: unknown[]) =>
      ts.createWatchCompilerHost(files, { ...options, rootDir, inlineSourceMap: true, strict }, ...rest),
    createWatchProgram: (host: WatchHost) => {
      const { afterProgramCreate } = host;
      host.afterProgramCreate = (created) => {
        builder = created;
        emitAsIfBelow(created);
        afterProgramCreate?.(created);
      };
      return ts.createWatchProgram(host);
    },
    transpileModule: (source: string, options: { compilerOptions: object }) => {
      const first = detachMap(source);
      const result = ts.transpileModule(first.code, {
        ...options,
        compilerOptions: { ...options.compilerOptions, inlineSourceMap: true },
      });
      const second = detachMap(result.outputText);
      maps = [second.map, first.map];
      return { ...result, outputText: second.code };
    },
  } satisfies TypeScript;

  const jupyter = require(tslabFile("dist/jupyter.js")) as Jupyter;
  const converter = require(tslabFile("dist/converter.js")) as {
    createConverter(options: { isJS: boolean; isBrowser: boolean }): Converter;
  };
  // Replaced in the module itself, where tslab's own kernel looks for it.
  const { createConverter } = converter;
  converter.createConverter = (options) =>
    noticingAwait(createConverter(options), (source) =>
      cellSource(ts as unknown as Parameters<typeof cellSource>[0], source),
    );
  const executor = require(tslabFile("dist/executor.js")) as {
    createExecutor(folder: string, converters: object, console: ExecutorConsole): Executor;
  };
  const { version } = require(tslabFile("package.json")) as { version: string };
  return {
    version,
    typescript: ts.version,
    jupyter,
    createConverter: () => converter.createConverter({ isJS: false, isBrowser: false }),
    createExecutor: (folder, node, console) =>
      executor.createExecutor(folder, { node, browser: node, close: () => node.close() }, console),
    traps: () =>
      builder === undefined
        ? []
        : findTraps(ts as unknown as Parameters<typeof findTraps>[0], builder.getProgram()).map((trap) => ({
            ...trap,
            line: trap.line - PREFIX_LINES,
          })),
    takeMapping() {
      const [toEsm, toCell] = maps;
      maps = [];
      return (line, column) => {
        const esm = toEsm && original(toEsm, line - 1, column - 1);
        const cell = esm && toCell && original(toCell, esm.line, esm.column);
        return cell && { line: cell.line + 1 - PREFIX_LINES, column: cell.column + 1 };
      };
    },
  };
}

/** Where modules may lie that cells import: anywhere. tslab itself allows the notebook's folder and what is below. */
const rootDir = parse(process.cwd()).root;

/** Stands for that root in the names under which tslab takes what TypeScript emits, which all lie below the notebook's folder. */
const OUTSIDE = "@outside";

/** Makes a program emit as if the notebook's folder were its root, which is what tslab expects. */
function emitAsIfBelow(builder: ts.BuilderProgram): void {
  const emit = builder.emit.bind(builder);
  const own = `outDir/${relative(rootDir, process.cwd()).replaceAll("\\", "/")}/`;
  builder.emit = (file, write, ...rest) =>
    emit(
      file,
      (name, ...given) =>
        write?.(
          name.startsWith(own)
            ? `outDir/${name.slice(own.length)}`
            : name.replace(/^outDir\//, `outDir/${OUTSIDE}/`),
          ...given,
        ),
      ...rest,
    );
}

/** Where a module lies that tslab takes for one below the notebook's folder. */
function fromOutside(path: string): string {
  const prefix = `${process.cwd().replaceAll("\\", "/")}/${OUTSIDE}/`;
  return path.startsWith(prefix) ? `${rootDir.replaceAll("\\", "/")}${path.slice(prefix.length)}` : path;
}

/**
 * tslab takes a cell for asynchronous by a complaint of TypeScript's about its first `await`. That complaint is
 * missing for `await (…)` and for `for await`, so a cell which only compiles inside an async function is marked here.
 */
function noticingAwait(converter: Converter, prepare: (source: string) => string): Converter {
  const compiles = (output: string, keyword: string) => {
    try {
      new Script(`(${keyword} function (exports, require) {${output}\n})`);
      return true;
    } catch {
      return false;
    }
  };
  return {
    ...converter,
    convert(declarations, source) {
      const converted = converter.convert(declarations, prepare(source));
      converted.sideOutputs = converted.sideOutputs?.map((module) => ({
        ...module,
        path: fromOutside(module.path),
      }));
      const { output, hasToplevelAwait } = converted;
      if (output !== undefined && !hasToplevelAwait && /\bawait\b/.test(output)) {
        converted.hasToplevelAwait = !compiles(output, "") && compiles(output, "async");
      }
      return converted;
    },
  };
}

/**
 * TypeScript parses `await (await f()).g()` twice, since the first `await (` might be a call, and its declarations
 * then hang below the source file of the first time, which never got its path. Naming an imported type from there
 * fails with an internal error, so a source file without a path gives its name, which here is the same.
 */
function giveSourceFilesTheirPath(ts: TypeScript): void {
  Object.defineProperty(ts.objectAllocator.getSourceFileConstructor().prototype, "path", {
    configurable: true,
    get(this: { fileName?: string }) {
      return this.fileName;
    },
    set(value: string) {
      if (value === "") return;
      Object.defineProperty(this, "path", { value, writable: true, enumerable: true, configurable: true });
    },
  });
}

function original(
  map: SourceMap,
  line: number,
  column: number,
): { line: number; column: number } | undefined {
  const entry = map.findEntry(line, column);
  return "originalLine" in entry ? { line: entry.originalLine, column: entry.originalColumn } : undefined;
}

const MAP_COMMENT = /\n?\/\/# sourceMappingURL=data:application\/json[^,\n]*,([A-Za-z0-9+/=]+)\s*$/;

function detachMap(code: string): { code: string; map: SourceMap | undefined } {
  const found = MAP_COMMENT.exec(code);
  if (!found) return { code, map: undefined };
  const payload = JSON.parse(Buffer.from(found[1] ?? "", "base64").toString("utf8"));
  return { code: `${code.slice(0, found.index)}\n`, map: new SourceMap(payload) };
}

/** How stack traces call a cell, so that each frame tells its cell. */
export const cellUrl = (cell: number): string => `notebook-cell:${cell}`;

/** `file:///home/me/project/`, as stacks of ES modules write a folder. */
export const folderUrl = (folder: string): string => `${pathToFileURL(folder).href.replace(/\/$/, "")}/`;

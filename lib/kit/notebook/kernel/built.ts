import { fileURLToPath } from "node:url";

/**
 * The path of a program of this folder, for `fork` or a worker: `scripts/build.mjs` puts each beside all else. Programs run from the
 * build, also where the caller runs from the sources, as tests do.
 */
export function builtModule(name: "main" | "typecheck" | "jupyter" | "language" | "orphan"): string {
  return built(`${name}.js`);
}

/** The path of a file of tslab, or of its TypeScript (`typescript/…`), which `scripts/build.mjs` copies into the kit. */
export function tslabFile(name: string): string {
  return built(`tslab/${name}`);
}

function built(name: string): string {
  const folder = import.meta.url.endsWith(".ts") ? "../../dist/" : "./";
  return fileURLToPath(new URL(folder + name, import.meta.url));
}

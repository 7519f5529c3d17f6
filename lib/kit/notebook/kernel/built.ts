import { fileURLToPath } from "node:url";

/**
 * The path of a program of this folder, for `fork`: `scripts/build.mjs` puts each beside all else. Programs run from the build, also where the caller runs from the
 * sources, as tests do.
 */
export function builtModule(name: "main" | "typecheck" | "jupyter"): string {
  const folder = import.meta.url.endsWith(".ts") ? "../../dist/" : "./";
  return fileURLToPath(new URL(`${folder}${name}.js`, import.meta.url));
}

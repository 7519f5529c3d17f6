import { pathToFileURL } from "node:url";
import type { LakehouseError } from "./errors.js";

/** From Node 22.18 on it strips types by itself. */
export function runsTypeScript(): boolean {
  return "typescript" in process.features && Boolean(process.features.typescript);
}

/**
 * Loads a module of somebody who uses this library.
 *
 * @param refuse makes the error of one that does not load.
 */
export async function importModule(
  path: string,
  refuse: (why: string, remedy: string, cause?: unknown) => LakehouseError,
): Promise<Readonly<Record<string, unknown>>> {
  if (/\.[cm]?ts$/.test(path) && !runsTypeScript())
    throw refuse(
      `${path} is TypeScript, which Node ${process.versions.node} does not run.`,
      "Compile it, and name the JavaScript that comes of it; or use Node 22.18 or newer.",
    );
  try {
    return (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw refuse(`${path} cannot be loaded: ${why}`, "Mend the file.", cause);
  }
}

import { createHash } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** A hash of parts, each kept apart from the next: 24 hex digits. */
export function contentHash(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest("hex").slice(0, 24);
}

/** The installed version of a package, for cache keys: a new drawing library draws anew. */
export function packageVersion(name: string): string {
  const require = createRequire(import.meta.url);
  // Some packages do not export their manifest, so it is looked for along the module path.
  for (const folder of require.resolve.paths(name) ?? []) {
    const manifest = join(folder, name, "package.json");
    if (existsSync(manifest))
      return String((JSON.parse(readFileSync(manifest, "utf8")) as { version?: string }).version);
  }
  return "unknown";
}

/** What is slow to make and depends on its inputs alone, kept as files named by the hash of those inputs. */
export interface Cache {
  /** The bytes for a key, made when they are not there yet. Of processes that make them at a time the first one's stay. */
  bytes(key: string, make: () => Promise<Uint8Array> | Uint8Array): Promise<Uint8Array>;
  text(key: string, make: () => Promise<string> | string): Promise<string>;
}

/** A cache in a folder that may be deleted at any time. */
export function openCache(folder: string): Cache {
  mkdirSync(folder, { recursive: true });
  const bytes = async (key: string, make: () => Promise<Uint8Array> | Uint8Array) => {
    const path = join(folder, key);
    if (existsSync(path)) return readFileSync(path);
    const made = await make();
    const partial = `${path}.${process.pid}.part`;
    writeFileSync(partial, made);
    try {
      linkSync(partial, path);
      return made;
    } catch (cause) {
      // Whoever was first may have given its bytes away already, and a browser does not print the same ones twice.
      if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
      return readFileSync(path);
    } finally {
      rmSync(partial);
    }
  };
  return {
    bytes,
    async text(key, make) {
      return Buffer.from(await bytes(key, async () => Buffer.from(await make()))).toString("utf8");
    },
  };
}

import { createHash, type Hash } from "node:crypto";
import { mkdir, readdir, readFile, realpath, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Project } from "../../milestones/index.js";

/** Whose declarations cells see: read as they are built. All other packages are told by the lock file. */
const PACKAGES = ["sololakehouse", "@sololakehouse/kit"];

/**
 * Notebooks whose cells have compiled, with a hash of all that decides it: the notebook, the code beside it, the
 * declarations of both packages, the kernel, the locked versions of the others, Node. So a notebook is checked again
 * only when it changes, or what cells can see of the library does.
 */
export interface CheckedNotebooks {
  /** True when the notebook has compiled just as it is. */
  has(path: string): Promise<boolean>;
  add(path: string): Promise<void>;
  /** Keeps what was added for the next time. */
  save(): Promise<void>;
}

/** What is known of a project's notebooks. A record that is missing or damaged holds nothing. */
export async function openCheckedNotebooks({ root, lake }: Project): Promise<CheckedNotebooks> {
  const file = join(lake, "checked-notebooks.json");
  const world = createHash("sha256").update(process.version);
  world.update(await readFile(join(root, "package-lock.json")).catch(() => ""));
  for (const name of PACKAGES) {
    const folder = await realpath(join(root, "node_modules", name));
    await addFiles(world, folder, /\.d\.ts$|[\\/](package\.json|typecheck\.js)$/);
  }
  const shared = world.digest("hex");
  const keys = new Map<string, string>(await readKeys(file));
  const keyOf = async (path: string) => {
    const key = createHash("sha256")
      .update(shared)
      .update(await readFile(path));
    // What a cell may import from beside its notebook.
    await addFiles(key, dirname(path), /\.(ts|mts|cts|tsx|js|mjs|cjs|jsx|json)$/);
    return key.digest("hex");
  };
  return {
    has: async (path) => keys.get(path) === (await keyOf(path)),
    add: async (path) => void keys.set(path, await keyOf(path)),
    save: async () => {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, JSON.stringify([...keys]));
    },
  };
}

async function readKeys(file: string): Promise<[string, string][]> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch {
    return [];
  }
}

/** Adds the names and the bytes of a folder's files, but for installed packages and hidden folders. */
async function addFiles(hash: Hash, folder: string, wanted: RegExp): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !/^(node_modules$|\.)/.test(entry.name)) await addFiles(hash, path, wanted);
    else if (entry.isFile() && wanted.test(path))
      hash
        .update(`${path}\0`)
        .update(await readFile(path))
        .update("\0");
  }
}

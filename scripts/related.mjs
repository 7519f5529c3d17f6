// Which tests have to do with which files, by the imports that are written in the sources.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { root } from "./setup.mjs";

/** An import or re-export of values; of types alone there is nothing to run. */
const IMPORT =
  /^(?:import|export)(?! type\b)[^"';]*?from\s*"([^"]+)"|^import\s*"([^"]+)"|\bimport\(\s*"([^"]+)"/gm;

/** Paths from the project's root, with slashes. */
function sources(folder) {
  return readdirSync(join(root, folder), { recursive: true })
    .map((file) => `${folder}/${file.replaceAll("\\", "/")}`)
    .filter((file) => file.endsWith(".ts") && !/(^|\/)(dist|node_modules)\//.test(file));
}

function resolved(from, name) {
  if (name.startsWith(".")) return posix.normalize(`${posix.dirname(from)}/${name}`).replace(/\.js$/, ".ts");
  const [, kit, room] = /^(?:sololakehouse|@sololakehouse\/(kit))(?:\/(.+))?$/.exec(name) ?? [];
  if (kit === undefined && !/^sololakehouse(\/|$)/.test(name)) return undefined;
  const base = `lib/${kit ?? "lakehouse"}`;
  if (room === undefined) return `${base}/index.ts`;
  return existsSync(join(root, `${base}/${room}.ts`)) ? `${base}/${room}.ts` : `${base}/${room}/index.ts`;
}

/**
 * The unit tests that the files have to do with, nearest first: those that mirror a file's folder, then those of its
 * room, then the others; each by the number of imports that lie between.
 *
 * @param {readonly string[]} changed paths from the project's root
 * @returns {string[]}
 */
export function relatedTests(changed) {
  const importers = new Map();
  const files = [...sources("lib"), ...sources("pipelines"), ...sources("test")].filter(
    (file) => !/^test\/(interop|site)\//.test(file),
  );
  for (const file of files) {
    for (const [, ...names] of readFileSync(join(root, file), "utf8").matchAll(IMPORT)) {
      const to = resolved(
        file,
        names.find((name) => name !== undefined),
      );
      if (to === undefined) continue;
      if (!importers.has(to)) importers.set(to, new Set());
      importers.get(to).add(file);
    }
  }
  const distances = new Map();
  for (const start of changed) {
    // A fixture is read, not imported: by the tests beside its folder.
    const isFixture = start.startsWith("test/") && !start.endsWith(".ts");
    const begin = isFixture
      ? files.filter((file) => dirname(start).startsWith(dirname(file)) && dirname(file) !== "test")
      : [start];
    const places = new Set(begin.map(placeOf));
    const rooms = new Set(begin.map(roomOf));
    let at = new Set(begin);
    const seen = new Set(at);
    for (let hops = 0; at.size > 0; hops++) {
      const next = new Set();
      for (const file of at) {
        const far = hops + (places.has(placeOf(file)) ? 0 : rooms.has(roomOf(file)) ? 10 : 100);
        if (file.endsWith(".test.ts") && far < (distances.get(file) ?? Infinity)) distances.set(file, far);
        for (const importer of importers.get(file) ?? []) {
          if (!seen.has(importer)) next.add(importer);
          seen.add(importer);
        }
      }
      at = next;
    }
  }
  return [...distances].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1)).map(([file]) => file);
}

/** `test/storage/local/…` and `lib/lakehouse/storage/local/…` are one place, `storage/local`, in the room `storage`. */
function placeOf(file) {
  return dirname(file.replace(/^(lib\/[^/]+|test)\//, ""));
}

function roomOf(file) {
  return placeOf(file).split("/")[0];
}

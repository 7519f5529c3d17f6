import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { isAbsolute, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** Folders of a project whose files are no data of a notebook: their changes are seen by other means, or are its own. */
const OTHERS = /(?:^|[\\/])(?:node_modules|\.[^\\/]+|dist|lib)(?:[\\/]|$)/;

/** What loading modules reads: code is followed through its imports. */
const MODULES = /\.[cm]?[jt]sx?$|(?:^|[\\/])(?:package|tsconfig[^\\/]*)\.json$/;

const isWriting = (flags: unknown): boolean =>
  typeof flags === "number"
    ? (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR)) !== 0
    : /[wa+]/.test(String(flags ?? "r"));

/**
 * Notes which files below the given folders the process reads, before it has written them itself, and which it writes.
 * What native code does goes unseen: for that, fingerprints also take the files that a cell names.
 */
export function watchFiles(folders: readonly string[]): {
  readonly read: ReadonlySet<string>;
  readonly written: ReadonlySet<string>;
} {
  const read = new Set<string>();
  const written = new Set<string>();
  const note = (given: unknown, writes: boolean): void => {
    if (typeof given !== "string" && !(given instanceof URL) && !Buffer.isBuffer(given)) return;
    const path = resolve(given instanceof URL ? fileURLToPath(given) : String(given));
    const isWithin = folders.some((folder) => {
      const inside = relative(folder, path);
      return (
        inside !== "" &&
        !isAbsolute(inside) &&
        inside.split(sep)[0] !== ".." &&
        !OTHERS.test(inside) &&
        !MODULES.test(inside)
      );
    });
    if (!isWithin) return;
    if (writes) written.add(path);
    else if (!written.has(path)) read.add(path);
  };
  const wrap = (
    holder: Record<string, unknown>,
    name: string,
    writes: (rest: unknown[]) => boolean,
  ): void => {
    const original = holder[name] as (...given: unknown[]) => unknown;
    const wrapped = function (this: unknown, path: unknown, ...rest: unknown[]) {
      note(path, writes(rest));
      return original.call(this, path, ...rest);
    };
    holder[name] = Object.assign(wrapped, original);
  };
  const flagOf = (options: unknown) =>
    options !== null && typeof options === "object" && "flag" in options ? options.flag : "r";
  const all = fs as unknown as Record<string, unknown>;
  const promises = fs.promises as unknown as Record<string, unknown>;
  for (const name of ["readFile", "readFileSync"]) wrap(all, name, ([options]) => isWriting(flagOf(options)));
  for (const name of ["open", "openSync"])
    wrap(all, name, ([flags]) => isWriting(typeof flags === "function" ? "r" : flags));
  wrap(all, "createReadStream", () => false);
  for (const name of ["writeFile", "writeFileSync", "appendFile", "appendFileSync", "createWriteStream"])
    wrap(all, name, () => true);
  wrap(promises, "readFile", ([options]) => isWriting(flagOf(options)));
  wrap(promises, "open", ([flags]) => isWriting(flags));
  for (const name of ["writeFile", "appendFile"]) wrap(promises, name, () => true);
  syncBuiltinESMExports();
  return { read, written };
}

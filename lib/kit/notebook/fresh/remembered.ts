import { type BigIntStats, readFileSync, statSync } from "node:fs";

/**
 * Something made from a file's bytes, remembered as long as the file stays as it is: its inode, size and time of change
 * tell. One process looks at the same few hundred sources for every notebook.
 */
export function remembered<T>(make: (bytes: Buffer, path: string) => T): (path: string) => T {
  const known = new Map<string, { readonly state: string; readonly value: T }>();
  return (path) => {
    const state = stateOf(statSync(path, { bigint: true }));
    const found = known.get(path);
    if (found?.state === state) return found.value;
    const value = make(readFileSync(path), path);
    known.set(path, { state, value });
    return value;
  };
}

const stateOf = ({ ino, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  `${ino} ${size} ${mtimeNs} ${ctimeNs}`;

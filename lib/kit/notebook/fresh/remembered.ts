import { type BigIntStats, readFileSync, statSync } from "node:fs";

/** Above 0 while the files that are looked at are taken to stay as they are. */
let steady = 0;
/** Counts the times that files were taken to stay as they are. */
let generation = 0;

/**
 * Does something that looks at the same sources again and again, such as judging all notebooks: each file is looked at
 * once, and a change that comes while it runs is seen the next time.
 */
export async function steadily<T>(work: () => Promise<T>): Promise<T> {
  if (steady === 0) generation++;
  steady++;
  try {
    return await work();
  } finally {
    steady--;
  }
}

/** What `make` gives for a key, made once as long as files are taken to stay as they are. */
export function whileSteady<T>(make: (key: string) => T): (key: string) => T {
  let known = new Map<string, T>();
  let of = 0;
  return (key) => {
    if (steady === 0) return make(key);
    if (of !== generation) {
      known = new Map();
      of = generation;
    }
    let value = known.get(key);
    if (value === undefined) {
      value = make(key);
      known.set(key, value);
    }
    return value;
  };
}

/**
 * Something made from a file's bytes, remembered as long as the file stays as it is: its inode, size and times of change
 * tell.
 */
export function remembered<T>(make: (bytes: Buffer, path: string) => T): (path: string) => T {
  const known = new Map<string, { readonly state: string; readonly value: T }>();
  return whileSteady((path) => {
    const state = stateOf(statSync(path, { bigint: true }));
    const found = known.get(path);
    if (found?.state === state) return found.value;
    const value = make(readFileSync(path), path);
    known.set(path, { state, value });
    return value;
  });
}

const stateOf = ({ ino, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  `${ino} ${size} ${mtimeNs} ${ctimeNs}`;

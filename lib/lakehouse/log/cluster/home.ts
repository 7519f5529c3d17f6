import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unusableFolder } from "../wal/disk.js";

/** A folder of a machine, in which a broker has its write-ahead log: one process writes it at a time. */
export interface Home {
  /** Random: of this folder alone. */
  readonly id: string;
  /** The broker's, when it was last one. */
  readonly broker: number | undefined;
}

const FILE = "broker.json";

/** Who the folder is, which it is given here where it is nobody yet. @throws LakehouseError STORAGE_FAILED */
export function homeAt(folder: string): Home {
  try {
    const text = readFileSync(join(folder, FILE), "utf8");
    return JSON.parse(text) as Home;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw unusableFolder(folder, cause);
  }
  const home = { id: randomBytes(8).toString("hex"), broker: undefined };
  rememberHome(folder, home);
  return home;
}

/** @throws LakehouseError STORAGE_FAILED */
export function rememberHome(folder: string, home: Home): void {
  const path = join(folder, FILE);
  try {
    writeFileSync(`${path}.new`, JSON.stringify(home), { flush: true });
    renameSync(`${path}.new`, path);
  } catch (cause) {
    throw unusableFolder(folder, cause);
  }
}

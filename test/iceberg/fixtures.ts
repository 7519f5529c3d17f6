import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";

const FOLDER = resolve(import.meta.dirname, "../../../shared/fixtures/iceberg-tables");

/** The folder of tables that other engines wrote, beside the project; `undefined`, with a loud note, where it is absent. */
export function fixtureTables(): string | undefined {
  if (existsSync(FOLDER)) return FOLDER;
  console.warn(`NOT TESTED: the tables of other engines are not at ${FOLDER}`);
  return undefined;
}

/** Every metadata file below a folder. */
export function metadataFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.includes("metadata.json"))
    .map((name) => join(folder, name))
    .sort();
}

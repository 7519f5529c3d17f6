// What a test may lack, on this machine or beside this clone: it is skipped then, says so, and is counted.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { TestOptions } from "vitest";

declare module "vitest" {
  interface TaskMeta {
    /** What is missing, and how to get it, in one line: the reason for which a test is skipped. */
    lacks?: string;
  }
}

/**
 * Options of a test, or of a group of tests, that is skipped where something is missing. The reporter beside this
 * file ends the run with one line for each thing that was missing.
 *
 * @example
 * describe("etcd", needs(etcd !== undefined, "etcd (Debian: etcd-server)"), () => …)
 */
export function needs(isThere: boolean, what: string): TestOptions {
  return isThere ? {} : { skip: true, meta: { lacks: what } };
}

/** A file or folder of `../shared`, beside the clone: `undefined` where it is missing. */
function shared(path: string): string | undefined {
  const found = resolve(import.meta.dirname, "../../../shared", path);
  return existsSync(found) ? found : undefined;
}

/** The Iceberg REST catalog's OpenAPI description. */
export const restSpecification = shared("specs/iceberg-rest-catalog.openapi.yaml");

export const needsRestSpecification = needs(
  restSpecification !== undefined,
  "the Iceberg REST catalog's OpenAPI file, ../shared/specs/iceberg-rest-catalog.openapi.yaml",
);

/** The folder of tables that other engines wrote. */
export const fixtureTables = shared("fixtures/iceberg-tables");

export const needsFixtureTables = needs(
  fixtureTables !== undefined,
  "the tables of other engines, ../shared/fixtures/iceberg-tables",
);

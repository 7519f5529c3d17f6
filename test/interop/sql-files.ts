import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

export type SqlRow = Readonly<Record<string, unknown>>;
type Values = Readonly<Record<string, string>>;

/** The files of sql/ that are in one engine's dialect, and what runs a statement there. */
export class SqlFiles {
  readonly #folder: string;
  readonly #query: (sql: string) => Promise<readonly SqlRow[]>;
  readonly #ran = new Set<string>();

  constructor(engine: "spark" | "trino", query: (sql: string) => Promise<readonly SqlRow[]>) {
    this.#folder = fileURLToPath(new URL(`../../sql/${engine}`, import.meta.url));
    this.#query = query;
  }

  /** Runs a file, and gives what each statement answers. */
  async run(name: string, values?: Values): Promise<(readonly SqlRow[])[]> {
    this.#ran.add(`${name}.sql`);
    const answers: (readonly SqlRow[])[] = [];
    for (const sql of await statementsOf(join(this.#folder, `${name}.sql`), values))
      answers.push(await this.#query(sql));
    return answers;
  }

  /** Those that were not run. */
  async left(): Promise<string[]> {
    return (await readdir(this.#folder)).filter((name) => !this.#ran.has(name));
  }
}

/** The statements of a file, with values for its variables. Comments are lines of their own. */
async function statementsOf(path: string, values: Readonly<Record<string, string>> = {}): Promise<string[]> {
  const text = (await readFile(path, "utf8")).replace(/^--.*$/gm, "");
  const filled = text.replace(/\$\{(\w+)\}/g, (_, variable: string) => {
    const value = values[variable];
    if (value === undefined) throw new Error(`${path} wants a value for ${variable}.`);
    return value;
  });
  return filled
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter(Boolean);
}

/** What every engine answers to the same questions, each in its own dialect, on the tables of a new `FlightsLake`. */
export function testsOfAll(files: SqlFiles): void {
  test("aggregate", async () => {
    const [hours, spread] = await files.run("aggregate");
    expect(hours).toHaveLength(24);
    expect(hours?.[3]).toEqual({ hour: 3, flights: 2, delay: 48 });
    expect(spread).toMatchObject([{ mean: 2, median: 0 }]);
  });

  test("join", async () => {
    expect(await files.run("join")).toEqual([
      [{ lost: 0 }],
      [{ doubles: 0 }],
      [
        { state: "GA", flights: 24, delay: 2 },
        { state: "HI", flights: 24, delay: 2 },
      ],
    ]);
  });

  test("metadata", async () => {
    const [snapshots, refs, dataFiles] = await files.run("metadata");
    expect(snapshots).toHaveLength(3);
    expect(refs).toMatchObject([
      { name: "2001-Q1", type: "TAG" },
      { name: "main", type: "BRANCH" },
    ]);
    expect(dataFiles).toHaveLength(3);
  });
}

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { date, defineSchema, int, type Lakehouse, openLakehouse } from "sololakehouse";

const root = join(import.meta.dirname, "../..");
const dist = (room: string) => new URL(`../../lib/lakehouse/dist/${room}.js`, import.meta.url).href;
const SLH = [process.execPath, join(root, "lib/lakehouse/bin/slh.js")] as const;
const run = promisify(execFile);

/** A pipeline whose check fails while there is a file `poisoned`; one name of a step is none that others take. */
const FILE = `import { existsSync } from "node:fs";
import { date, defineSchema, int, long } from "${dist("index")}";
import { checkStep, definePipeline, onSnapshot, schedule, step, taskStep } from "${dist("orchestration")}";
import { replace, task, upsert } from "${dist("pipeline")}";
import { contract, range } from "${dist("quality")}";
const schema = defineSchema({ id: int(), day: date(), v: int() });
const made = (name, more) => contract({ name, schema, owner: "test", ...more });
const events = made("n.events");
const latest = made("n.latest", { keys: ["id"] });
const days = contract({ name: "n.days", schema: defineSchema({ day: date(), rows: long() }), owner: "test" });
export default definePipeline({
  name: "flights",
  triggers: [schedule("0 6 * * 1-5", { timezone: "Europe/Berlin" }), onSnapshot("n.raw")],
  steps: [
    taskStep(
      task({
        into: days,
        changes: { latest },
        sql: "SELECT day, count(*) AS rows FROM latest GROUP BY day",
        write: replace("day"),
      }),
    ),
    checkStep(made("n.latest", { keys: ["id"], checks: [range("v", { max: 9 })] })),
    step({
      name: "ingest {{ 'it' }}",
      writes: { events },
      run: ({ write }) => write("events", [{ id: 1, day: "2001-01-01", v: existsSync("poisoned") ? 99 : 1 }]),
    }),
    taskStep(
      task({
        into: latest,
        changes: { events },
        sql: "SELECT * FROM events",
        write: upsert({ newest: "v", slice: "day" }),
      }),
    ),
  ],
});
`;

/** A lakehouse with a pipeline, and what is exported of it. */
export class ExportedPipeline {
  readonly folder: string;
  readonly lake: Lakehouse;

  private constructor(folder: string, lake: Lakehouse) {
    this.folder = folder;
    this.lake = lake;
  }

  static async make(): Promise<ExportedPipeline> {
    const folder = await mkdtemp(join(tmpdir(), "exported-"));
    await writeFile(join(folder, "slh.pipelines.mjs"), FILE);
    const lake = await openLakehouse({ root: join(folder, ".lake") });
    await lake.createTable("n.events", { schema: defineSchema({ id: int(), day: date(), v: int() }) });
    await lake.createTable("n.raw", { schema: defineSchema({ id: int() }) });
    return new ExportedPipeline(folder, lake);
  }

  async close(): Promise<void> {
    await this.lake.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** @returns what is printed. */
  async slh(...words: string[]): Promise<string> {
    const { stdout } = await run(SLH[0], [SLH[1], ...words], { cwd: this.folder });
    return stdout;
  }

  /** Exports it. @returns the path of the file. */
  async export(to: "dagster" | "airflow"): Promise<string> {
    const command = SLH.map((word) => `'${word}'`).join(" ");
    return (await this.slh("pipeline", "export", "--to", to, "--out", "out", "--command", command)).trim();
  }

  /** What goes before what, by the names of steps. */
  async graph(): Promise<Record<string, string[]>> {
    const { steps } = JSON.parse(await this.slh("pipeline", "graph", "--json"));
    return Object.fromEntries(
      (steps as { name: string; upstream: string[] }[]).map(({ name, upstream }) => [name, upstream]),
    );
  }

  /** Rows of a table as `main` has them. */
  async rows(table: string): Promise<number> {
    const [row] = await this.lake.sql(`select count(*) as n from ${table}`).rows();
    return Number(row?.n);
  }

  /** Something new in the table that the pipeline's sensor looks at. */
  async arrive(): Promise<void> {
    await (await this.lake.table("n.raw")).append([{ id: 1 }]);
  }

  poison(isPoisoned: boolean): Promise<void> {
    const file = join(this.folder, "poisoned");
    return isPoisoned ? writeFile(file, "") : rm(file, { force: true });
  }

  /** Runs a program here. @returns what it printed; its exit code may be any. */
  async program(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
    const options = { cwd: this.folder, env: { ...process.env, ...env }, maxBuffer: 100_000_000 };
    try {
      return (await run(command, args, options)).stdout;
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      if (stdout.trim() === "") throw new Error(stderr.slice(-5000), { cause: error });
      return stdout;
    }
  }
}

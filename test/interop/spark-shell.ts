import { exec } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { home, python } from "./installed.js";

/**
 * What Spark's own shell answers to statements, a row a line with tabs between, started as a front page says. The packages
 * that the text names are there already.
 */
export async function inSparkShell(text: string, sql: string, cwd: string): Promise<string> {
  const [version] = await readdir(join(home, "venv", "lib"));
  const shell = join(home, "venv", "lib", version as string, "site-packages", "pyspark", "bin", "spark-sql");
  const command = `${text.replace(/^spark-sql/, shell)} --conf spark.jars.ivy=${join(home, "ivy")} -e "${sql}"`;
  const { stdout } = await promisify(exec)(command, {
    cwd,
    env: { ...process.env, PYSPARK_PYTHON: python },
  });
  return stdout;
}

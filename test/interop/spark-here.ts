import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { SparkOptions } from "../../lib/lakehouse/pipeline/index.js";
import { home, python } from "./installed.js";

const [runtime = ""] = readFileSync(new URL("./spark-packages.txt", import.meta.url), "utf8").split("\n");

// By which spark-submit finds Spark.
process.env.PYSPARK_PYTHON = python;

/** The suite's Spark, on this machine alone, set for few rows. */
export const sparkHere: SparkOptions = {
  command: join(dirname(python), "spark-submit"),
  submit: [
    ...["--master", "local[2]", "--driver-memory", "1g", "--packages", runtime],
    ...Object.entries({
      "spark.jars.ivy": join(home, "ivy"),
      "spark.ui.enabled": "false",
      "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
      "spark.default.parallelism": "1",
      "spark.sql.shuffle.partitions": "1",
      "spark.sql.adaptive.enabled": "false",
      // For a few rows, compiling a query takes longer than interpreting it.
      "spark.sql.codegen.wholeStage": "false",
      "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    }).flatMap(([key, value]) => ["--conf", `${key}=${value}`]),
  ],
};

import { join } from "node:path";
import { invalidArgument } from "../../errors.js";
import { checkOptions, type OptionNames } from "../../options.js";

/** What Spark calls the catalog of the lakehouse. */
export const CATALOG = "sololakehouse";

/** How Spark is started. */
export interface SparkOptions {
  /** `spark-submit`: that of `SPARK_HOME`, or the one on the PATH, where not given. */
  readonly command?: string | undefined;
  /**
   * Its arguments: which cluster, and the runtime of Iceberg where the cluster does not have it, as in
   * `["--master", "yarn", "--packages", "org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:1.11.0"]`. It has to run as a
   * client, on this machine.
   */
  readonly submit?: readonly string[] | undefined;
  /** Options of Spark's catalog beside where it is, as `{ "io-impl": "org.apache.iceberg.aws.s3.S3FileIO" }`. */
  readonly catalog?: Readonly<Record<string, string>> | undefined;
}

const OPTIONS: OptionNames<SparkOptions> = { command: true, submit: true, catalog: true };

/** @throws LakehouseError INVALID_ARGUMENT */
export function checkSparkOptions(options: SparkOptions): void {
  checkOptions("spark", options, OPTIONS);
  const { submit = [] } = options;
  if (!Array.isArray(submit) || !submit.every((each) => typeof each === "string"))
    throw invalidArgument(
      "submit",
      "The arguments of spark-submit are an array of text.",
      'Give ["--master", "yarn"].',
    );
  if (submit.some((each, i) => each === "cluster" && submit[i - 1] === "--deploy-mode"))
    throw invalidArgument(
      "submit",
      "In the deploy mode cluster, Spark's driver runs on a machine that does not see this process.",
      "Use --deploy-mode client: the cluster does the work all the same.",
    );
}

/** The program, and its arguments but for what it is to run. */
export function submitCommand({ command, submit = [] }: SparkOptions): [string, ...string[]] {
  const { SPARK_HOME } = process.env;
  return [command ?? (SPARK_HOME ? join(SPARK_HOME, "bin", "spark-submit") : "spark-submit"), ...submit];
}

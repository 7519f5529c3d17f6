import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openLakehouse } from "sololakehouse";
import { silverFlights, tasks } from "#flights";
import {
  auc,
  BOOSTING,
  boost,
  cutsOf,
  daysOf,
  type Examples,
  examplesOf,
  FEATURES,
  matrixOf,
  part,
  placesOf,
  scoresOf,
} from "#flights/model";
import { flightsFile } from "./flights.js";
import { type Bench, type Measurement, peerPython, seconds } from "./harness.js";

const DAYS = 30;
const REPEATS = 3;

/*
 * Where a read's time goes, on a machine that had much other work: in the processor's time DuckDB's query and its Arrow
 * batches take two thirds, the order of the rows a third of that; the rest is mostly text. An array of texts that is filled
 * in place took a quarter off what joining an array of each batch did. Left of it: codes in place of the places' texts.
 * Measured once there, a second of the processor's time: ours 6.8M values (3.1M before), PyIceberg, in C++, 9.7M; AUC 0.6265
 * and scikit-learn's 0.6262.
 */
export const bench: Bench = {
  about: `Whether flights come in late, learnt from gold.flight_features of ${DAYS} days (about half a million flights): reading all of them as columns for training, in the order of day and flight, the median of ${REPEATS}, in values of the ${FEATURES.length} features a second, and a second of the processor's time, beside PyIceberg, which reads the same columns in the same order into NumPy; training ${BOOSTING.rounds} trees of ${BOOSTING.leaves} leaves on the earlier days, and the AUC on the last ones, beside scikit-learn's HistGradientBoostingClassifier with the same settings on the same matrix, which uses all cores, and ours one. Aims: 5 million values a second, an AUC within 0.005.`,
  contenders: [
    { name: "ours", run: ours },
    { name: "scikit-learn", run: theirs },
    { name: "PyIceberg", run: readByPyIceberg },
  ],
  rounds: 3,
};

interface Read {
  readonly all: Examples;
  readonly valuesPerSecond: number;
  readonly valuesPerCpuSecond: number;
  /** Of `also`. */
  readonly others: Measurement;
}

/**
 * Makes Gold of the flights, and reads it.
 *
 * @param also reads it, too, by where its metadata is.
 */
async function read(also: (metadata: string) => Promise<Measurement> = async () => ({})): Promise<Read> {
  const root = await mkdtemp(join(tmpdir(), "bench-features-"));
  const lake = await openLakehouse({ root, profile: "embedded" });
  try {
    const { name, schema, partitionSpec } = silverFlights;
    const silver = await lake.createTable(name, { schema, ...(partitionSpec && { partitionSpec }) });
    const flights = lake.sql(
      `SELECT strftime(date, '%Y%m%d') || '-' || row_number() OVER (PARTITION BY date::DATE ORDER BY date, origin, destination, delay) AS flight_id,
        date::DATE AS flight_date, date AS scheduled_at, 'landed' AS status,
        origin, NULL::VARCHAR AS origin_city, NULL::VARCHAR AS origin_state,
        destination, NULL::VARCHAR AS destination_city, NULL::VARCHAR AS destination_state,
        distance::INT AS distance_miles, delay::INT AS arrival_delay_minutes, date AS sent_at
      FROM read_parquet($file)
      WHERE date >= TIMESTAMP '2001-01-01' AND date < TIMESTAMP '2001-01-01' + to_days($days) AND delay IS NOT NULL`,
      { params: { file: flightsFile, days: DAYS } },
    );
    await silver.append(flights.batches());
    const gold = tasks.filter((task) => task.name === "gold.flight_features");
    await lake.pipeline.run(gold, { record: false });
    const { result } = await lake.experiments.run({ experiment: "bench" }, async (run) => {
      const table = await run.table("gold.flight_features");
      let all = await examplesOf(run, table);
      const times: number[] = [];
      const processor: number[] = [];
      for (let i = 0; i < REPEATS; i++) {
        const before = process.cpuUsage();
        times.push(
          await seconds(async () => {
            all = await examplesOf(run, table);
          }),
        );
        const { user, system } = process.cpuUsage(before);
        processor.push((user + system) / 1e6);
      }
      const values = all.late.length * FEATURES.length;
      const others = await also(fileURLToPath(table.metadataLocation));
      return {
        all,
        valuesPerSecond: values / middleOf(times),
        valuesPerCpuSecond: values / middleOf(processor),
        others,
      };
    });
    return result;
  } finally {
    await lake.close();
    await rm(root, { recursive: true, force: true });
  }
}

const middleOf = (times: number[]): number =>
  times.sort((a, b) => a - b)[Math.floor(times.length / 2)] as number;

/** The same for both: what is learnt from, and what is asked. */
function splitOf(all: Examples) {
  const { train, test } = cutsOf(daysOf(all));
  const [earlier, later] = [part(all, train), part(all, test)];
  const places = placesOf(earlier);
  return {
    train: { matrix: matrixOf(earlier, places), late: earlier.late },
    test: { matrix: matrixOf(later, places), late: later.late },
  };
}

async function ours(): Promise<Measurement> {
  const { all, valuesPerSecond, valuesPerCpuSecond } = await read();
  const { train, test } = splitOf(all);
  let area = 0;
  const trainSeconds = await seconds(async () => {
    const model = boost(train.matrix, train.late);
    area = auc(scoresOf(model, test.matrix), test.late);
  });
  return {
    valuesPerSecond,
    valuesPerCpuSecond,
    trainRows: train.late.length,
    testRows: test.late.length,
    trainSeconds,
    auc: area,
  };
}

/** Gives the matrix to scikit-learn as it is in memory: single precision, a column after the other. */
async function theirs(): Promise<Measurement> {
  const { all } = await read();
  const folder = await mkdtemp(join(tmpdir(), "bench-features-"));
  try {
    for (const [name, { matrix, late }] of Object.entries(splitOf(all))) {
      await writeFile(join(folder, `${name}.matrix`), Buffer.concat(matrix.columns.map(bytesOf)));
      await writeFile(join(folder, `${name}.late`), late);
    }
    const settings = JSON.stringify({ ...BOOSTING, features: FEATURES.length });
    return await inPython(join(await mlflowVenv(), "bin", "python"), "features.py", folder, settings);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) =>
  new Uint8Array(buffer, byteOffset, byteLength);

async function readByPyIceberg(): Promise<Measurement> {
  const python = await peerPython();
  const libraries = join(await mlflowVenv(), "lib");
  const [version] = await readdir(libraries);
  const packages = join(libraries, version as string, "site-packages");
  const { others } = await read((metadata) =>
    inPython(python, "features_read.py", metadata, String(FEATURES.length), String(REPEATS), packages),
  );
  return others;
}

/** The Python environment of MLflow, which has scikit-learn and NumPy. */
async function mlflowVenv(): Promise<string> {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const { mlflowHome } = (await import(`${root}scripts/places.mjs`)) as { mlflowHome(): string };
  return join(mlflowHome(), "venv");
}

async function inPython(python: string, script: string, ...words: readonly string[]): Promise<Measurement> {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const child = spawn(python, [join(root, "bench/python", script), ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  const code = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0) throw new Error(`${script} ended with code ${code}: ${output.slice(-500)}`);
  return JSON.parse(output) as Measurement;
}

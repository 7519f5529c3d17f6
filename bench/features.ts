import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
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
import { type Bench, type Measurement, seconds } from "./harness.js";

const DAYS = 30;
const REPEATS = 3;

export const bench: Bench = {
  about: `Whether flights come in late, learnt from gold.flight_features of ${DAYS} days (about half a million flights): reading all of them as columns for training, in the order of day and flight, the median of ${REPEATS}, in values of the ${FEATURES.length} features a second; training ${BOOSTING.rounds} trees of ${BOOSTING.leaves} leaves on the earlier days, and the AUC on the last ones, beside scikit-learn's HistGradientBoostingClassifier with the same settings on the same matrix, which uses all cores, and ours one. Aims: 5 million values a second, an AUC within 0.005.`,
  contenders: [
    { name: "ours", run: ours },
    { name: "scikit-learn", run: theirs },
  ],
  rounds: 3,
};

interface Read {
  readonly all: Examples;
  readonly valuesPerSecond: number;
}

/** Makes Gold of the flights, and reads it. */
async function read(): Promise<Read> {
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
      for (let i = 0; i < REPEATS; i++)
        times.push(
          await seconds(async () => {
            all = await examplesOf(run, table);
          }),
        );
      times.sort((a, b) => a - b);
      const median = times[Math.floor(REPEATS / 2)] as number;
      return { all, valuesPerSecond: (all.late.length * FEATURES.length) / median };
    });
    return result;
  } finally {
    await lake.close();
    await rm(root, { recursive: true, force: true });
  }
}

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
  const { all, valuesPerSecond } = await read();
  const { train, test } = splitOf(all);
  let area = 0;
  const trainSeconds = await seconds(async () => {
    const model = boost(train.matrix, train.late);
    area = auc(scoresOf(model, test.matrix), test.late);
  });
  return {
    valuesPerSecond,
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
    return await inPython(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) =>
  new Uint8Array(buffer, byteOffset, byteLength);

async function inPython(folder: string): Promise<Measurement> {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const { mlflowHome } = (await import(`${root}scripts/places.mjs`)) as { mlflowHome(): string };
  const python = join(mlflowHome(), "venv", "bin", "python");
  const settings = JSON.stringify({ ...BOOSTING, features: FEATURES.length });
  const child = spawn(python, [join(root, "bench/python/features.py"), folder, settings], {
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
  if (code !== 0) throw new Error(`scikit-learn ended with code ${code}: ${output.slice(-500)}`);
  return JSON.parse(output) as Measurement;
}

/** npm run bench -- <name> [part ...] [--rounds n] [--json]: one figure beside its peer. Without a name: lists the benches. */
import { parseArgs } from "node:util";
import { type Bench, machine, measure, paired, type Summary } from "./harness.js";

const benches: Record<string, () => Promise<{ readonly bench: Bench }>> = {
  append: () => import("./append-flights.js"),
  "append-memory": () => import("./append-memory.js"),
  "catalog-commits": () => import("./catalog-commits.js"),
  "catalog-rest": () => import("./catalog-rest.js"),
  "catalog-scale": () => import("./catalog-scale.js"),
  codecs: () => import("./codecs.js"),
  commits: () => import("./commits.js"),
  compact: () => import("./compact.js"),
  "delete-memory": () => import("./delete-memory.js"),
  "deleted-read": () => import("./deleted-read.js"),
  ducklake: () => import("./ducklake.js"),
  features: () => import("./features.js"),
  history: () => import("./history.js"),
  incremental: () => import("./incremental.js"),
  json: () => import("./json.js"),
  kafka: () => import("./kafka.js"),
  log: () => import("./log.js"),
  "log-memory": () => import("./log-memory.js"),
  "log-read": () => import("./log-read.js"),
  "log-upkeep": () => import("./log-upkeep.js"),
  notebook: () => import("./notebook.js"),
  observability: () => import("./observability.js"),
  orchestration: () => import("./orchestration.js"),
  plan: () => import("./plan.js"),
  quality: () => import("./quality.js"),
  results: () => import("./results.js"),
  sql: () => import("./sql.js"),
  start: () => import("./start.js"),
  "stream-writer": () => import("./stream-writer.js"),
  "topic-table": () => import("./topic-table.js"),
  upsert: () => import("./upsert.js"),
  wide: () => import("./wide.js"),
};

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string" },
    json: { type: "boolean" },
    /** Set by the harness for a child process. */
    contender: { type: "string" },
  },
});

const [name, ...parts] = positionals;
const load = name === undefined ? undefined : benches[name];
if (name === undefined || load === undefined) await list();
else {
  const { bench } = await load();
  if (values.contender) await runContender(bench, values.contender);
  else await compare(name, bench);
}

async function list(): Promise<void> {
  for (const [key, open] of Object.entries(benches))
    console.log(`${key.padEnd(20)} ${(await open()).bench.about}`);
  if (name !== undefined) {
    console.error(`There is no bench "${name}".`);
    process.exitCode = 1;
  }
}

async function runContender(bench: Bench, wanted: string): Promise<void> {
  const contender = bench.contenders.find((candidate) => candidate.name === wanted);
  if (!contender?.run) throw new Error(`no contender ${wanted}`);
  const measurement = await contender.run(parts);
  console.log(JSON.stringify(measurement));
  // DuckDB and worker pools may keep the process alive; the measurement is made.
  process.exit(0);
}

async function compare(name: string, bench: Bench): Promise<void> {
  const results = await measure(name, bench, Number(values.rounds ?? bench.rounds ?? 5), parts);
  if (values.json) {
    const plain = Object.fromEntries([...results].map(([key, value]) => [key, Object.fromEntries(value)]));
    console.log(JSON.stringify({ bench: name, machine: machine(), results: plain }));
    return;
  }
  console.log(`${name}: ${bench.about}\n${machine()}\n`);
  const ours = results.values().next().value;
  for (const [contender, measures] of results) {
    for (const [key, summary] of measures) {
      const base = ours?.get(key);
      const ratio =
        base && measures !== ours
          ? `  ours/theirs ${format(base.median / summary.median)}${byRounds(base, summary)}`
          : "";
      console.log(`${contender.padEnd(28)} ${key.padEnd(16)} ${spread(summary)}${ratio}`);
    }
  }
}

function spread({ median, min, max }: Summary): string {
  return `${format(median).padStart(10)}  (${format(min)} to ${format(max)})`;
}

/** The ratio of each round, where there are rounds enough to say how far it can be trusted. */
function byRounds(ours: Summary, theirs: Summary): string {
  const { median, low, high, rounds } = paired(ours.values, theirs.values);
  return Number.isNaN(low)
    ? ""
    : `, by ${rounds} rounds ${median.toFixed(3)} (95%: ${low.toFixed(3)} to ${high.toFixed(3)})`;
}

function format(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString("en-US") : String(Number(value.toPrecision(3)));
}

// docs/engines.md as text: of docs/engines.yaml, of the versions that are tested, and of how many tests passed.
// scripts/engines.mjs writes it, and test/engines.test.ts holds it against the same.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { root } from "./setup.mjs";

const read = (path) => readFileSync(join(root, path), "utf8");

/** docs/engines.yaml, with each cell as what it shows and the tests behind it. */
export function matrix() {
  const { places } = parse(read("docs/engines.yaml"));
  return places.map(({ title, about, engines, operations }) => ({
    title,
    about,
    engines,
    operations: operations.map(({ title, ...by }) => {
      const strange = Object.keys(by).filter((engine) => !engines.includes(engine));
      if (strange.length > 0)
        throw new Error(`docs/engines.yaml: ${title}: ${strange} is not in \`engines\``);
      const cells = Object.entries(by).map(([engine, given]) => {
        const { refuses = false, tests = given } = given;
        return [engine, { refuses, tests: tests.map(([file, name]) => ({ file: `test/${file}`, name })) }];
      });
      return { title, cells: new Map(cells) };
    }),
  }));
}

/** By which a test, or several whose names begin alike, are known. */
export const keyOf = ({ file, name }) => `${file}: ${name}`;

/** All tests that are named, each once, in the page's order. */
export function namedTests(places) {
  const cells = places.flatMap(({ operations }) => operations.flatMap(({ cells }) => [...cells.values()]));
  return [...new Map(cells.flatMap(({ tests }) => tests.map((test) => [keyOf(test), test]))).values()];
}

/** What the tests run against, from the lists that it is installed by. `services` are those of the stack. */
export function versions(services) {
  const python = read("test/interop/requirements.txt");
  const spark = read("test/interop/spark-packages.txt");
  const kafka = read("test/interop/kafka-ivy.xml");
  const { packages } = JSON.parse(read("package-lock.json"));
  const found = (text, pattern) => {
    const [, version] = pattern.exec(text) ?? [];
    if (version === undefined) throw new Error(`There is no version by ${pattern}.`);
    return version;
  };
  const [, java3, java4] =
    /name="kafka-clients" rev="(3[\d.]+)".*?name="kafka-clients" rev="(4[\d.]+)"/s.exec(kafka);
  return {
    Spark: `${found(python, /^pyspark==(.+)$/m)}, Iceberg ${found(spark, /iceberg-spark-runtime[^:]*:(\S+)/)}`,
    Trino: services.trino.version,
    PyIceberg: found(python, /^pyiceberg\b.*==(.+)$/m),
    DuckDB: `${found(python, /^duckdb==(.+)$/m)}, its own Iceberg extension`,
    Nessie: services.nessie.version,
    SeaweedFS: services.seaweedfs.version,
    "Kafka's Java client": `${java3} and ${java4}`,
    kafkajs: packages["node_modules/kafkajs"].version,
    "@platformatic/kafka": packages["node_modules/@platformatic/kafka"].version,
    "kafka-python": found(python, /^kafka-python==(.+)$/m),
    "Confluent's client for Python": found(python, /^confluent-kafka==(.+)$/m),
    kcat: "Debian's",
  };
}

const NO_BREAK = "\u00a0";

/** @param passed how many tests there were for each key, all of which passed */
export function enginesPage(places, versionOf, passed) {
  const numbers = new Map(namedTests(places).map((test, index) => [keyOf(test), index + 1]));
  const cell = (found) => {
    if (found === undefined) return "";
    const { refuses, tests } = found;
    const behind = tests.map((test) => numbers.get(keyOf(test))).join(`,${NO_BREAK}`);
    return `${refuses ? "refuses " : `✓${NO_BREAK}`}[${behind}](#tests)`;
  };
  const row = (cells) => `| ${cells.join(" | ")} |`;
  const table = (head, rows) => [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n");
  const sections = places.map(({ title, about, engines, operations }) =>
    [
      `## ${title}`,
      about,
      table(
        ["Operation", ...engines],
        operations.map(({ title, cells }) => [title, ...engines.map((engine) => cell(cells.get(engine)))]),
      ),
    ].join("\n\n"),
  );
  const tests = [...namedTests(places)].map((test, index) => {
    const count = passed.get(keyOf(test));
    return `${index + 1}. ${test.name} (\`${test.file.replace(/^test\//, "")}\`, ${count} passed)`;
  });
  return `${[
    "# What other engines do here",
    "Each table is about one catalog and one storage: what an engine does there, and the numbers of the tests that show it, which are " +
      "listed at the end. `refuses` means that the engine doesn't do it and says so; the test fails once it does. An empty cell says only " +
      "that no test is named for it, not that it can't be done.",
    "`npm run engines` makes this page from `docs/engines.yaml` and the reports of `npm run test:interop` and " +
      "`npm run test:stack -- --all`. It makes none if a test that is named is missing, was skipped or has failed.",
    "## Versions",
    table(["Engine", "Version"], Object.entries(versionOf)),
    ...sections,
    "## Tests",
    "An entry is how the names of one or more tests begin, the file below `test/`, and how many there are.",
    tests.join("\n"),
  ].join("\n\n")}\n`;
}

// Starts Kafka's own broker, which npm run test:interop installed, with its data in a folder for temporary files. Prints
// its address as the first line, and ends with its standard input.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { kafkaHome } from "./places.mjs";

const folder = mkdtempSync(join(tmpdir(), "slh-kafka-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
const address = `127.0.0.1:${await freePort()}`;
const controller = `127.0.0.1:${await freePort()}`;

const settings = {
  "process.roles": "broker,controller",
  "node.id": 1,
  "controller.quorum.voters": `1@${controller}`,
  "controller.listener.names": "CONTROLLER",
  listeners: `PLAINTEXT://${address},CONTROLLER://${controller}`,
  "advertised.listeners": `PLAINTEXT://${address}`,
  "log.dirs": join(folder, "data"),
  "auto.create.topics.enable": false,
  "group.initial.rebalance.delay.ms": 0,
  "offsets.topic.replication.factor": 1,
  "offsets.topic.num.partitions": 4,
  "transaction.state.log.replication.factor": 1,
  "transaction.state.log.min.isr": 1,
  "transaction.state.log.num.partitions": 4,
  "transaction.abort.timed.out.transaction.cleanup.interval.ms": 500,
};
const file = join(folder, "server.properties");
writeFileSync(
  file,
  Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join(""),
);

// Its log goes to standard error but for the line that says that it is up.
const java = [
  "-Xmx1g",
  "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
  "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
  "-cp",
  join(kafkaHome(), "broker", "*"),
];
const format = spawnSync(
  "java",
  [...java, "kafka.tools.StorageTool", "format", "-t", "c29sb2xha2Vob3VzZS1sb2c", "-c", file],
  { encoding: "utf8" },
);
if (format.status !== 0) {
  console.error(format.error?.message ?? format.stderr);
  process.exit(1);
}
const broker = spawn("java", [...java, "kafka.Kafka", file], { stdio: ["ignore", "ignore", "pipe"] });
broker.on("exit", (code) => process.exit(code ?? 0));
// What it has is thrown away: it need not put it in order first.
process.stdin.resume().on("end", () => broker.kill("SIGKILL"));
for await (const line of createInterface({ input: broker.stderr }))
  if (line.endsWith("Kafka Server started")) console.log(address);
  else if (!line.includes(" INFO ")) console.error(line);

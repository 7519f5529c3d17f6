/** node kafka-server.js <wal|stored>: our Kafka protocol over a log in this folder, for a bench to measure from another process. */
import { Log, serveKafka } from "sololakehouse/log";
import { LocalStore } from "sololakehouse/storage";

const acksAll = process.argv[2] === "stored" ? "stored" : "wal";
// The object store stands for one in the network: it takes nothing of the disk that the log waits for.
const store = new LocalStore("warehouse", { durable: false });
const log = new Log({ store, folder: "log" });
const server = await serveKafka(log, { port: 0, acksAll });
console.log(`${server.host}:${server.port}`);
process.stdin.resume().on("end", () => process.exit(0));

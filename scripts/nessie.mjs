// Starts Nessie's own server, as npm run test:interop installed it, with an in-memory store on a port that the system
// gives. Prints its URI as the first line, and ends with its standard input.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { programOf, SERVICES } from "../lib/kit/dist/stack.js";

const [java, ...jar] = programOf("nessie", SERVICES.nessie.packages);
const settings = {
  "quarkus.http.host": "127.0.0.1",
  "quarkus.http.port": "0",
  "quarkus.management.host": "127.0.0.1",
  "quarkus.management.port": "0",
  "nessie.version.store.type": "IN_MEMORY",
};
const defines = Object.entries(settings).map(([name, value]) => `-D${name}=${value}`);
const server = spawn(java, ["-Xmx768m", ...defines, ...jar], { stdio: ["ignore", "pipe", "inherit"] });
server.on("exit", (code) => process.exit(code ?? 0));
process.stdin.resume().on("end", () => server.kill());
let isUp = false;
for await (const line of createInterface({ input: server.stdout })) {
  const [, uri] = /Listening on: (http:\/\/127\.0\.0\.1:\d+)\b/.exec(line) ?? [];
  if (uri !== undefined && !isUp) console.log(uri);
  isUp ||= uri !== undefined;
  if (!isUp) console.error(line);
}

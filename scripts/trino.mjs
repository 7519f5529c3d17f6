// Starts Trino's server, which npm run test:interop installed, on a free port, with its data in a folder for temporary
// files. Prints its URI as the first line, and ends with its standard input. Its log goes to standard error. Catalogs are
// made by SQL: CREATE CATALOG.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { java25, trinoHome } from "./places.mjs";

const home = trinoHome();
const folder = mkdtempSync(join(tmpdir(), "slh-trino-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const port = await new Promise((resolve) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});
const uri = `http://127.0.0.1:${port}`;
const settings = {
  "node.environment": "sololakehouse",
  "node.bind-ip": "127.0.0.1",
  "node.internal-address": "127.0.0.1",
  "node-scheduler.include-coordinator": true,
  "http-server.http.port": port,
  "discovery.uri": uri,
  "catalog.management": "dynamic",
  "catalog.store": "memory",
  "plugin.dir": join(home, "plugins"),
  "query.max-memory-per-node": "512MB",
};
const config = join(folder, "config.properties");
writeFileSync(
  config,
  Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join(""),
);
mkdirSync(join(folder, "data"));

const server = spawn(
  java25(),
  [
    "-Xmx1536m",
    "-XX:TieredStopAtLevel=1",
    "--add-modules=jdk.incubator.vector",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
    "-Djdk.attach.allowAttachSelf=true",
    `-Dconfig=${config}`,
    "-cp",
    join(home, "server", "*"),
    fileURLToPath(new URL("../test/interop/java/TrinoServer.java", import.meta.url)),
    "483",
  ],
  { cwd: join(folder, "data"), stdio: ["ignore", process.stderr, "inherit"] },
);
server.on("exit", (code) => process.exit(code ?? 0));
// What it has is thrown away: it need not put it in order first.
process.stdin.resume().on("end", () => server.kill("SIGKILL"));
for (;;) {
  const info = await fetch(`${uri}/v1/info`).then(
    (answer) => answer.json(),
    () => undefined,
  );
  if (info?.starting === false) break;
  await sleep(100);
}
console.log(uri);

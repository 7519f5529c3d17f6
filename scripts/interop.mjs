// npm run test:interop: installs the engines that our tables are held against, each into the project's own
// .cache/interop, and runs test/interop with them. Nothing is installed outside the project.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const home = join(root, ".cache", "interop");
const requirements = join(root, "test", "interop", "requirements.txt");
const nessie = join(root, "test", "interop", "nessie-ivy.xml");
const python = join(home, "venv", "bin", "python");

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  if (error?.code === "ENOENT")
    fail(`${command} was not found. The interop suite needs Python 3.10 or newer and Java 17.`);
  return status ?? 1;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

// The stamp is written last: an interrupted install is done again from the start.
const wanted = createHash("sha256")
  .update(readFileSync(requirements))
  .update(readFileSync(nessie))
  .digest("hex");
const stamp = join(home, "installed");
if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) {
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  console.log(
    "installing PyIceberg, fastavro, DuckDB, Spark, Jupyter and Nessie into .cache/interop (some minutes, once)",
  );
  if (run("python3", ["-m", "venv", join(home, "venv")]) !== 0) fail("python3 -m venv failed (see above).");
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements];
  if (run(python, pip) !== 0) fail("pip install failed (see above).");
  installNessie();
  writeFileSync(stamp, wanted);
}

// etcd is no Python package: Debian's and Ubuntu's is unpacked, which needs no root. Without it its tests are skipped.
const etcd = join(home, "etcd", "usr", "bin", "etcd");
if (!existsSync(etcd) && spawnSync("etcd", ["--version"]).status !== 0 && !unpackEtcd()) {
  console.warn("etcd was not found and could not be installed: the tests that need it will be SKIPPED.");
}

// Trino's parser judges sql/trino.
const trino = join(home, "trino");
if (!existsSync(trino)) {
  const args = [
    "-dependency",
    "io.trino",
    "trino-parser",
    "435",
    "-confs",
    "default",
    "-retrieve",
    join(trino, "[artifact].[ext]"),
  ];
  if (ivy(...args) !== 0) fail("Trino's parser could not be had (see above).");
}

function unpackEtcd() {
  const downloads = mkdtempSync(join(home, "download-"));
  console.log("installing etcd into .cache/interop");
  try {
    // A fresh machine knows no packages yet; whoever is not root takes the lists that there are.
    spawnSync("apt-get", ["update", "-qq"], { stdio: "ignore" });
    if (spawnSync("apt-get", ["download", "-q", "etcd-server"], { cwd: downloads }).status !== 0)
      return false;
    const [file] = readdirSync(downloads).filter((name) => name.endsWith(".deb"));
    return (
      file !== undefined && spawnSync("dpkg", ["-x", join(downloads, file), join(home, "etcd")]).status === 0
    );
  } finally {
    rmSync(downloads, { recursive: true, force: true });
  }
}

function installNessie() {
  const pattern = join(home, "nessie", "[artifact](-[classifier]).[ext]");
  if (ivy("-ivy", nessie, "-retrieve", pattern) !== 0) fail("Nessie's jars could not be had (see above).");
}

/** Jars come by Ivy, which Spark brings along. */
function ivy(...args) {
  const [lib] = readdirSync(join(home, "venv", "lib"));
  const jars = join(home, "venv", "lib", lib, "site-packages", "pyspark", "jars");
  const jar = readdirSync(jars).find((name) => /^ivy-.*\.jar$/.test(name));
  const cache = join(home, "ivy-downloads");
  const status = run("java", ["-jar", join(jars, jar), "-cache", cache, ...args, "-warn"]);
  rmSync(cache, { recursive: true, force: true });
  return status;
}

const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
const report = join(home, "report.json");
const args = [
  "run",
  "--project",
  "interop",
  "--reporter=default",
  "--reporter=json",
  `--outputFile.json=${report}`,
];
rmSync(report, { force: true });
const status = run(process.execPath, [vitest, ...args, ...process.argv.slice(2)], {
  env: { ...process.env, SLH_INTEROP_PYTHON: python, SLH_INTEROP_HOME: home },
});
if (!existsSync(report)) fail("the interop suite did not start (see above).");
const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, "utf8"));
console.log(`${numPassedTests} passed, ${numFailedTests} failed`);
process.exit(status);

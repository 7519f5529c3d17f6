// npm run test:interop [-- test/interop/spark …]: installs the engines that our tables are held against, once per
// user (see interopHome), and runs test/interop with them. Arguments go to Vitest; with --install-only there are no tests.
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { closingLine, vitest } from "./counts.mjs";
import {
  airflowHome,
  dagsterHome,
  exclusively,
  interopHome,
  kafkaHome,
  mlflowHome,
  onnxHome,
} from "./places.mjs";
import { build, root } from "./setup.mjs";

const home = interopHome();
const python = join(home, "venv", "bin", "python");
const stamp = join(home, "installed");
const kafka = kafkaHome();
const interop = join(root, "test", "interop");

function run(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  if (error?.code === "ENOENT")
    fail(`${command} was not found. The interop suite needs Python 3.10 or newer and Java 17.`);
  return status ?? 1;
}

function fail(message) {
  console.error(message);
  console.log(closingLine({ passed: 0, failed: 1, skipped: 0 }));
  process.exit(1);
}

/** Whole, and of use: an upgrade of the system's Python leaves a virtual environment that does not start. */
const isInstalled = () =>
  existsSync(stamp) && spawnSync(python, ["-c", "import pyspark"], { stdio: "ignore" }).status === 0;

/** The stamp comes last: an install that was interrupted is done again from the start. */
function install() {
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  console.log(`installing PyIceberg, fastavro, DuckDB, Spark and Jupyter into ${home}`);
  console.log("(some minutes, once; folders of older versions beside it can be removed)");
  if (run("python3", ["-m", "venv", join(home, "venv")]) !== 0) fail("python3 -m venv failed (see above).");
  const requirements = join(interop, "requirements.txt");
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements];
  if (run(python, pip) !== 0) fail("pip install failed (see above).");
  if (run(python, [join(interop, "python", "fetch_packages.py")], { SLH_INTEROP_HOME: home }) !== 0)
    fail("Spark's packages could not be had (see above).");
  writeFileSync(stamp, "");
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

/** Likewise; a folder of its own, which an upgrade of Kafka alone makes anew. */
function installKafka() {
  rmSync(kafka, { recursive: true, force: true });
  mkdirSync(kafka, { recursive: true });
  console.log(`installing Kafka's broker and Java clients into ${kafka}`);
  const jars = join(kafka, "[conf]", "[artifact]-[revision].[ext]");
  if (ivy("-ivy", join(interop, "kafka-ivy.xml"), "-retrieve", jars) !== 0)
    fail("Kafka's jars could not be had (see above).");
  unpack(kafka, "kcat", ["kcat", "librdkafka1", "libyajl2"]);
  writeFileSync(join(kafka, "installed"), "");
}

/** Likewise: each of them wants of others what the rest does not want. */
function installVenv(folder, name, list) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  console.log(`installing ${name} into ${folder}`);
  if (run("python3", ["-m", "venv", join(folder, "venv")]) !== 0) fail("python3 -m venv failed (see above).");
  const own = join(folder, "venv", "bin", "python");
  const requirements = join(interop, list);
  if (run(own, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements]) !== 0)
    fail("pip install failed (see above).");
  writeFileSync(join(folder, "installed"), "");
}

/** Likewise: ONNX's runtime for JavaScript, which is larger than all that our packages need together. */
function installOnnx(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  console.log(`installing ONNX's runtime in WebAssembly into ${folder}`);
  copyFileSync(join(interop, "onnx-packages.json"), join(folder, "package.json"));
  const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  if (run("npm", ["install", "--prefix", folder, ...quiet]) !== 0) fail("npm install failed (see above).");
  writeFileSync(join(folder, "installed"), "");
}

/**
 * What is on neither PyPI nor Maven: Debian's and Ubuntu's packages are unpacked, which needs no root. The tests that
 * want it can be skipped.
 */
function unpack(into, name, packages) {
  const downloads = mkdtempSync(join(into, "download-"));
  console.log(`installing ${name} into ${into}`);
  try {
    // A fresh machine knows no packages yet; whoever is not root takes the lists that there are.
    spawnSync("apt-get", ["update", "-qq"], { stdio: "ignore" });
    if (spawnSync("apt-get", ["download", "-q", ...packages], { cwd: downloads }).status !== 0) return;
    for (const file of readdirSync(downloads).filter((each) => each.endsWith(".deb")))
      spawnSync("dpkg", ["-x", join(downloads, file), join(into, name)]);
  } finally {
    rmSync(downloads, { recursive: true, force: true });
  }
}

/** What the stack has as well: the same install serves both. Tests of what cannot be had are skipped, and say so. */
async function installServices() {
  await build();
  const { hasJdkFor, install, isInstalled, SERVICES } = await import("../lib/kit/dist/stack.js");
  for (const name of ["etcd", "prometheus", "nessie", "trino"]) {
    const { title, packages } = SERVICES[name];
    if (isInstalled(name, packages)) continue;
    // It only runs where there is a JDK for it.
    if (!hasJdkFor(packages)) continue;
    console.log(`installing ${title}`);
    await install(name, packages).catch(({ message }) => console.error(message));
  }
}

const onWait = () => console.log("another clone is installing the interop suite's engines: waiting for it");
await exclusively(
  `${home}.lock`,
  async () => {
    if (!isInstalled()) install();
  },
  onWait,
);
await exclusively(
  `${kafka}.lock`,
  async () => {
    if (!existsSync(join(kafka, "installed"))) installKafka();
  },
  onWait,
);
for (const [folder, name, list] of [
  [mlflowHome(), "MLflow", "mlflow-requirements.txt"],
  [dagsterHome(), "Dagster", "dagster-requirements.txt"],
  [airflowHome(), "Airflow", "airflow-requirements.txt"],
])
  await exclusively(
    `${folder}.lock`,
    async () => {
      if (!existsSync(join(folder, "installed"))) installVenv(folder, name, list);
    },
    onWait,
  );

await exclusively(
  `${onnxHome()}.lock`,
  async () => {
    if (!existsSync(join(onnxHome(), "installed"))) installOnnx(onnxHome());
  },
  onWait,
);

await installServices();

if (process.argv.includes("--install-only")) process.exit(0);
const counts = await vitest("interop", process.argv.slice(2), {
  SLH_INTEROP_PYTHON: python,
  SLH_INTEROP_HOME: home,
});
console.log(closingLine(counts));
process.exit(counts.failed === 0 ? 0 : 1);

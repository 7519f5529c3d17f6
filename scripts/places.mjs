// Where large downloads live: in the user's cache folder, so that a second clone finds what the first one fetched.
// Nothing there is needed for long: remove what you like, it is fetched again.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";

/** `$XDG_CACHE_HOME` or the platform's own folder for caches, and in it ours. */
export function userCache({ env, platform } = process) {
  const { XDG_CACHE_HOME: xdg, LOCALAPPDATA: local } = env;
  if (xdg && isAbsolute(xdg)) return join(xdg, "sololakehouse");
  if (platform === "darwin") return join(homedir(), "Library", "Caches", "sololakehouse");
  if (platform === "win32" && local) return join(local, "sololakehouse", "cache");
  return join(homedir(), ".cache", "sololakehouse");
}

/** The engines of the interop suite: one folder for each list of what is wanted, shared by all clones that want it. */
export const interopHome = () => homeOf("interop", ["requirements.txt", "spark-packages.txt"]);

/** Kafka's broker, its Java clients and kcat, likewise. */
export const kafkaHome = () => homeOf("kafka", ["kafka-ivy.xml"]);

/** MLflow's server, and what trains and reads models in Python, likewise. */
export const mlflowHome = () => homeOf("mlflow", ["mlflow-requirements.txt"]);

/** Dagster, likewise. */
export const dagsterHome = () => homeOf("dagster", ["dagster-requirements.txt"]);

/** Airflow, likewise. */
export const airflowHome = () => homeOf("airflow", ["airflow-requirements.txt"]);

/** ONNX's runtime in WebAssembly, likewise. */
export const onnxHome = () => homeOf("onnx", ["onnx-packages.json"]);

function homeOf(name, lists) {
  const wanted = createHash("sha256");
  for (const list of lists)
    wanted.update(readFileSync(fileURLToPath(new URL(`../test/interop/${list}`, import.meta.url))));
  for (const word of [process.platform, process.arch]) wanted.update(word);
  return join(userCache(), `${name}-${wanted.digest("hex").slice(0, 12)}`);
}

/**
 * Runs `work` while no other process runs anything under the same lock file. The lock is SQLite's, so that the system
 * takes it back from a process that dies. `onWait` is told once when another process has it.
 */
export async function exclusively(lockFile, work, onWait = () => {}) {
  mkdirSync(dirname(lockFile), { recursive: true });
  const lock = new Database(lockFile, { timeout: 0 });
  try {
    for (let waits = 0; ; waits++) {
      try {
        lock.exec("BEGIN EXCLUSIVE");
        break;
      } catch (error) {
        if (error.code !== "SQLITE_BUSY") throw error;
        if (waits === 0) onWait();
        await sleep(200);
      }
    }
    return await work();
  } finally {
    lock.close();
  }
}

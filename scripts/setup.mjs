// What npm start and npm test have in common. It runs before anything is installed, so it needs nothing but Node.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));
const live = process.stderr.isTTY === true;

export const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** Something without which nothing else makes sense: what failed, why, and what to do. */
export class SetupError extends Error {
  constructor(what, why, remedy) {
    super(`error  ${what}\n${why ? `\n${why}\n` : ""}       ${remedy}`);
  }
}

/** Refuses a Node that is too old at once, rather than with a riddle later. */
export function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new SetupError(
    `this is Node ${process.versions.node}; SoloLakehouse needs 20.19 or newer.`,
    "",
    "See https://nodejs.org",
  );
}

/** Runs a program; resolves to its exit code and what it printed: each stream, and both as they came. */
export function run(command, args, { onOutput, stdio = "pipe", env = {}, signal } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio, env: { ...process.env, ...env }, signal });
    const printed = { stdout: "", stderr: "", output: "" };
    for (const name of ["stdout", "stderr"]) {
      child[name]?.setEncoding("utf8").on("data", (text) => {
        printed[name] += text;
        printed.output += text;
        onOutput?.(text);
      });
    }
    child.on("error", ({ message }) => resolve({ ...printed, code: 1, output: `${command}: ${message}` }));
    child.on("close", (code) => resolve({ ...printed, code: code ?? 1 }));
  });
}

export const node = (script, args = [], options = {}) =>
  run(process.execPath, [join(root, script), ...args], options);

export const slh = (args, options) => node("lib/lakehouse/bin/slh.js", args, options);

/** npm as it was started, or the one on the path. */
function npm(args, options) {
  const { npm_execpath: path } = process.env;
  if (path && /\.[cm]?js$/.test(path)) return run(process.execPath, [path, ...args], options);
  return run(process.platform === "win32" ? "npm.cmd" : "npm", args, options);
}

/** A step that may take a while: its seconds on a terminal, elsewhere a sign of life now and then. */
export async function step(title, work) {
  const began = performance.now();
  let note = "";
  const show = () => {
    const line = `${title}  ${seconds(began)}${note ? `  ${note}` : ""}`;
    if (live) process.stderr.write(`\r\u001b[2K${line}`);
    else console.error(line);
  };
  if (!live) console.error(title);
  const timer = setInterval(show, live ? 200 : 30_000);
  const result = await work((text) => {
    note = text;
    if (!live) show();
  });
  clearInterval(timer);
  if (live) process.stderr.write("\r\u001b[2K");
  return { result, took: seconds(began) };
}

/**
 * True when node_modules holds what the lock file asks for. npm notes there what it has installed; packages for
 * other platforms are never there.
 */
function isInstalled() {
  const noted = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(noted)) return false;
  const { packages: there } = JSON.parse(readFileSync(noted, "utf8"));
  const { packages: wanted } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  return Object.entries(wanted).every(
    ([name, { version, link, optional }]) =>
      !name.includes("node_modules/") || link || optional || there[name]?.version === version,
  );
}

/** Installs from the lock file where that has to be. */
export async function install() {
  if (isInstalled()) return;
  const { result, took } = await step("installing packages", async (note) => {
    let told = false;
    return npm(["ci", "--no-audit", "--no-fund", "--loglevel=error", "--foreground-scripts"], {
      onOutput(text) {
        if (told || !/node-gyp|gyp info|No prebuilt|prebuild-install warn/i.test(text)) return;
        told = true;
        note("better-sqlite3 has no prebuilt binary here and is compiled: about 100 s");
      },
    });
  });
  if (result.code !== 0) {
    const compiler = /gyp/i.test(result.output);
    throw new SetupError(
      "npm ci failed.",
      result.output.trim().split("\n").slice(-25).join("\n"),
      compiler
        ? "Compiling needs a C++ compiler, make and Python 3 (Debian: apt install build-essential python3; macOS: xcode-select --install). Then try again."
        : "See above; then try again.",
    );
  }
  console.log(`installed  ${took}`);
}

/** Builds both packages; what is up to date is left alone. */
export async function build() {
  const { result, took } = await step("building", () => node("scripts/build.mjs"));
  if (result.code !== 0) {
    throw new SetupError(
      "the sources do not compile.",
      result.output.trim(),
      "Correct them, then try again.",
    );
  }
  console.log(`built  ${took}`);
}

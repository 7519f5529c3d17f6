import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../support/bundle.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export interface Child {
  readonly process: ChildProcess;
  /** Resolves with its standard output; rejects with its standard error where it fails. */
  readonly done: Promise<string>;
  /** What it has printed so far. */
  output(): string;
  /** Resolves when the child has printed this line, or what matches: with its first group. */
  printed(line: string | RegExp): Promise<string>;
}

export interface ChildProgram {
  start(...args: string[]): Child;
  /** Likewise, as a user who owns nothing. Where the tests run as root, which no mode of a file stops. */
  startAsNobody(...args: string[]): Child;
  /** Likewise, behind a command that runs others, such as `ip netns exec`. */
  startWithin(command: readonly string[], ...args: string[]): Child;
  /** Likewise, with mounts of its own that it may make. Linux with user namespaces only. */
  startUnshared(...args: string[]): Child;
  dispose(): Promise<void>;
}

/**
 * A program for processes of its own, which Node 20 cannot start from TypeScript: a module that gets the exports of
 * some rooms and of `errors` under these names, or those of the front door as `lakehouse`, and its arguments as `args`.
 * It is made from the sources as they are now, and bundled: tests start it dozens of times, and to load hundreds of
 * modules takes longer than what it does.
 */
export async function childProgram(
  body: string,
  rooms: readonly string[] = ["storage"],
): Promise<ChildProgram> {
  await mkdir(path.join(ROOT, ".cache"), { recursive: true });
  // Below the project, so that packages are found.
  const directory = await mkdtemp(path.join(ROOT, ".cache", "child-"));
  await chmod(directory, 0o755);
  const source = path.join(directory, "main.ts");
  const imports = ["errors", ...rooms].map((name) => {
    const file = { errors: "errors.js", lakehouse: "index.js" }[name] ?? `${name}/index.js`;
    return `import * as ${name} from "../../lib/lakehouse/${file}";`;
  });
  await writeFile(source, `${imports.join("\n")}\nconst args = process.argv.slice(2);\n${body}\n`);
  // Of the packages, only the one of many modules.
  await bundle({ main: source }, directory, ["apache-arrow", "flatbuffers", "tslib"]);
  const main = path.join(directory, "main.js");
  return {
    start: (...args) => watch(process.execPath, [main, ...args]),
    startAsNobody: (...args) => watch("setpriv", [...AS_NOBODY, process.execPath, main, ...args]),
    startWithin: ([command = "env", ...more], ...args) =>
      watch(command, [...more, process.execPath, main, ...args]),
    startUnshared: (...args) => watch("unshare", ["-rm", process.execPath, main, ...args]),
    dispose: () => rm(directory, { recursive: true, force: true }),
  };
}

const AS_NOBODY = ["--reuid=65534", "--regid=65534", "--clear-groups"];

/** Whether `startAsNobody` works here. */
export function canBeNobody(): boolean {
  try {
    execFileSync("setpriv", [...AS_NOBODY, process.execPath, "--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Whether `startUnshared` works here. */
export function canUnshare(): boolean {
  try {
    execFileSync("unshare", ["-rm", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function watch(command: string, args: readonly string[]): Child {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let errors = "";
  const waiting = new Set<() => void>();
  child.stdout?.on("data", (data: Buffer) => {
    output += data.toString();
    for (const look of waiting) look();
  });
  child.stderr?.on("data", (data: Buffer) => {
    errors += data.toString();
  });
  const done = new Promise<string>((resolve, reject) => {
    child.once("close", (code) =>
      code === 0 ? resolve(output) : reject(new Error(errors || `ended with ${code}`)),
    );
  });
  done.catch(() => undefined); // who kills a child does not wait for it to succeed
  return {
    process: child,
    done,
    output: () => output,
    printed: (line) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found =
            typeof line === "string" ? output.split("\n").includes(line) && line : line.exec(output)?.[1];
          if (found) resolve(found);
        };
        waiting.add(look);
        look();
        done.then(look, reject);
      }),
  };
}

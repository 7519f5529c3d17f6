import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export interface Child {
  readonly process: ChildProcess;
  /** Resolves with its standard output; rejects with its standard error where it fails. */
  readonly done: Promise<string>;
  /** What it has printed so far. */
  output(): string;
  /** Resolves when the child has printed this line. */
  printed(line: string): Promise<void>;
}

export interface ChildProgram {
  start(...args: string[]): Child;
  /** Likewise, as a user who owns nothing. Where the tests run as root, which no mode of a file stops. */
  startAsNobody(...args: string[]): Child;
  /** Likewise, with mounts of its own that it may make. Linux with user namespaces only. */
  startUnshared(...args: string[]): Child;
  dispose(): Promise<void>;
}

/**
 * A program for processes of its own, which Node 20 cannot start from TypeScript: the sources of some rooms,
 * compiled as they are now, and a module that gets their exports under the rooms' names and its arguments as `args`.
 */
export async function childProgram(
  body: string,
  rooms: readonly string[] = ["storage"],
): Promise<ChildProgram> {
  await mkdir(path.join(ROOT, ".cache"), { recursive: true });
  // Below the project, so that packages are found.
  const directory = await mkdtemp(path.join(ROOT, ".cache", "child-"));
  await chmod(directory, 0o755);
  for (const shared of await readdir(path.join(ROOT, "lib/lakehouse"))) {
    if (!shared.endsWith(".ts")) continue;
    await compile(
      path.join(ROOT, "lib/lakehouse", shared),
      path.join(directory, shared.replace(/\.ts$/, ".js")),
    );
  }
  for (const room of rooms) {
    const sources = await readdir(path.join(ROOT, "lib/lakehouse", room), { recursive: true });
    for (const source of sources.filter((name) => name.endsWith(".ts"))) {
      const target = path.join(directory, room, source.replace(/\.ts$/, ".js"));
      await compile(path.join(ROOT, "lib/lakehouse", room, source), target);
    }
  }
  const main = path.join(directory, "main.mjs");
  const imports = rooms.map((room) => `import * as ${room} from "./${room}/index.js";`).join("\n");
  await writeFile(main, `${imports}\nconst args = process.argv.slice(2);\n${body}\n`);
  return {
    start: (...args) => watch(process.execPath, [main, ...args]),
    startAsNobody: (...args) => watch("setpriv", [...AS_NOBODY, process.execPath, main, ...args]),
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

async function compile(source: string, target: string): Promise<void> {
  const { outputText } = ts.transpileModule(await readFile(source, "utf8"), {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  await mkdir(path.dirname(target), { recursive: true });
  await writeFile(target, outputText);
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
          if (output.split("\n").includes(line)) resolve();
        };
        waiting.add(look);
        look();
        done.then(look, reject);
      }),
  };
}

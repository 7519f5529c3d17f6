import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Ran } from "./in-process.js";

const bin = (name: string) => fileURLToPath(new URL(`../../lib/lakehouse/bin/${name}.js`, import.meta.url));

/** Runs `slh` in a process of its own, with a text on its stdin. */
export function slhWithInput(
  args: readonly string[],
  input: string,
  env: Record<string, string>,
): Promise<Ran> {
  return slh(args, env, (child) => child.stdin.end(input));
}

/** The same, whose reader closes the pipe after the first that comes. */
export function slhCutShort(args: readonly string[], env: Record<string, string>): Promise<Ran> {
  return slh(args, env, ({ stdin, stdout }) => {
    stdin.end();
    stdout.once("data", () => stdout.destroy());
  });
}

/** The same for a server, which is told to end after its first line. */
export function slhUntilLine(args: readonly string[], folder: string): Promise<Ran> {
  return slh(args, {}, (child) => child.stdout.once("data", () => child.kill("SIGTERM")), folder);
}

/** Runs `streamctl` in a process of its own. @param use gets it when it runs. */
export function streamctl(
  args: readonly string[],
  env: Record<string, string>,
  use: (child: Child) => void = ({ stdin }) => stdin.end(),
): Promise<Ran> {
  return program("streamctl", args, env, use, process.cwd());
}

function slh(
  args: readonly string[],
  env: Record<string, string>,
  use: (child: Child) => void,
  cwd = process.cwd(),
): Promise<Ran> {
  return program("slh", args, env, use, cwd);
}

function program(
  name: string,
  args: readonly string[],
  env: Record<string, string>,
  use: (child: Child) => void,
  cwd: string,
): Promise<Ran> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [bin(name), ...args], {
      cwd,
      env: { ...process.env, NO_COLOR: "1", SLH_PROFILE: "embedded", ...env },
    });
    let [out, err] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      err += text;
    });
    child.on("close", (code) => done({ code, out, err }));
    use(child);
  });
}

type Child = ChildProcessWithoutNullStreams;

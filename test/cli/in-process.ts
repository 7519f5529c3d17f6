import type { Command } from "commander";
import { run } from "sololakehouse/terminal";
import { vi } from "vitest";
import * as kit from "../../lib/kit/cli/commands.js";
import { buildProgram } from "../../lib/lakehouse/cli.js";
import { buildStreamctl } from "../../lib/lakehouse/streamctl.js";

/** What a command printed, and its exit code. */
export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/**
 * The command line itself, in this process: starting another takes longer than most commands do. Tests of what only a
 * process has (signals, pipes that are closed, full disks) start one.
 *
 * @param folder the working directory of the command
 */
export async function slhInProcess(args: readonly string[], folder = process.cwd()): Promise<Ran> {
  return inProcess(() => buildProgram(kit), args, folder);
}

/** The same for `streamctl`. */
export async function streamctlInProcess(args: readonly string[], folder = process.cwd()): Promise<Ran> {
  return inProcess(buildStreamctl, args, folder);
}

async function inProcess(
  build: () => Promise<Command>,
  args: readonly string[],
  folder: string,
): Promise<Ran> {
  const printed = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  const take = (name: keyof typeof printed, text: string | Uint8Array) => {
    printed[name].push(Buffer.from(text));
    return true;
  };
  const spies = [
    vi.spyOn(process.stdout, "write").mockImplementation((text) => take("stdout", text)),
    vi.spyOn(process.stderr, "write").mockImplementation((text) => take("stderr", text)),
    // Vitest's console does not go through the streams.
    vi.spyOn(console, "log").mockImplementation((line = "") => void take("stdout", `${line}\n`)),
    vi.spyOn(console, "error").mockImplementation((line = "") => void take("stderr", `${line}\n`)),
  ];
  const before = { folder: process.cwd(), noColor: process.env.NO_COLOR };
  process.env.NO_COLOR = "1";
  process.exitCode = undefined;
  try {
    process.chdir(folder);
    const code = await run(await build(), [process.execPath, "program", ...args]);
    const textOf = (name: keyof typeof printed) => Buffer.concat(printed[name]).toString();
    return { code, out: textOf("stdout"), err: textOf("stderr") };
  } finally {
    process.chdir(before.folder);
    process.exitCode = undefined;
    if (before.noColor === undefined) delete process.env.NO_COLOR;
    else process.env.NO_COLOR = before.noColor;
    for (const spy of spies) spy.mockRestore();
  }
}

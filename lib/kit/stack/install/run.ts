import { spawn } from "node:child_process";
import { installFailed } from "../errors.js";

/** Is told what is going on: the last line that a program printed. */
export type Note = (line: string) => void;

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly note?: Note;
}

/**
 * Runs a program that installs something, to its end.
 *
 * @throws LakehouseError INSTALL_FAILED with the end of what it said.
 */
export async function runInstaller(
  what: string,
  command: string,
  args: readonly string[],
  { cwd, env, note }: RunOptions = {},
): Promise<void> {
  let said = "";
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-4_000);
      const last = text
        .trimEnd()
        .split(/[\r\n]/)
        .at(-1);
      if (last) note?.(last);
    });
  const code = await new Promise<number | string>((resolve) => {
    child.once("error", ({ message }) => resolve(message));
    child.once("close", (status) => resolve(status ?? 1));
  });
  if (code === 0) return;
  throw installFailed(
    what,
    typeof code === "string"
      ? `${what} could not be installed: ${code}.`
      : `${what} could not be installed: ${command} ended with ${code}.\n${said.trimEnd()}`,
    "See whether this machine reaches its package registry, then start again: what is there already stays.",
  );
}

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { contentInvalid } from "../../errors.js";

/** A program on the path. */
export function findProgram(name: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  const names = process.platform === "win32" ? [`${name}.exe`] : [name];
  return folders.flatMap((folder) => names.map((one) => join(folder, one))).find(existsSync);
}

/**
 * Runs a program to its end.
 *
 * @throws CONTENT_INVALID with the last lines that it wrote.
 */
export async function runProgram(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-2000);
  });
  const [code] = await once(child, "close");
  if (code === 0) return;
  const last = said.trim().split("\n").slice(-3).join("; ");
  throw contentInvalid(
    program,
    `${program} ended with ${code ?? "a signal"}: ${last}.`,
    "Try another version of it.",
  );
}

import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { run } from "./terminal/index.js";

/** Runs a program as this process, and sets its exit code. */
export async function runProcess(program: Command, argv: readonly string[]): Promise<void> {
  // A reader that has seen enough (`| head`) closes the pipe: no error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    // A full disk, mostly: what was printed is not whole, and nothing that follows would be.
    console.error(`error  The output cannot be written: ${error.message}.`);
    process.exit(1);
  });
  process.exitCode = await run(program.version(version()), argv);
}

/** This package's, from above the build. */
function version(): string {
  const file = new URL("../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

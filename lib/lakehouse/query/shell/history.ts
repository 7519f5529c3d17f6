import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/** Lines that are remembered from one session to the next. */
const REMEMBERED = 2_000;

/** The file of the user's own that keeps what was typed: `$XDG_STATE_HOME/sololakehouse/shell-history`. */
export function historyFile(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const state =
    env.XDG_STATE_HOME ||
    (process.platform === "win32" && env.LOCALAPPDATA) ||
    join(env.HOME || homedir(), ".local", "state");
  return join(state, "sololakehouse", "shell-history");
}

/**
 * What was typed, from one session to the next, for nobody else to read. Lines are added one by one, so that sessions
 * beside each other keep all of theirs. One that begins with a space is not kept, as in other shells. Where the file
 * cannot be written there is the session's own history alone.
 */
export class History {
  readonly #path: string;
  #works = true;

  constructor(path: string) {
    this.#path = path;
  }

  /** Newest first, as readline has them. */
  load(): string[] {
    return this.#attempt(() => {
      if (!existsSync(this.#path)) return [];
      const lines = readFileSync(this.#path, "utf8")
        .split("\n")
        .filter((line) => line !== "");
      chmodSync(this.#path, 0o600);
      const kept = lines.slice(-REMEMBERED);
      if (lines.length > 2 * REMEMBERED) writeFileSync(this.#path, `${kept.join("\n")}\n`, { mode: 0o600 });
      return kept.reverse();
    }, []);
  }

  add(line: string): void {
    if (line.trim() === "" || line.startsWith(" ")) return;
    this.#attempt(() => {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      appendFileSync(this.#path, `${line}\n`, { mode: 0o600 });
    }, undefined);
  }

  #attempt<T>(work: () => T, otherwise: T): T {
    if (!this.#works) return otherwise;
    try {
      return work();
    } catch {
      this.#works = false;
      return otherwise;
    }
  }
}

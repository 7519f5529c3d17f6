import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** A consumer of a group in a process of its own, which prints what it gets and what it is assigned. */
export class Member {
  readonly #child: ChildProcess;
  /** As `partition/offset`, in the order in which they came. */
  readonly received: string[] = [];
  /** The partitions of its last assignment. */
  assigned: readonly number[] = [];
  #said = "";

  /** `read` takes a line of standard output or standard error, and gives what it says. */
  constructor([command = "", ...args]: readonly string[], env: NodeJS.ProcessEnv, read: ReadLine) {
    this.#child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...env } });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      createInterface({ input: stream as NodeJS.ReadableStream }).on("line", (line) => {
        const said = read(line);
        if (said === undefined) this.#said = `${this.#said}${line}\n`.slice(-5_000);
        else if ("record" in said) this.received.push(said.record);
        else this.assigned = said.assigned;
      });
  }

  /** Resolves when `isSo`; fails where the process ends before. */
  async until(isSo: (member: Member) => boolean): Promise<void> {
    while (!isSo(this)) {
      if (this.#child.exitCode !== null) throw new Error(`the member ended:\n${this.#said}`);
      await sleep(20);
    }
  }

  /** At once, as a crash does. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  /** As a program ends that means to: it leaves its group. */
  stop(): Promise<void> {
    return this.#end("SIGTERM");
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill(signal);
    await ended;
  }
}

type ReadLine = (
  line: string,
) => { readonly record: string } | { readonly assigned: readonly number[] } | undefined;

/** `record 0/12` and `assigned 0,1,2`, as our own programs around clients have it. */
export const plainLine: ReadLine = (line) => {
  const [, record] = /^record (\d+\/\d+)$/.exec(line) ?? [];
  if (record !== undefined) return { record };
  const [, assigned] = /^assigned ([\d,]*)$/.exec(line) ?? [];
  if (assigned === undefined) return undefined;
  return { assigned: assigned === "" ? [] : assigned.split(",").map(Number) };
};

const members = fileURLToPath(new URL("./members.mjs", import.meta.url));

export const nodeMember = (client: string, ...args: readonly string[]) =>
  new Member([process.execPath, members, client, ...args], {}, plainLine);

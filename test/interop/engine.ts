import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { home, python } from "./installed.js";

/**
 * Another engine, in a Python or Java process of its own that answers calls one after the other (python/protocol.py).
 * Started once per test file: Spark takes its time.
 */
export class Engine {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  #stderr = "";
  #last: Promise<unknown>;

  /** `options` are those of `python` or `java`, and stand before the script. */
  constructor(script: string, options: readonly string[] = []) {
    const [language, command] = script.endsWith(".java") ? ["java", "java"] : ["python", python];
    const path = fileURLToPath(new URL(`./${language}/${script}`, import.meta.url));
    const child = spawn(command, [...options, path], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, SLH_INTEROP_HOME: home, TZ: "UTC", PYTHONDONTWRITEBYTECODE: "1" },
    });
    child.stderr.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-10_000);
    });
    this.#child = child;
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.#last = this.#answer();
  }

  /** Calls a function of the script by its name; throws with the engine's own traceback. */
  call<Result>(name: string, args: Readonly<Record<string, unknown>>): Promise<Result> {
    const result = this.#last.then(async () => {
      this.#child.stdin?.write(`${JSON.stringify({ function: name, arguments: args })}\n`);
      const answer = JSON.parse(await this.#answer()) as { result: Result; error?: string };
      if (answer.error !== undefined) throw new Error(`${name}: ${answer.error}`);
      return answer.result;
    });
    this.#last = result.catch(() => {});
    return result;
  }

  async #answer(): Promise<string> {
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`The engine ended:\n${this.#stderr}`);
    return value;
  }

  /** Ends it at once. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.stdin?.end();
    if (this.#child.exitCode === null && this.#child.signalCode === null) await ended;
  }
}

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Dealer, Subscriber } from "zeromq";
import { kernelArguments, kernelEnvironment } from "../../notebook/index.js";
import {
  type Channel,
  fromFrames,
  isForServer,
  type KernelMessage,
  makeMessage,
  toFrames,
} from "./message.js";

export interface ProcessEvents {
  message(message: KernelMessage): void;
  /** It ended without being asked to; `why` tells what it said last. */
  died(why: string): void;
}

/** How often a kernel that is starting is asked whether it is there. */
const NUDGE_MS = 100;
/** What is kept of what a kernel prints past its own streams. */
const LAST_WORDS = 2000;

type Requests = "shell" | "control" | "stdin";
const REQUESTS: readonly Requests[] = ["shell", "control", "stdin"];

/**
 * One process of the TypeScript kernel that Jupyter starts too, and the sockets to it. They are files in a folder that only
 * this user may enter, so there is no port that another program could take or reach; messages are signed besides.
 */
export class KernelProcess {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #key: string;
  readonly #events: ProcessEvents;
  readonly #requests: ReadonlyMap<Requests, Dealer>;
  readonly #iopub: Subscriber;
  /** A socket takes one message at a time. */
  readonly #sending = new Map<Requests, Promise<void>>();
  #lastWords = "";
  #ended = false;
  #isKnown: (() => void) | undefined;

  private constructor(
    child: ChildProcess,
    folder: string,
    key: string,
    sockets: { readonly requests: ReadonlyMap<Requests, Dealer>; readonly iopub: Subscriber },
    events: ProcessEvents,
  ) {
    this.#child = child;
    this.#folder = folder;
    this.#key = key;
    this.#events = events;
    this.#requests = sockets.requests;
    this.#iopub = sockets.iopub;
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS);
      });
    child.on("error", (error) => this.#die(error.message));
    child.on("exit", (code, signal) => this.#die(`It ended by itself (${signal ?? `exit code ${code}`}).`));
    for (const [channel, socket] of [...this.#requests, ["iopub", this.#iopub] as const])
      void this.#receive(channel, socket);
  }

  /**
   * Starts one, and waits until it answers and what it publishes is heard.
   *
   * @param folder its working directory
   * @throws Error with its last words where it does not start
   */
  static async start(folder: string, events: ProcessEvents): Promise<KernelProcess> {
    // Loaded when a kernel starts: it is a native library.
    const { Dealer, Subscriber } = await import("zeromq");
    const home = await mkdtemp(join(tmpdir(), "slh-kernel-"));
    const key = randomBytes(32).toString("hex");
    const connection = {
      transport: "ipc",
      ip: join(home, "k"),
      shell_port: 1,
      iopub_port: 2,
      stdin_port: 3,
      control_port: 4,
      hb_port: 5,
      key,
      signature_scheme: "hmac-sha256",
    };
    const file = join(home, "connection.json");
    await writeFile(file, JSON.stringify(connection), { mode: 0o600 });
    const address = (port: number) => `ipc://${connection.ip}:${port}`;
    const requests = new Map<Requests, Dealer>();
    for (const channel of REQUESTS) {
      const socket = new Dealer({ linger: 0, reconnectInterval: 20 });
      socket.connect(address(connection[`${channel}_port`]));
      requests.set(channel, socket);
    }
    // Without a limit: what is published to a full queue would be lost without a word.
    const iopub = new Subscriber({ linger: 0, reconnectInterval: 20, receiveHighWaterMark: 0 });
    iopub.connect(address(connection.iopub_port));
    iopub.subscribe();
    const child = spawn(process.execPath, kernelArguments(file), {
      cwd: folder,
      // It ends with this server, also with one that could not end it.
      env: { ...process.env, ...kernelEnvironment, JPY_PARENT_PID: String(process.pid) },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own: what a cell started ends with it.
      detached: process.platform !== "win32",
    });
    const started = new KernelProcess(child, home, key, { requests, iopub }, events);
    try {
      await started.#ready();
    } catch (error) {
      await started.end();
      throw error;
    }
    return started;
  }

  /** Asks until something is published: a subscription takes effect some time after it was made. */
  #ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      const nudge = () => this.send(makeMessage("shell", "kernel_info_request", {}));
      const timer = setInterval(nudge, NUDGE_MS);
      const done = (settle: () => void) => {
        clearInterval(timer);
        this.#isKnown = undefined;
        settle();
      };
      this.#isKnown = () => done(resolve);
      this.#child.once("close", () =>
        done(() => reject(new Error(`The kernel did not start. ${this.#lastWords.trim()}`))),
      );
      nudge();
    });
  }

  send(message: KernelMessage): void {
    if (message.channel === "iopub" || this.#ended) return;
    const { channel } = message;
    const before = this.#sending.get(channel) ?? Promise.resolve();
    const sent = before.then(() => this.#requests.get(channel)?.send(toFrames(message, this.#key)));
    // A socket that has been closed meanwhile has nobody to tell.
    this.#sending.set(
      channel,
      sent.catch(() => {}),
    );
  }

  interrupt(): void {
    this.#child.kill("SIGINT");
  }

  /** Ends it and all that its cells started; nothing of it is heard after that. */
  async end(): Promise<void> {
    const wasRunning = this.#child.exitCode === null && this.#child.signalCode === null;
    this.#close();
    if (wasRunning && this.#child.pid !== undefined) {
      const ended = new Promise((resolve) => this.#child.once("exit", resolve));
      killGroup(this.#child.pid);
      await ended;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  #close(): void {
    this.#ended = true;
    for (const socket of [...this.#requests.values(), this.#iopub]) socket.close();
  }

  #die(how: string): void {
    if (this.#ended) return;
    this.#close();
    if (this.#child.pid !== undefined) killGroup(this.#child.pid);
    this.#events.died(`${how} ${this.#lastWords.trim()}`.trim());
  }

  async #receive(channel: Channel, socket: AsyncIterable<Buffer[]>): Promise<void> {
    try {
      for await (const frames of socket) {
        if (this.#ended) return;
        const message = fromFrames(channel, frames, this.#key);
        if (!message) continue;
        if (channel === "iopub" && this.#isKnown) this.#isKnown();
        // Answers to those that asked whether it is there: clients would take it for busy.
        if (!isForServer(message)) this.#events.message(message);
      }
    } catch (error) {
      // A socket that is closed while it waits says so.
      if (!this.#ended) throw error;
    }
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(process.platform === "win32" ? pid : -pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

import { randomUUID } from "node:crypto";
import { contentOf, headerOf, type KernelMessage, makeMessage, parentOf } from "./message.js";
import { KernelProcess } from "./process.js";

/** The state of a kernel, in Jupyter's words. */
export type ExecutionState = "starting" | "idle" | "busy" | "restarting" | "dead";

/** As `GET /api/kernels/:id` tells it. */
export interface KernelModel {
  readonly id: string;
  readonly name: string;
  readonly last_activity: string;
  readonly execution_state: ExecutionState;
  readonly connections: number;
}

export const KERNEL_NAME = "tslab";

/** A client of a kernel: all that is published goes to each, a reply to the one that asked. */
export type Client = (message: KernelMessage) => void;

/** A kernel that keeps its id over restarts of its process. */
export class Kernel {
  readonly id: string = randomUUID();
  readonly folder: string;
  readonly #clients = new Set<Client>();
  /** Who asked, by the id of the request. */
  readonly #asked = new Map<string, Client>();
  #process: KernelProcess | undefined;
  #state: ExecutionState = "starting";
  #lastActivity = new Date();
  /** Starts, restarts and ends come one after the other. */
  #turn: Promise<void> = Promise.resolve();
  #isShutDown = false;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async start(folder: string): Promise<Kernel> {
    const kernel = new Kernel(folder);
    await kernel.#inTurn(() => kernel.#start());
    return kernel;
  }

  model(): KernelModel {
    return {
      id: this.id,
      name: KERNEL_NAME,
      last_activity: this.#lastActivity.toISOString(),
      execution_state: this.#state,
      connections: this.#clients.size,
    };
  }

  /** @returns what takes the client out again */
  connect(client: Client): () => void {
    this.#clients.add(client);
    return () => {
      this.#clients.delete(client);
      for (const [id, asker] of this.#asked) if (asker === client) this.#asked.delete(id);
    };
  }

  /** A request of a client. */
  ask(message: KernelMessage, client: Client): void {
    this.#lastActivity = new Date();
    if (this.#process === undefined) {
      client(makeMessage("iopub", "status", { execution_state: this.#state }, headerOf(message)));
      return;
    }
    this.#asked.set(headerOf(message).msg_id, client);
    this.#process.send(message);
  }

  interrupt(): void {
    this.#process?.interrupt();
  }

  /** A new process in the place of the old one: names that cells declared are gone. */
  restart(): Promise<void> {
    return this.#inTurn(async () => {
      this.#publish("restarting");
      await this.#stop();
      await this.#start();
    });
  }

  shutDown(): Promise<void> {
    this.#isShutDown = true;
    return this.#inTurn(async () => {
      await this.#stop();
      this.#publish("dead");
    });
  }

  #inTurn(what: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(what);
    this.#turn = done.catch(() => {});
    return done;
  }

  async #start(): Promise<void> {
    if (this.#isShutDown) return;
    try {
      this.#process = await KernelProcess.start(this.folder, {
        message: (message) => this.#heard(message),
        died: (why) => {
          this.#process = undefined;
          this.#asked.clear();
          this.#publish("dead", why);
        },
      });
    } catch (error) {
      this.#publish("dead", (error as Error).message);
      throw error;
    }
    this.#publish("idle");
  }

  async #stop(): Promise<void> {
    const ending = this.#process;
    this.#process = undefined;
    this.#asked.clear();
    await ending?.end();
  }

  #heard(message: KernelMessage): void {
    this.#lastActivity = new Date();
    if (message.channel !== "iopub") {
      const id = parentOf(message).msg_id ?? "";
      const client = this.#asked.get(id);
      this.#asked.delete(id);
      client?.(message);
      return;
    }
    if (headerOf(message).msg_type === "status")
      this.#state = contentOf(message).execution_state as ExecutionState;
    for (const client of this.#clients) client(message);
  }

  /** Tells all clients of a change that the process itself cannot tell. */
  #publish(state: ExecutionState, why?: string): void {
    this.#state = state;
    this.#lastActivity = new Date();
    const content = { execution_state: state, ...(why === undefined ? {} : { why }) };
    for (const client of this.#clients) client(makeMessage("iopub", "status", content));
  }
}

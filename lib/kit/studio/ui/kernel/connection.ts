/// <reference lib="dom" />
import { ask } from "../base/server.js";
import { Watched } from "../base/watched.js";
import { executeRequest, type Message } from "./messages.js";

/** `off`: none has been started; `lost`: the server does not answer. */
export type KernelState = "off" | "starting" | "idle" | "busy" | "restarting" | "dead" | "lost";

interface Session {
  readonly id: string;
  readonly kernel: { readonly id: string; readonly execution_state?: string };
}

/** What an execution says while it runs. `done` comes once, last. */
export interface Listener {
  message(message: Message): void;
  done(outcome: Outcome): void;
}

type Outcome = "ok" | "error" | "aborted";

/** An execution whose end has not been heard. */
interface Waiting {
  readonly listener: Listener;
  /** Only the connection that asked has the reply; another hears what is published. */
  hasReply: boolean;
  replied?: Outcome;
  isIdle: boolean;
  hasFailed: boolean;
}

/** What is remembered of an execution whose end has not been seen, for a reload. */
export interface Pending {
  readonly id: string;
  readonly cell: string;
  readonly since: number;
}

const RETRY = 1000;

/**
 * The kernel of one notebook over Jupyter's protocol: a session on the server, and its channels on a WebSocket. It outlives
 * the page: a reload finds the session, its kernel, and what still runs.
 */
export class KernelConnection {
  readonly state = new Watched<KernelState>("off");
  readonly #path: string;
  readonly #listeners = new Map<string, Waiting>();
  readonly #client: string;
  #session: Session | undefined;
  #socket: WebSocket | undefined;
  #open: Promise<void> | undefined;
  #isClosed = false;

  /** @param path the folder in which the kernel works, which names the session. */
  constructor(path: string) {
    this.#path = path;
    const key = `client:${path}`;
    this.#client = sessionStorage.getItem(key) ?? crypto.randomUUID();
    sessionStorage.setItem(key, this.#client);
  }

  /** Takes up the kernel that an earlier page has left running, if there is one; starts none. */
  async resume(): Promise<boolean> {
    const sessions = await ask<readonly (Session & { readonly path: string })[]>("/api/sessions");
    const mine = sessions.find(({ path }) => path === this.#path);
    if (!mine) return false;
    this.#session = mine;
    await this.#connect();
    this.state.value = mine.kernel.execution_state === "busy" ? "busy" : "idle";
    return true;
  }

  /** Listens to an execution that an earlier page has sent. */
  adopt(pending: Pending, listener: Listener): void {
    this.#listeners.set(pending.id, { listener, hasReply: false, isIdle: false, hasFailed: false });
  }

  /** Sends a cell to the kernel, which is started for it where none runs. */
  async execute(cell: string, code: string, listener: Listener): Promise<Pending> {
    await this.#ready();
    const message = executeRequest(this.#client, code, cell);
    const waiting = { listener, hasReply: true, isIdle: false, hasFailed: false };
    this.#listeners.set(message.header.msg_id, waiting);
    this.#socket?.send(JSON.stringify(message));
    return { id: message.header.msg_id, cell, since: Date.now() };
  }

  async interrupt(): Promise<void> {
    if (this.#session) await ask(`/api/kernels/${this.#session.kernel.id}/interrupt`, "POST");
  }

  /** What ran is gone, and all that cells have declared. */
  async restart(): Promise<void> {
    if (!this.#session) return;
    this.state.value = "restarting";
    this.#end("aborted");
    await ask(`/api/kernels/${this.#session.kernel.id}/restart`, "POST");
    this.#socket?.close();
    await this.#connect();
    this.state.value = "idle";
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.close();
  }

  async #ready(): Promise<void> {
    if (this.state.value === "dead") await this.restart();
    if (this.#socket?.readyState === WebSocket.OPEN) return;
    if (!this.#session) {
      this.state.value = "starting";
      this.#session = await ask<Session>("/api/sessions", "POST", {
        path: this.#path,
        name: this.#path,
        type: "notebook",
        kernel: { name: "tslab" },
      }).catch((error: unknown) => {
        this.state.value = "off";
        throw error;
      });
    }
    await this.#connect();
  }

  #connect(): Promise<void> {
    this.#open ??= this.#dial().finally(() => {
      this.#open = undefined;
    });
    return this.#open;
  }

  async #dial(): Promise<void> {
    const kernel = this.#session?.kernel.id ?? "";
    const url = new URL(`/api/kernels/${kernel}/channels`, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    url.searchParams.set("session_id", this.#client);
    const socket = new WebSocket(url);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener("open", () => resolve());
      socket.addEventListener("error", () => reject(new Error("The kernel does not answer.")));
    });
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => this.#receive(JSON.parse(String(data)) as Message));
    socket.addEventListener("close", () => {
      if (this.#isClosed || this.#socket !== socket || this.state.value === "restarting") return;
      this.state.value = "lost";
      this.#socket = undefined;
      for (const [id, waiting] of [...this.#listeners]) {
        waiting.hasReply = false;
        this.#endIfOver(id, waiting);
      }
      setTimeout(() => this.#again(), RETRY);
    });
  }

  /** After the connection broke, until it holds again; the server may have another kernel by then, or none. */
  async #again(): Promise<void> {
    if (this.#isClosed || this.#socket) return;
    const found = await this.resume().catch(() => undefined);
    if (found === undefined) setTimeout(() => this.#again(), RETRY);
    else if (!found) {
      this.#session = undefined;
      this.state.value = "off";
      this.#end("aborted");
    }
  }

  #receive(message: Message): void {
    const { msg_type: type } = message.header;
    const parent = message.parent_header.msg_id ?? "";
    const waiting = this.#listeners.get(parent);
    if (type === "status") {
      const now = message.content.execution_state as string;
      if (now === "busy" || now === "idle" || now === "dead" || now === "restarting" || now === "starting")
        this.state.value = now;
      if (now === "dead") this.#end("aborted");
      if (now === "idle" && waiting) waiting.isIdle = true;
    } else waiting?.listener.message(message);
    if (!waiting) return;
    if (type === "error") waiting.hasFailed = true;
    if (type === "execute_reply") waiting.replied = message.content.status as Outcome;
    this.#endIfOver(parent, waiting);
  }

  /** The reply and the last output come on two channels, in either order. */
  #endIfOver(id: string, { replied, hasReply, isIdle, hasFailed }: Waiting): void {
    if (!isIdle || (hasReply && !replied)) return;
    this.#settle(id, replied ?? (hasFailed ? "error" : "ok"));
  }

  #settle(id: string, outcome: Outcome): void {
    const waiting = this.#listeners.get(id);
    this.#listeners.delete(id);
    waiting?.listener.done(outcome);
  }

  #end(outcome: Outcome): void {
    for (const id of [...this.#listeners.keys()]) this.#settle(id, outcome);
  }
}

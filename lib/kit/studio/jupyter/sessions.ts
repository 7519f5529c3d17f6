import { randomUUID } from "node:crypto";
import { Refused } from "../http/refused.js";
import type { KernelModel } from "./kernel.js";
import type { Kernels } from "./kernels.js";

/** What a client asks for: a notebook or console, and its kernel. */
export interface SessionRequest {
  readonly path?: string;
  readonly name?: string;
  readonly type?: string;
  readonly kernel?: { readonly id?: string | null; readonly name?: string | null };
}

export interface SessionModel {
  readonly id: string;
  readonly path: string;
  readonly name: string;
  readonly type: string;
  readonly kernel: KernelModel;
  /** As front ends before JupyterLab had it. */
  readonly notebook: { readonly path: string; readonly name: string };
}

interface Session {
  readonly id: string;
  path: string;
  name: string;
  type: string;
  kernel: string;
}

/** Which notebook has which kernel. Whoever opens a notebook again finds its kernel by the path. */
export class Sessions {
  readonly #kernels: Kernels;
  readonly #all = new Map<string, Session>();
  /** Two tabs that open one notebook at once get one kernel. */
  readonly #starting = new Map<string, Promise<Session>>();

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
  }

  /** Those whose kernel is there. */
  all(): SessionModel[] {
    const running = new Set(this.#kernels.all().map(({ id }) => id));
    for (const session of this.#all.values()) if (!running.has(session.kernel)) this.#all.delete(session.id);
    return [...this.#all.values()].map((session) => this.#model(session));
  }

  /** @throws Refused 404 */
  get(id: string): SessionModel {
    return this.#model(this.#find(id));
  }

  /** The session of a path, or a new one. @throws Refused 404 for a kernel that is not there. */
  async open(request: SessionRequest): Promise<SessionModel> {
    const { path = "", name = "", type = "notebook", kernel } = request;
    const existing = this.all().find((session) => session.path === path && session.type === type);
    if (existing) return existing;
    const key = JSON.stringify([path, type]);
    const starting =
      this.#starting.get(key) ??
      this.#kernelFor(path, kernel).then((id) => {
        const session: Session = { id: randomUUID(), path, name, type, kernel: id };
        this.#all.set(session.id, session);
        return session;
      });
    this.#starting.set(key, starting);
    try {
      return this.#model(await starting);
    } finally {
      this.#starting.delete(key);
    }
  }

  /** Renames a session, or gives it another kernel. */
  async change(id: string, { path, name, type, kernel }: SessionRequest): Promise<SessionModel> {
    const session = this.#find(id);
    session.path = path ?? session.path;
    session.name = name ?? session.name;
    session.type = type ?? session.type;
    if (kernel?.id != null || kernel?.name != null) {
      const before = session.kernel;
      session.kernel = await this.#kernelFor(session.path, kernel);
      if (before !== session.kernel) await this.#kernels.shutDown(before);
    }
    return this.#model(session);
  }

  /** Ends a session and its kernel. @throws Refused 404 */
  async end(id: string): Promise<void> {
    const { kernel } = this.#find(id);
    this.#all.delete(id);
    await this.#kernels.shutDown(kernel);
  }

  async #kernelFor(path: string, kernel: SessionRequest["kernel"]): Promise<string> {
    if (kernel?.id != null) return this.#kernels.get(kernel.id).id;
    return (await this.#kernels.start(path, kernel?.name ?? undefined)).id;
  }

  #find(id: string): Session {
    const session = this.#all.get(id);
    if (session) return session;
    throw new Refused(404, "NO_SUCH_SESSION", `There is no session ${id}.`);
  }

  #model({ id, path, name, type, kernel }: Session): SessionModel {
    return { id, path, name, type, kernel: this.#kernels.get(kernel).model(), notebook: { path, name } };
  }
}

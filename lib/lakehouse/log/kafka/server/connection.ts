import { setMaxListeners } from "node:events";
import type { Socket } from "node:net";
import { malformedRequest } from "../../errors.js";
import type { Budget } from "../../partition/budget.js";
import { type Api, readRequestHeader, skipTags, writeResponseHeader } from "../protocol/api.js";
import { FrameReader } from "../protocol/frame-reader.js";
import { FrameWriter } from "../protocol/frame-writer.js";
import { apiVersions } from "../protocol/messages/cluster.js";
import type { Broker, Context } from "./context.js";
import { kafkaFailures } from "./error-map.js";
import { type Frame, framesOf } from "./frames.js";
import { handlerOf, oldestVersions } from "./handlers.js";

/** Requests of one connection that may be under way. */
const MOST_UNDER_WAY = 128;

export interface ConnectionParts {
  readonly broker: Broker;
  /** Memory for large requests. */
  readonly received: Budget;
  /** Aborted when the server stops. */
  readonly stopping: AbortSignal;
}

/** Answers the requests of one connection, in their order, until either side ends it. */
export async function serveConnection(socket: Socket, parts: ConnectionParts): Promise<void> {
  const connection = new Connection(socket, parts);
  try {
    await connection.serve();
  } catch (error) {
    if (!isGone(error)) kafkaFailures.publish({ error });
  } finally {
    connection.end();
  }
}

class Connection {
  readonly #socket: Socket;
  readonly #parts: ConnectionParts;
  readonly #gone = new AbortController();
  readonly #host: string;
  /** Ends when all answers so far are sent. */
  #sent: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;
  #underWay = 0;

  constructor(socket: Socket, parts: ConnectionParts) {
    this.#socket = socket;
    this.#parts = parts;
    // Each request that waits listens.
    setMaxListeners(0, this.#gone.signal);
    this.#host = `/${socket.remoteAddress ?? ""}`;
    const abort = () => this.#gone.abort();
    const stop = () => {
      abort();
      // Else it ends by itself when all that was asked is answered.
      if (this.#underWay === 0) socket.destroy();
    };
    socket.on("close", () => {
      abort();
      parts.stopping.removeEventListener("abort", stop);
    });
    socket.on("error", abort);
    socket.on("timeout", () => socket.destroy());
    parts.stopping.addEventListener("abort", stop);
  }

  async serve(): Promise<void> {
    const { received, broker, stopping } = this.#parts;
    const { maxRequestBytes, idleMs, stalledMs } = broker.settings;
    this.#socket.setTimeout(idleMs);
    // The iterator would destroy the socket at its end, and with it the last answer.
    const chunks = this.#socket.iterator({ destroyOnReturn: false });
    const frames = framesOf(chunks, {
      maxBytes: maxRequestBytes,
      budget: received,
      onPartial: (isPartial) => this.#socket.setTimeout(isPartial ? stalledMs : idleMs),
    });
    for await (const frame of frames) {
      await this.#take(frame);
      if (this.#failure !== undefined) throw this.#failure.error;
      if (stopping.aborted || this.#socket.destroyed) break;
    }
    await this.#sent;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Ends it when what was answered is sent. */
  end(): void {
    this.#gone.abort();
    const socket = this.#socket;
    if (this.#failure !== undefined) socket.destroy();
    else if (!socket.destroyed) {
      socket.end();
      // What it still sends is not looked at, and has to be taken for its end to be seen.
      socket.resume();
      socket.setTimeout(this.#parts.broker.settings.stalledMs);
    }
  }

  /** Begins to answer a request; resolves when the next may begin. */
  async #take(frame: Frame): Promise<void> {
    // While it is answered, silence is ours.
    this.#socket.setTimeout(0);
    const before = this.#sent;
    let go = () => {};
    const placed = new Promise<void>((resolve) => {
      go = resolve;
    });
    const work = this.#answer(frame, before, go);
    this.#underWay++;
    this.#sent = work
      .catch((error: unknown) => {
        this.#failure ??= { error };
        this.#socket.destroy();
      })
      .finally(() => {
        this.#underWay--;
        this.#parts.received.give(frame.taken);
        if (this.#underWay > 0) return;
        this.#socket.setTimeout(this.#parts.broker.settings.idleMs);
        if (this.#parts.stopping.aborted) this.#socket.end();
      });
    await Promise.race([placed, this.#sent]);
    if (this.#underWay >= MOST_UNDER_WAY) await this.#sent;
  }

  async #answer({ bytes }: Frame, before: Promise<void>, placed: () => void): Promise<void> {
    const from = new FrameReader(bytes);
    const header = readRequestHeader(from);
    const done: (() => void)[] = [];
    try {
      const found = handlerOf(header.key);
      if (found === undefined || header.version < found.api.least || header.version > found.api.most) {
        await before;
        if (header.key === apiVersions.key)
          return await this.#send(header.correlationId, apiVersions, 0, oldestVersions());
        throw malformedRequest(
          "request",
          `A client asks for version ${header.version} of the API ${header.key}, which is not spoken here.`,
          "Let it ask for ApiVersions first, as Kafka's clients do.",
        );
      }
      const { api, handle, isPipelined } = found;
      if (api.isFlexible(header.version)) skipTags(from);
      const request = api.requestCodec(header.version).read(from);
      from.end();
      if (!isPipelined) await before;
      const context: Context = {
        broker: this.#parts.broker,
        header,
        clientHost: this.#host,
        signal: this.#gone.signal,
        frame: bytes,
        placed,
        onSent: (work) => done.push(work),
      };
      const response = await handle(request, context);
      await before;
      if (response !== undefined) await this.#send(header.correlationId, api, header.version, response);
    } finally {
      for (const work of done) work();
    }
  }

  /** Resolves when the client takes more. */
  async #send(correlationId: number, api: Api, version: number, response: unknown): Promise<void> {
    const to = new FrameWriter();
    // A client that does not know the version yet has to be able to read the answer (KIP-511).
    writeResponseHeader(to, correlationId, api.isFlexible(version) && api.key !== apiVersions.key);
    api.responseCodec(version).write(to, response);
    const socket = this.#socket;
    if (socket.destroyed) return;
    socket.cork();
    let isRoom = true;
    for (const piece of to.finish()) isRoom = socket.write(piece);
    socket.uncork();
    if (isRoom) return;
    socket.setTimeout(this.#parts.broker.settings.stalledMs);
    await new Promise<void>((resolve) => {
      const go = () => {
        socket.off("drain", go);
        socket.off("close", go);
        socket.setTimeout(0);
        resolve();
      };
      socket.on("drain", go);
      socket.on("close", go);
    });
  }
}

/** The other side has ended it, in whatever way. */
function isGone(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === "ECONNRESET" || code === "EPIPE" || code === "ERR_STREAM_PREMATURE_CLOSE";
}

import { setMaxListeners } from "node:events";
import type { Socket } from "node:net";
import { observe } from "../../../observability/index.js";
import { malformedRequest } from "../../errors.js";
import { kafkaFailures, kafkaRequests } from "../../metrics.js";
import { sleep } from "../../partition/clock.js";
import type { Caller } from "../../security/caller.js";
import { addressOf, certifiedUser, isLoopback } from "../../security/exposure.js";
import {
  type Api,
  type ResponseTo,
  readRequestHeader,
  skipTags,
  writeResponseHeader,
} from "../protocol/api.js";
import { FrameReader } from "../protocol/frame-reader.js";
import { FrameWriter } from "../protocol/frame-writer.js";
import { apiVersions } from "../protocol/messages/cluster.js";
import { fetch } from "../protocol/messages/fetch.js";
import { produce } from "../protocol/messages/produce.js";
import { saslAuthenticate, saslHandshake } from "../protocol/messages/sasl.js";
import { Authentication } from "./authentication.js";
import type { Broker, Context } from "./context.js";
import { type Frame, type FrameMemory, framesOf } from "./frames.js";
import { handlerOf, oldestVersions } from "./handlers.js";

/** Requests of one connection that may be under way. */
const MOST_UNDER_WAY = 128;

/** That who has not logged in may ask for. */
const FIRST_APIS: ReadonlySet<number> = new Set([apiVersions.key, saslHandshake.key, saslAuthenticate.key]);

export interface ConnectionParts {
  readonly broker: Broker;
  /** Memory for requests. */
  readonly received: FrameMemory;
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
  readonly #authentication: Authentication;
  /** Until when nothing more is taken of who was faster than he may be, by `performance.now()`. */
  #mutedUntil = 0;

  constructor(socket: Socket, parts: ConnectionParts) {
    this.#socket = socket;
    this.#parts = parts;
    // Each request that waits listens.
    setMaxListeners(0, this.#gone.signal);
    const address = addressOf(socket);
    this.#host = `/${address}`;
    const { core, settings, security, tokens } = parts.broker;
    this.#authentication = new Authentication({
      security,
      settings,
      tokens,
      clock: core.clock,
      peer: {
        host: address,
        isPrivate: settings.tls !== undefined || isLoopback(settings.host),
        certified: certifiedUser(socket),
      },
      gone: this.#gone.signal,
    });
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
    const { idleMs, stalledMs, authenticateMs } = broker.settings;
    const authentication = this.#authentication;
    const cancel = broker.core.clock.after(authenticateMs, () => {
      if (authentication.isPending) this.#socket.destroy();
    });
    this.#gone.signal.addEventListener("abort", cancel);
    this.#socket.setTimeout(idleMs);
    // The iterator would destroy the socket at its end, and with it the last answer.
    const chunks = this.#socket.iterator({ destroyOnReturn: false });
    const frames = framesOf(chunks, {
      limit: () => ({
        maxBytes: authentication.maxBytes,
        memory: authentication.isPending ? undefined : received,
      }),
      onPartial: (isPartial) => this.#socket.setTimeout(isPartial ? stalledMs : idleMs),
    });
    for await (const frame of frames) {
      await this.#take(frame);
      if (this.#failure !== undefined) throw this.#failure.error;
      if (stopping.aborted || this.#socket.destroyed || authentication.hasFailed) break;
      const muted = this.#mutedUntil - performance.now();
      if (muted > 0) await sleep(broker.core.clock, muted, this.#gone.signal);
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
        frame.release();
        if (this.#underWay > 0) return;
        this.#socket.setTimeout(this.#parts.broker.settings.idleMs);
        if (this.#parts.stopping.aborted) this.#socket.end();
      });
    await Promise.race([placed, this.#sent]);
    if (this.#underWay >= MOST_UNDER_WAY) await this.#sent;
  }

  async #answer({ bytes }: Frame, before: Promise<void>, placed: () => void): Promise<void> {
    const authentication = this.#authentication;
    if (authentication.takesToken) {
      await before;
      const to = new FrameWriter();
      to.bytes(await authentication.token(bytes));
      return await this.#write(to);
    }
    const from = new FrameReader(bytes);
    const header = readRequestHeader(from);
    const { key, version, correlationId } = header;
    const done: (() => void)[] = [];
    try {
      const found = handlerOf(key);
      if (found === undefined || version < found.api.least || version > found.api.most) {
        await before;
        if (key === apiVersions.key) return await this.#send(correlationId, apiVersions, 0, oldestVersions());
        authentication.check();
        throw malformedRequest(
          "request",
          `A client asks for version ${version} of the API ${key}, which is not spoken here.`,
          "Let it ask for ApiVersions first, as Kafka's clients do.",
        );
      }
      const { api, handle, isPipelined } = found;
      const isFirst = FIRST_APIS.has(key);
      if (!isFirst) authentication.check();
      if (api.isFlexible(version)) skipTags(from);
      const request = api.requestCodec(version).read(from);
      from.end();
      if (!isPipelined) await before;
      const { caller } = authentication;
      const throttleTimeMs = key === produce.key ? this.#throttle(caller, "produce", bytes.length) : 0;
      const context: Context = {
        broker: this.#parts.broker,
        header,
        caller,
        authentication,
        clientHost: this.#host,
        signal: this.#gone.signal,
        frame: bytes,
        placed,
        onSent: (work) => done.push(work),
      };
      const response = await observe(
        kafkaRequests,
        () => handle(request, context),
        ({ outcome, milliseconds }) => ({ api: api.name, outcome, milliseconds }),
      );
      await before;
      if (response === undefined) return;
      const throttled =
        key === fetch.key ? this.#throttle(caller, "fetch", recordBytes(response)) : throttleTimeMs;
      const answer = throttled > 0 ? { ...(response as object), throttleTimeMs: throttled } : response;
      await this.#send(correlationId, api, version, answer);
    } finally {
      for (const work of done) work();
    }
  }

  /** Nothing more is taken from who was faster than he may be, and he is told for how long (KIP-219). */
  #throttle(caller: Caller, kind: "produce" | "fetch", bytes: number): number {
    const ms = this.#parts.broker.security.throttle(caller, kind, bytes);
    if (ms > 0) this.#mutedUntil = performance.now() + ms;
    return ms;
  }

  async #send(correlationId: number, api: Api, version: number, response: unknown): Promise<void> {
    const to = new FrameWriter();
    // A client that does not know the version yet has to be able to read the answer (KIP-511).
    writeResponseHeader(to, correlationId, api.isFlexible(version) && api.key !== apiVersions.key);
    api.responseCodec(version).write(to, response);
    await this.#write(to);
  }

  /** Resolves when the client takes more. */
  async #write(to: FrameWriter): Promise<void> {
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

function recordBytes(response: unknown): number {
  const { responses } = response as ResponseTo<typeof fetch>;
  let bytes = 0;
  for (const { partitions } of responses)
    for (const { records } of partitions) for (const batch of records ?? []) bytes += batch.length;
  return bytes;
}

/** The other side has ended it, in whatever way. */
function isGone(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === "ECONNRESET" || code === "EPIPE" || code === "ERR_STREAM_PREMATURE_CLOSE";
}

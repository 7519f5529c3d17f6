import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import {
  type KafkaOptions,
  type KafkaServer,
  type Log,
  serveKafka,
} from "../../../lib/lakehouse/log/index.js";
import type { Api } from "../../../lib/lakehouse/log/kafka/protocol/api.js";
import type { ReadShape, Shape, WrittenShape } from "../../../lib/lakehouse/log/kafka/protocol/fields.js";
import { FrameReader } from "../../../lib/lakehouse/log/kafka/protocol/frame-reader.js";
import { FrameWriter } from "../../../lib/lakehouse/log/kafka/protocol/frame-writer.js";
import { apiVersions } from "../../../lib/lakehouse/log/kafka/protocol/messages/cluster.js";
import { openLog, testFolder } from "./lake-log.js";

/** A log that is served on a free port, until the test ends. */
export async function serve(
  options: KafkaOptions = {},
  log: Log = openLog(testFolder()),
): Promise<{ log: Log; server: KafkaServer }> {
  const server = await serveKafka(log, { port: 0, ...options });
  onTestFinished(() => server.stop());
  return { log, server };
}

/** A connection that sends requests and takes their answers, in the order in which they come. */
export class Client {
  readonly socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #correlation = 0;
  #wake = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    socket.on("close", () => this.#wake());
    socket.on("error", () => undefined);
  }

  static async to({ host, port }: KafkaServer): Promise<Client> {
    const socket = connect({ host, port });
    onTestFinished(() => void socket.destroy());
    await once(socket, "connect");
    return new Client(socket);
  }

  /** @returns what has to come with the answer. */
  send<Q extends Shape, R extends Shape>(
    api: Api<Q, R>,
    version: number,
    request: WrittenShape<Q>,
  ): () => Promise<ReadShape<R>> {
    const correlation = ++this.#correlation;
    this.socket.write(frameOf(api as unknown as Api, version, correlation, request));
    return async () => {
      const from = await this.next();
      const answered = from.int32();
      if (answered !== correlation) throw new Error(`${answered} is answered where ${correlation} was asked`);
      if (api.isFlexible(version) && api.key !== apiVersions.key) from.varint();
      const response = api.responseCodec(version).read(from) as ReadShape<R>;
      from.end();
      return response;
    };
  }

  async ask<Q extends Shape, R extends Shape>(
    api: Api<Q, R>,
    version: number,
    request: WrittenShape<Q>,
  ): Promise<ReadShape<R>> {
    return await this.send(api, version, request)();
  }

  /** The next frame. */
  async next(): Promise<FrameReader> {
    for (;;) {
      const length = this.#received.length < 4 ? undefined : this.#received.readInt32BE(0);
      if (length !== undefined && this.#received.length >= 4 + length) {
        const frame = this.#received.subarray(4, 4 + length);
        this.#received = this.#received.subarray(4 + length);
        return new FrameReader(frame);
      }
      if (this.socket.destroyed) throw new Error("the connection is closed");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Resolves when the other side has closed it: a reset is that too, where this side was writing still. */
  async closed(): Promise<void> {
    if (!this.socket.destroyed)
      await new Promise<void>((resolve) => this.socket.once("close", () => resolve()));
  }
}

export function frameOf(api: Api, version: number, correlation: number, request: unknown): Buffer {
  const to = new FrameWriter();
  to.int16(api.key);
  to.int16(version);
  to.int32(correlation);
  to.int16(4);
  to.text("test", 4);
  if (api.isFlexible(version)) to.varint(0);
  api.requestCodec(version).write(to, request);
  return Buffer.concat(to.finish());
}

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createRequire } from "node:module";

/** A message of a kernel ("Messaging in Jupyter"), of whichever framing it came in. */
export interface Message {
  readonly channel: string;
  readonly header: { readonly msg_id: string; readonly msg_type: string; readonly session: string };
  readonly parent_header: { readonly msg_id?: string };
  // biome-ignore lint/suspicious/noExplicitAny: tests say what they expect of it
  readonly content: any;
}

/** What a client hears of one request: what is published, until the kernel is idle, and the reply. */
export interface Heard {
  readonly published: readonly Message[];
  readonly reply: Message;
}

/** A client on a kernel's channels. */
export interface Channels {
  /** All that has come, in order. */
  readonly heard: readonly Message[];
  /** Sends a request, and gives its id. */
  send(type: string, content: object, channel?: string): string;
  /** The first message that is so, of those that have come and those that come. */
  until(is: (message: Message) => boolean): Promise<Message>;
  /** A request until its reply and the idle state have come, in either order. */
  request(type: string, content: object): Promise<Heard>;
  execute(code: string): Promise<Heard>;
  close(): Promise<void>;
}

export type Framing = "json" | "v1";

const V1 = "v1.kernel.websocket.jupyter.org";

interface Socket {
  readonly protocol: string;
  on(event: "message", listener: (data: Buffer, isBinary: boolean) => void): void;
  send(data: string | Buffer): void;
  close(): void;
}

/** The client of the library that the studio serves WebSockets with, since Node 20 has none of its own. */
const kit = createRequire(new URL("../../../lib/kit/package.json", import.meta.url));
const WebSocket = createRequire(kit.resolve("@fastify/websocket"))("ws") as new (
  url: string,
  protocols: readonly string[],
) => Socket;

/**
 * @param server `http://127.0.0.1:8899/`
 * @param token for `?token=…`
 */
export async function channels(
  server: string,
  kernel: string,
  token: string,
  framing: Framing = "json",
): Promise<Channels> {
  const url = `${server.replace("http", "ws")}api/kernels/${kernel}/channels?token=${token}`;
  const socket = new WebSocket(url, framing === "v1" ? [V1] : []);
  const heard: Message[] = [];
  const waiting = new Set<() => void>();
  socket.on("message", (data, isBinary) => {
    if (isBinary !== (framing === "v1")) throw new Error(`a message in the framing that is not ${framing}`);
    heard.push(isBinary ? ofV1(data) : (JSON.parse(data.toString()) as Message));
    for (const look of waiting) look();
  });
  await once(socket as unknown as NodeJS.EventEmitter, "open");
  if (socket.protocol !== (framing === "v1" ? V1 : "")) throw new Error(`it speaks ${socket.protocol}`);

  const session = randomUUID();
  const until: Channels["until"] = (is) =>
    new Promise((resolve) => {
      const look = () => {
        const found = heard.find(is);
        if (!found) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  const send: Channels["send"] = (type, content, channel = "shell") => {
    const id = randomUUID();
    const header = {
      msg_id: id,
      msg_type: type,
      session,
      username: "test",
      version: "5.3",
      date: new Date().toISOString(),
    };
    const message = { channel, header, parent_header: {}, metadata: {}, content };
    socket.send(framing === "v1" ? toV1(message) : JSON.stringify({ ...message, buffers: [] }));
    return id;
  };
  const request: Channels["request"] = async (type, content) => {
    const id = send(type, content);
    const isOfIt = ({ parent_header: { msg_id: parent } }: Message) => parent === id;
    const reply = await until((message) => isOfIt(message) && message.channel === "shell");
    await until(
      (message) =>
        isOfIt(message) && message.header.msg_type === "status" && message.content.execution_state === "idle",
    );
    return { published: heard.filter((message) => isOfIt(message) && message.channel === "iopub"), reply };
  };
  return {
    heard,
    send,
    until,
    request,
    execute: (code) => request("execute_request", executeRequest(code)),
    async close() {
      socket.close();
      await once(socket as unknown as NodeJS.EventEmitter, "close");
    },
  };
}

/** The content of a request to run a cell, as JupyterLab sends it. */
export const executeRequest = (code: string) => ({
  code,
  silent: false,
  store_history: true,
  user_expressions: {},
  allow_stdin: false,
  stop_on_error: true,
});

function toV1({ channel, ...parts }: Record<string, unknown>): Buffer {
  const { header, parent_header: parent, metadata, content } = parts;
  const segments = [
    String(channel),
    ...[header, parent, metadata, content].map((part) => JSON.stringify(part)),
  ];
  const offsets = new BigUint64Array(segments.length + 2);
  offsets[0] = BigInt(segments.length + 1);
  offsets[1] = BigInt(offsets.byteLength);
  for (const [index, segment] of segments.entries())
    offsets[index + 2] = (offsets[index + 1] ?? 0n) + BigInt(Buffer.byteLength(segment));
  return Buffer.concat([Buffer.from(offsets.buffer), ...segments.map((segment) => Buffer.from(segment))]);
}

function ofV1(data: Buffer): Message {
  const at = (index: number) => Number(data.readBigUInt64LE(8 * index));
  const segment = (index: number) => data.subarray(at(index + 1), at(index + 2)).toString();
  const [header, parent, , content] = [1, 2, 3, 4].map((index) => JSON.parse(segment(index)));
  return { channel: segment(0), header, parent_header: parent, content };
}

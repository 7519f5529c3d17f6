import { createHmac, randomUUID } from "node:crypto";

/** The channels of a kernel that clients speak on ("Messaging in Jupyter"). */
export const CHANNELS = ["shell", "control", "stdin", "iopub"] as const;
export type Channel = (typeof CHANNELS)[number];

export interface MessageHeader {
  readonly msg_id: string;
  readonly msg_type: string;
  readonly session?: string;
  readonly [key: string]: unknown;
}

/** A message as the kernel's sockets and `v1.kernel.websocket.jupyter.org` carry it: JSON as bytes, not parsed on the way. */
export interface KernelMessage {
  readonly channel: Channel;
  /** Header, parent header, metadata, content. */
  readonly parts: readonly [Buffer, Buffer, Buffer, Buffer];
  readonly buffers: readonly Buffer[];
}

export const headerOf = (message: KernelMessage): MessageHeader => parsed(message.parts[0]);
export const parentOf = (message: KernelMessage): Partial<MessageHeader> => parsed(message.parts[1]);
export const contentOf = (message: KernelMessage): Readonly<Record<string, unknown>> =>
  parsed(message.parts[3]);

const parsed = <T>(bytes: Buffer): T => JSON.parse(bytes.toString("utf8")) as T;

/** A message of the server's own. */
export function makeMessage(
  channel: Channel,
  type: string,
  content: object,
  parent: object = {},
): KernelMessage {
  const header = {
    msg_id: randomUUID(),
    msg_type: type,
    username: "slh",
    session: SERVER_SESSION,
    date: new Date().toISOString(),
    version: "5.3",
  };
  const json = (value: object) => Buffer.from(JSON.stringify(value));
  return { channel, parts: [json(header), json(parent), json({}), json(content)], buffers: [] };
}

const SERVER_SESSION = randomUUID();

/** Whether it answers a message of the server's own. */
export const isForServer = (message: KernelMessage): boolean => parentOf(message).session === SERVER_SESSION;

const DELIMITER = Buffer.from("<IDS|MSG>");

/** As it goes over a socket: delimiter, signature, then the parts. */
export function toFrames({ parts, buffers }: KernelMessage, key: string): Buffer[] {
  return [DELIMITER, Buffer.from(signatureOf(parts, key)), ...parts, ...buffers];
}

/** Undefined for what is no message of a kernel that knows the key. */
export function fromFrames(
  channel: Channel,
  frames: readonly Buffer[],
  key: string,
): KernelMessage | undefined {
  const at = frames.findIndex((frame) => frame.equals(DELIMITER));
  const [signature, header, parent, metadata, content, ...buffers] = at < 0 ? [] : frames.slice(at + 1);
  if (!signature || !header || !parent || !metadata || !content) return undefined;
  const parts = [header, parent, metadata, content] as const;
  return signature.toString() === signatureOf(parts, key) ? { channel, parts, buffers } : undefined;
}

function signatureOf(parts: readonly Buffer[], key: string): string {
  const hmac = createHmac("sha256", key);
  for (const part of parts) hmac.update(part);
  return hmac.digest("hex");
}

import { CHANNELS, type Channel, headerOf, type KernelMessage } from "./message.js";

/** How messages lie in those of a WebSocket; which of the two is agreed on when it opens. */
export interface Framing {
  encode(message: KernelMessage): string | Buffer;
  /** @throws Error for what is no message */
  decode(data: Buffer, isBinary: boolean): KernelMessage;
}

const isChannel = (text: unknown): text is Channel => CHANNELS.includes(text as Channel);

function channelOf(text: unknown): Channel {
  if (isChannel(text)) return text;
  throw new Error(`There is no channel ${JSON.stringify(text)}.`);
}

/**
 * `v1.kernel.websocket.jupyter.org` ("WebSocket kernel wire protocols" of jupyter_server): the number of offsets, the
 * offsets, then channel, header, parent header, metadata, content and buffers. Integers have 64 bits, little-endian.
 */
export const v1: Framing = {
  encode({ channel, parts, buffers }) {
    const segments = [Buffer.from(channel), ...parts, ...buffers];
    const offsets = [8 * (segments.length + 2)];
    for (const { length } of segments) offsets.push((offsets.at(-1) ?? 0) + length);
    const head = Buffer.alloc(8 * (offsets.length + 1));
    head.writeBigUInt64LE(BigInt(offsets.length));
    for (const [index, offset] of offsets.entries()) head.writeBigUInt64LE(BigInt(offset), 8 * (index + 1));
    return Buffer.concat([head, ...segments]);
  },
  decode(data) {
    const count = Number(data.readBigUInt64LE(0));
    if (count < 6 || 8 * (count + 1) > data.length)
      throw new Error(`A message cannot have ${count} offsets.`);
    const offsets = Array.from({ length: count }, (_, index) =>
      Number(data.readBigUInt64LE(8 * (index + 1))),
    );
    const segments = offsets.slice(1).map((end, index) => {
      const start = offsets[index] ?? 0;
      if (start > end || end > data.length) throw new Error("An offset of the message lies outside of it.");
      return data.subarray(start, end);
    });
    const [channel, header, parent, metadata, content, ...buffers] = segments;
    if (!channel || !header || !parent || !metadata || !content)
      throw new Error("A part of the message is missing.");
    return { channel: channelOf(channel.toString()), parts: [header, parent, metadata, content], buffers };
  },
};

interface JsonMessage {
  readonly channel: unknown;
  readonly header: unknown;
  readonly parent_header: unknown;
  readonly metadata: unknown;
  readonly content: unknown;
}

const jsonOf = (message: KernelMessage): string => {
  const [header, parent, metadata, content] = message.parts.map((part) => part.toString("utf8"));
  // What jupyter_client puts beside the header as well, and its clients read there.
  const { msg_id, msg_type } = headerOf(message);
  const start = JSON.stringify({ channel: message.channel, msg_id, msg_type }).slice(0, -1);
  // The parts are JSON already: parsing a megabyte of picture to write it out again would be all that this does.
  return `${start},"header":${header},"parent_header":${parent},"metadata":${metadata},"content":${content}`;
};

/**
 * The framing before it, which a client has that names no subprotocol: JSON with the channel in it. With buffers it is
 * binary: their number, their offsets (32 bits, big-endian), the JSON as the first buffer, then the others.
 */
export const json: Framing = {
  encode(message) {
    if (message.buffers.length === 0) return `${jsonOf(message)},"buffers":[]}`;
    const segments = [Buffer.from(`${jsonOf(message)}}`), ...message.buffers];
    const head = Buffer.alloc(4 * (segments.length + 1));
    head.writeUInt32BE(segments.length);
    let offset = head.length;
    for (const [index, { length }] of segments.entries()) {
      head.writeUInt32BE(offset, 4 * (index + 1));
      offset += length;
    }
    return Buffer.concat([head, ...segments]);
  },
  decode(data, isBinary) {
    const segments = isBinary ? split(data) : [data];
    const message = JSON.parse((segments[0] ?? data).toString("utf8")) as JsonMessage;
    const bytes = (value: unknown) => Buffer.from(JSON.stringify(value ?? {}));
    return {
      channel: channelOf(message.channel ?? "shell"),
      parts: [
        bytes(message.header),
        bytes(message.parent_header),
        bytes(message.metadata),
        bytes(message.content),
      ],
      buffers: segments.slice(1),
    };
  },
};

function split(data: Buffer): Buffer[] {
  const count = data.readUInt32BE(0);
  if (4 * (count + 1) > data.length) throw new Error(`A message cannot have ${count} buffers.`);
  const offsets = Array.from({ length: count }, (_, index) => data.readUInt32BE(4 * (index + 1)));
  return offsets.map((start, index) => data.subarray(start, offsets[index + 1] ?? data.length));
}

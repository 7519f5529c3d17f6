/**
 * node kafka-wire.js: a broker that only answers. It reads what a producer sends as far as its frames, and says that all
 * is well; it knows one version of each API, and topics of four partitions by whatever name.
 */
import { createServer, type Socket } from "node:net";

const PRODUCE = 0;
const METADATA = 3;
const API_VERSIONS = 18;
const INIT_PRODUCER_ID = 22;
const UNSUPPORTED_VERSION = 35;
/** The last before the flexible encoding, of each. */
const VERSIONS = new Map([
  [PRODUCE, 8],
  [METADATA, 8],
  [API_VERSIONS, 0],
  [INIT_PRODUCER_ID, 1],
]);

const int8 = (value: number) => Buffer.from([value]);
const int16 = (value: number) => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
};
const int32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const int64 = (value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
};
const text = (value: string) => Buffer.concat([int16(Buffer.byteLength(value)), Buffer.from(value)]);
const NULL = int16(-1);

const server = createServer((socket) => serve(socket)).listen(0, "127.0.0.1", () => {
  console.log(`127.0.0.1:${port()}`);
});
process.stdin.resume().on("end", () => process.exit(0));

function port(): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Requests are answered when they are there to their last byte. */
function serve(socket: Socket): void {
  socket.setNoDelay(true);
  let pieces: Buffer[] = [];
  let length = 0;
  socket.on("data", (piece) => {
    pieces.push(piece);
    length += piece.length;
    while (length >= 4) {
      if ((pieces[0] as Buffer).length < 4) pieces = [Buffer.concat(pieces)];
      const wanted = (pieces[0] as Buffer).readInt32BE(0) + 4;
      if (length < wanted) return;
      const all = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
      answer(socket, all.subarray(4, wanted));
      length -= wanted;
      pieces = length === 0 ? [] : [all.subarray(wanted)];
    }
  });
  socket.on("error", () => socket.destroy());
}

function answer(socket: Socket, request: Buffer): void {
  const [api, version, correlationId] = [
    request.readInt16BE(0),
    request.readInt16BE(2),
    request.readInt32BE(4),
  ];
  const body = BODIES[api]?.(request, 10 + Math.max(request.readInt16BE(8), 0), version);
  if (body === undefined) return void socket.destroy();
  const parts = Buffer.concat([int32(correlationId), ...body]);
  socket.write(Buffer.concat([int32(parts.length), parts]));
}

type Body = (request: Buffer, at: number, version: number) => readonly Buffer[];

/** Offsets go on: a producer takes each batch for a new one. */
let offset = 0n;

const BODIES: Readonly<Record<number, Body>> = {
  [API_VERSIONS]: (_request, _at, version) => [
    int16(version === 0 ? 0 : UNSUPPORTED_VERSION),
    int32(VERSIONS.size),
    ...[...VERSIONS].map(([api, one]) => Buffer.concat([int16(api), int16(one), int16(one)])),
  ],
  [METADATA]: (request, at) => {
    const topics: string[] = [];
    let next = at + 4;
    for (let left = request.readInt32BE(at); left > 0; left--) {
      const length = request.readInt16BE(next);
      topics.push(request.toString("utf8", next + 2, next + 2 + length));
      next += 2 + length;
    }
    const broker = Buffer.concat([int32(1), text("127.0.0.1"), int32(port()), NULL]);
    const one = Buffer.concat([int32(1), int32(1)]);
    const partitions = [0, 1, 2, 3].map((index) =>
      Buffer.concat([int16(0), int32(index), int32(1), int32(0), one, one, int32(0)]),
    );
    const each = topics.map((name) =>
      Buffer.concat([int16(0), text(name), int8(0), int32(partitions.length), ...partitions, int32(0)]),
    );
    return [int32(0), int32(1), broker, text("wire"), int32(1), int32(each.length), ...each, int32(0)];
  },
  [INIT_PRODUCER_ID]: () => [int32(0), int16(0), int64(1n), int16(0)],
  [PRODUCE]: (request, at) => {
    // Transactional id, acks, timeout and the number of topics; then the first topic: the client sends one.
    let next = at + 2 + Math.max(request.readInt16BE(at), 0) + 2 + 4 + 4;
    const name = request.toString("utf8", next + 2, next + 2 + request.readInt16BE(next));
    next += 2 + Buffer.byteLength(name);
    const count = request.readInt32BE(next);
    next += 4;
    const done: Buffer[] = [];
    for (let left = count; left > 0; left--) {
      offset += 100_000n;
      done.push(
        int32(request.readInt32BE(next)),
        int16(0),
        int64(offset),
        int64(-1n),
        int64(0n),
        int32(0),
        NULL,
      );
      next += 8 + request.readInt32BE(next + 4);
    }
    return [int32(1), text(name), int32(count), ...done, int32(0)];
  },
};

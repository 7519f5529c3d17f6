import { createHash } from "node:crypto";
import { S3Fault } from "./fault.js";
import { sameText, sha256, type Verified } from "./sigv4.js";

/*
 * Content-Encoding aws-chunked: `<hex size>[;chunk-signature=<hex>]\r\n<bytes>\r\n`, a chunk of size 0, then
 * trailing headers (S3 API reference, "Signature Calculations for the Authorization Header: Transferring Payload
 * in Multiple Chunks"). Chunks are signed in `STREAMING-AWS4-HMAC-SHA256-PAYLOAD[-TRAILER]`, and not in
 * `STREAMING-UNSIGNED-PAYLOAD-TRAILER`.
 */

const KINDS: Readonly<Record<string, { signed: boolean; trailer: boolean }>> = {
  "STREAMING-AWS4-HMAC-SHA256-PAYLOAD": { signed: true, trailer: false },
  "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER": { signed: true, trailer: true },
  "STREAMING-UNSIGNED-PAYLOAD-TRAILER": { signed: false, trailer: true },
};

const MAX_LINE_BYTES = 4096;
const MAX_TRAILERS = 16;

/** The bytes of an aws-chunked body; trailing headers go into `trailers`, with lower-case names. */
export async function* decodeChunks(
  source: AsyncIterable<Uint8Array>,
  verified: Verified,
  trailers: Map<string, string>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const kind = KINDS[verified.payload];
  if (kind === undefined)
    throw new S3Fault("NotImplemented", `A body of kind ${verified.payload} is not supported.`);
  const reader = new LineReader(source);
  const emptyHash = sha256("");
  let signature = verified.signature;
  for (;;) {
    const header = /^([0-9a-f]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/i.exec(await reader.line());
    if (header === null) throw malformed();
    const size = Number.parseInt(header[1] ?? "", 16);
    const hash = createHash("sha256");
    for await (const bytes of reader.bytes(size)) {
      if (kind.signed) hash.update(bytes);
      yield bytes;
    }
    if (kind.signed) {
      signature = verified.signChunk("PAYLOAD", signature, [emptyHash, hash.digest("hex")]);
      if (!sameText(signature, header[2] ?? "")) throw badSignature();
    }
    if (size === 0) break;
    if ((await reader.line()) !== "") throw malformed();
  }
  if (kind.trailer) await readTrailers(reader, trailers, kind.signed ? { verified, signature } : undefined);
}

async function readTrailers(
  reader: LineReader,
  trailers: Map<string, string>,
  signed: { verified: Verified; signature: string } | undefined,
): Promise<void> {
  let text = "";
  let claimed: string | undefined;
  for (let line = await reader.line(); line !== ""; line = await reader.line()) {
    const colon = line.indexOf(":");
    if (colon < 1 || trailers.size === MAX_TRAILERS) throw malformed();
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === "x-amz-trailer-signature") {
      claimed = value;
      continue;
    }
    trailers.set(name, value);
    text += `${name}:${value}\n`;
  }
  if (signed === undefined) return;
  if (!sameText(signed.verified.signChunk("TRAILER", signed.signature, [sha256(text)]), claimed ?? "")) {
    throw badSignature();
  }
}

/** Lines and counted bytes from chunks of any size. */
class LineReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Up to the next CRLF, which is taken and left out. The end of the body ends a line as well. */
  async line(): Promise<string> {
    let line = Buffer.alloc(0);
    for (;;) {
      line = Buffer.concat([line, this.#rest]);
      this.#rest = new Uint8Array(0);
      const end = line.indexOf("\r\n");
      if (end > MAX_LINE_BYTES || (end < 0 && line.byteLength > MAX_LINE_BYTES)) throw malformed();
      if (end >= 0) {
        this.#rest = line.subarray(end + 2);
        return line.toString("latin1", 0, end);
      }
      if (!(await this.#fill())) return line.toString("latin1");
    }
  }

  async *bytes(count: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let left = count; left > 0; ) {
      if (this.#rest.byteLength === 0 && !(await this.#fill())) {
        throw new S3Fault("IncompleteBody", "The body ended inside a chunk.");
      }
      const bytes = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(bytes.byteLength);
      left -= bytes.byteLength;
      yield bytes;
    }
  }

  async #fill(): Promise<boolean> {
    const { done, value } = await this.#source.next();
    if (done) return false;
    this.#rest = value;
    return true;
  }
}

function malformed(): S3Fault {
  return new S3Fault("InvalidRequest", "The aws-chunked body is malformed.");
}

function badSignature(): S3Fault {
  return new S3Fault("SignatureDoesNotMatch", "The signature of a chunk is not the one provided.");
}

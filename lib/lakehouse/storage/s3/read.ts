import type { GetObjectCommandOutput, S3 } from "@aws-sdk/client-s3";
import { isLakehouseError } from "../../errors.js";
import { type Checksum, checksumFor } from "../checksum.js";
import { failed } from "../errors.js";
import type { ByteRange } from "../store.js";
import { backOff, statusOf } from "./failure.js";
import type { Deadline } from "./patience.js";

/** How often in a row a body may break off without a byte of it. */
const RESUMES = 4;
/** How often a whole object is read before a wrong checksum is believed to be the object's own. */
const WHOLE_READS = 3;

/** An object that is read, in one operation. */
export interface Source {
  readonly uri: string;
  readonly deadline: Deadline;
  get(input: { Range?: string | undefined; IfMatch?: string | undefined }): Promise<GetObjectCommandOutput>;
}

/** Everything arrived, and it is not what the service has. */
class DamagedBody extends Error {}

/** The bytes of an object in one piece. A body that arrives damaged is read again. */
export async function getBytes(source: Source, range: ByteRange | undefined): Promise<Uint8Array> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await collect(bodyOf(source, range));
    } catch (error) {
      if (!(error instanceof DamagedBody)) throw error;
      if (attempt === WHOLE_READS) throw damaged(source.uri, `${WHOLE_READS} times in a row`, error);
      await backOff(attempt);
    }
  }
}

/** The bytes of an object as they come. A damaged body ends in an error: what came before has been used by then. */
export async function* getStream(
  source: Source,
  range: ByteRange | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* bodyOf(source, range);
  } catch (error) {
    throw error instanceof DamagedBody ? damaged(source.uri, "on its way or in the store", error) : error;
  }
}

function damaged(uri: string, when: string, cause: Error): Error {
  const what = `The object came damaged ${when}: it does not have the checksum that the service keeps of it`;
  return failed(uri, what, cause, "Read it again; if that fails as well, restore it from a backup.");
}

/**
 * The SDK repeats a request that fails, not a body that breaks off or ends early: here the rest is asked for, on
 * condition that the object is still the one that the first bytes came from.
 *
 * A whole object is held against the checksum that the service keeps of it, where it keeps one. Of a range there is
 * none: its length is all that can be checked.
 */
async function* bodyOf(
  source: Source,
  range: ByteRange | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { uri, deadline } = source;
  let at = range?.start ?? 0;
  let end = range?.end;
  let first: GetObjectCommandOutput | undefined;
  let check: Expected | undefined;
  for (let fruitless = 0; ; ) {
    const rest = at === 0 && range === undefined ? undefined : { start: at, end };
    const answer = await open(source, rest, first?.ETag);
    if (answer === undefined) {
      if (first === undefined) return;
      throw failed(uri, `The service sent ${at} bytes of the object and says that there are no more`);
    }
    if (first === undefined && range === undefined) check = expectedOf(answer);
    first ??= answer;
    const { start, total } = placeOf(answer, uri, at);
    if (total !== undefined) end = Math.min(end ?? total, total);
    const before = at;
    let failure: unknown;
    let waiting = deadline.now();
    try {
      let position = start;
      for await (const chunk of answer.Body as AsyncIterable<Uint8Array>) {
        const wanted = chunk.subarray(
          Math.max(0, at - position),
          end === undefined ? undefined : Math.max(0, end - position),
        );
        position += chunk.byteLength;
        if (wanted.byteLength === 0) continue;
        at += wanted.byteLength;
        check?.checksum.update(wanted);
        deadline.heard();
        yield wanted;
        waiting = deadline.now(); // not while whoever reads does something else
      }
    } catch (error) {
      if (isLakehouseError(error)) throw error;
      failure = error;
    }
    if (end === undefined ? failure === undefined : at >= end) {
      if (check === undefined || check.checksum.digest() === check.value) return;
      throw new DamagedBody("The checksum is wrong");
    }
    fruitless = at > before ? 0 : fruitless + 1;
    const left = deadline.failed(waiting);
    if (fruitless > RESUMES || (fruitless > 0 && left <= 0)) {
      throw failure ?? failed(uri, `The object ended ${(end ?? at) - at} bytes early, again and again`);
    }
    await backOff(fruitless + 1);
  }
}

/** Undefined where the range begins at or past the object's end. */
async function open(
  { uri, get }: Source,
  range: { start: number; end: number | undefined } | undefined,
  etag: string | undefined,
) {
  const Range = range && `bytes=${range.start}-${range.end === undefined ? "" : range.end - 1}`;
  try {
    return await get({ Range, IfMatch: etag });
  } catch (error) {
    if (statusOf(error) === 416) return undefined;
    if (statusOf(error) === 412) throw failed(uri, "The object changed while it was read", error);
    throw error;
  }
}

/** Where in the object the body of an answer begins, and how long the object is, as far as the answer says. */
function placeOf(
  { ContentRange, ContentLength }: GetObjectCommandOutput,
  uri: string,
  asked: number,
): { start: number; total: number | undefined } {
  // An answer without a range is the whole object, also where a range was asked for.
  if (ContentRange === undefined) return { start: 0, total: ContentLength };
  const sent = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(ContentRange);
  if (sent === null || Number(sent[1]) !== asked) {
    throw failed(uri, `The service was asked for bytes from ${asked} on and sent ${ContentRange}`);
  }
  return { start: asked, total: sent[3] === "*" ? Number(sent[2]) + 1 : Number(sent[3]) };
}

interface Expected {
  readonly checksum: Checksum;
  readonly value: string;
}

/**
 * Has the service tell its checksum of a whole object. Asked by the SDK's own means, the SDK would check each answer by
 * itself, keep the last bytes of a damaged one from us, and not check one that broke off and went on.
 */
export function askForChecksums({ middlewareStack }: S3): void {
  middlewareStack.add(
    (next, { commandName }) =>
      (args) => {
        const { request, input } = args as {
          request?: { headers: Record<string, string> };
          input: { Range?: string };
        };
        if (request && commandName === "GetObjectCommand" && input.Range === undefined) {
          request.headers["x-amz-checksum-mode"] = "ENABLED";
        }
        return next(args);
      },
    { step: "build" },
  );
}

/** The checksum of the whole object; none where it is one of the checksums of its parts. */
function expectedOf(answer: GetObjectCommandOutput): Expected | undefined {
  if (answer.ChecksumType === "COMPOSITE") return undefined;
  const known = [
    ["crc32", answer.ChecksumCRC32],
    ["crc32c", answer.ChecksumCRC32C],
    ["crc64nvme", answer.ChecksumCRC64NVME],
    ["sha256", answer.ChecksumSHA256],
    ["sha1", answer.ChecksumSHA1],
  ] as const;
  for (const [name, value] of known) {
    const checksum =
      value === undefined || value.includes("-") ? undefined : checksumFor(`x-amz-checksum-${name}`);
    if (checksum !== undefined && value !== undefined) return { checksum, value };
  }
  return undefined;
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1) return new Uint8Array(only);
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

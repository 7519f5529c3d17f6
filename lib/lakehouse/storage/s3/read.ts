import type { GetObjectCommandOutput } from "@aws-sdk/client-s3";
import { isLakehouseError } from "../../errors.js";
import { storageFailed } from "../failure.js";
import type { ByteRange } from "../store.js";
import { backOff, statusOf } from "./failure.js";

const RESUMES = 4;

type Get = (input: { Range?: string; IfMatch?: string }) => Promise<GetObjectCommandOutput>;

/**
 * The bytes of an object. The SDK repeats a request that fails, not a body that breaks off: here the rest is
 * asked for, on condition that the object is still the one that the first bytes came from.
 */
export async function* getStream(
  get: Get,
  uri: string,
  range: ByteRange | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  let at = range?.start ?? 0;
  let end = range?.end;
  let etag: string | undefined;
  for (let attempt = 0; ; attempt++) {
    const answer = await open(get, uri, at, end, etag);
    if (answer === undefined) return;
    etag ??= answer.ETag;
    end = endOf(answer, at);
    try {
      for await (const chunk of answer.Body as AsyncIterable<Uint8Array>) {
        yield chunk;
        at += chunk.byteLength;
      }
    } catch (error) {
      if (isLakehouseError(error) || attempt === RESUMES) throw error;
      if (at < end) {
        await backOff(attempt + 1);
        continue;
      }
      throw error; // everything arrived, and its checksum is wrong
    }
    if (at >= end) return;
    if (attempt === RESUMES) throw storageFailed(uri, `The object ended ${end - at} bytes early`);
    await backOff(attempt + 1);
  }
}

/** Undefined where the range begins at or past the object's end. */
async function open(get: Get, uri: string, at: number, end: number | undefined, etag: string | undefined) {
  const ranged = at > 0 || end !== undefined;
  try {
    return await get({
      ...(ranged ? { Range: `bytes=${at}-${end === undefined ? "" : end - 1}` } : {}),
      ...(etag === undefined ? {} : { IfMatch: etag }),
    });
  } catch (error) {
    if (statusOf(error) === 416) return undefined;
    if (statusOf(error) === 412) throw storageFailed(uri, "The object changed while it was read", error);
    throw error;
  }
}

/** Where the body of an answer that begins at `at` must end. */
function endOf(answer: GetObjectCommandOutput, at: number): number {
  const sent = /^bytes (\d+)-(\d+)\//.exec(answer.ContentRange ?? "");
  return sent === null ? (answer.ContentLength ?? at) : Number(sent[2]) + 1;
}

import type { S3 } from "@aws-sdk/client-s3";
import { watched } from "../body.js";
import { failed } from "../errors.js";
import type { Body } from "../store.js";
import { retryConflict } from "./failure.js";
import type { Deadline, Patience } from "./patience.js";

/** Parts that are under way together. With the one being filled: memory for this many parts and one more. */
const PARALLEL_PARTS = 4;
/** S3 User Guide, "Amazon S3 multipart upload limits". */
const MAX_PARTS = 10_000;

export interface Upload {
  readonly client: S3;
  readonly deadline: Deadline;
  readonly patience: Patience;
  readonly bucket: string;
  readonly key: string;
  readonly uri: string;
  readonly partBytes: number;
  readonly condition: { readonly IfNoneMatch?: "*"; readonly IfMatch?: string };
  readonly metadata: Record<string, string>;
  /** Ends requests that send the body; what cleans up after them is sent all the same. */
  readonly signal: AbortSignal | undefined;
  /** Is told the body where it goes in one request. */
  onWhole(body: Uint8Array): void;
}

/** What is known of an object when its upload ends. */
export interface Uploaded {
  readonly etag: string | undefined;
  readonly size: number;
}

/** Sends a body in one request when it fits into one part, otherwise in parts. */
export async function upload(to: Upload, body: Body): Promise<Uploaded> {
  const parts = cutIntoParts(body, to.partBytes);
  try {
    const first = (await parts.next()).value ?? new Uint8Array(0);
    if (first.byteLength < to.partBytes) return await putWhole(to, first);
    return await putParts(to, first, parts);
  } finally {
    await parts.return();
  }
}

async function putWhole(to: Upload, body: Uint8Array): Promise<Uploaded> {
  to.onWhole(body);
  const answer = await retryConflict(() =>
    to.deadline.send(() =>
      to.client.putObject(
        { Bucket: to.bucket, Key: to.key, Body: body, ...to.condition, Metadata: to.metadata },
        untilAborted(to),
      ),
    ),
  );
  return { etag: answer.ETag, size: body.byteLength };
}

async function putParts(to: Upload, first: Uint8Array, rest: AsyncIterable<Uint8Array>): Promise<Uploaded> {
  const target = { Bucket: to.bucket, Key: to.key };
  const { client, deadline } = to;
  const { UploadId } = await deadline.send(() =>
    client.createMultipartUpload({ ...target, Metadata: to.metadata }, untilAborted(to)),
  );
  deadline.heard();
  const etags: string[] = [];
  const underWay = new Set<Promise<void>>();
  let failure: { error: unknown } | undefined;
  let size = 0;

  const start = (bytes: Uint8Array) => {
    const PartNumber = etags.push("");
    if (PartNumber > MAX_PARTS) throw failed(to.uri, `The object has more than ${MAX_PARTS} parts`);
    size += bytes.byteLength;
    const sending = deadline
      .send(() => client.uploadPart({ ...target, UploadId, PartNumber, Body: bytes }, untilAborted(to)))
      .then(({ ETag }) => {
        deadline.heard();
        etags[PartNumber - 1] = ETag ?? "";
      })
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => underWay.delete(sending));
    underWay.add(sending);
  };

  try {
    start(first);
    for await (const bytes of rest) {
      if (underWay.size >= PARALLEL_PARTS) await Promise.race(underWay);
      if (failure !== undefined) throw failure.error;
      start(bytes);
    }
    await Promise.all(underWay);
    if (failure !== undefined) throw (failure as { error: unknown }).error;
    const answer = await retryConflict(() =>
      deadline.send(() =>
        client.completeMultipartUpload(
          {
            ...target,
            UploadId,
            ...to.condition,
            MultipartUpload: { Parts: etags.map((ETag, i) => ({ ETag, PartNumber: i + 1 })) },
          },
          untilAborted(to),
        ),
      ),
    );
    return { etag: answer.ETag, size };
  } catch (error) {
    await Promise.all(underWay); // a part that arrives after the abort would be stored, and paid for
    const removal = to.patience.beginDelete();
    await removal.send(() => client.abortMultipartUpload({ ...target, UploadId })).catch(() => undefined); // the first error is the one to tell; what stays, a lifecycle rule removes
    throw error;
  }
}

function untilAborted({ signal }: Upload): { readonly abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}

/** Pieces of exactly `partBytes`, the last one shorter. Chunks are copied, so the producer may reuse its buffer. */
async function* cutIntoParts(body: Body, partBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  if (body instanceof Uint8Array) {
    for (let at = 0; at < body.byteLength; at += partBytes) yield body.subarray(at, at + partBytes);
    return;
  }
  let part = new Uint8Array(0);
  let filled = 0;
  for await (const chunk of watched(body)) {
    for (let at = 0; at < chunk.byteLength; ) {
      const take = Math.min(chunk.byteLength - at, partBytes - filled);
      part = withRoom(part, filled, filled + take, partBytes);
      part.set(chunk.subarray(at, at + take), filled);
      filled += take;
      at += take;
      if (filled < partBytes) continue;
      yield part;
      part = new Uint8Array(0);
      filled = 0;
    }
  }
  if (filled > 0) yield part.subarray(0, filled);
}

/** Grows by doubling: a body of a few kilobytes should not cost a whole part's memory. */
function withRoom(part: Uint8Array<ArrayBuffer>, filled: number, needed: number, most: number) {
  if (needed <= part.byteLength) return part;
  const larger = new Uint8Array(Math.min(most, Math.max(needed, part.byteLength * 2, 64 * 1024)));
  larger.set(part.subarray(0, filled));
  return larger;
}

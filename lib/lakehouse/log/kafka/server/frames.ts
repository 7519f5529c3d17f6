/** Cuts what comes from a connection into frames: four bytes that give a length, and as many bytes. */
import { malformedRequest } from "../../errors.js";
import type { Budget } from "../../partition/budget.js";

const LENGTH_BYTES = 4;
/** Smaller frames have memory of their own: they do not stand in line behind those that wait for much. */
const SMALL_BYTES = 16 * 1024;

/** A request as it came, in memory of its own. */
export interface Frame {
  readonly bytes: Buffer;
  /** Gives back what was taken of the memory that all connections share, when the request is answered. */
  readonly release: () => void;
}

/** Memory for requests, of all connections together. */
export interface FrameMemory {
  readonly small: Budget;
  readonly large: Budget;
}

export interface FrameParts {
  /** The largest frame that is taken now, and where its memory is from: nowhere for who is not known yet. */
  readonly limit: () => { readonly maxBytes: number; readonly memory: FrameMemory | undefined };
  /** Called with whether a frame has begun that is not whole. */
  readonly onPartial: (isPartial: boolean) => void;
}

/**
 * The frames, one after the other. They are not read faster than they are taken from here, and each waits until there is
 * memory for it.
 *
 * @throws LakehouseError MALFORMED_REQUEST for a length that is none, or too large.
 */
export async function* framesOf(
  chunks: AsyncIterable<Buffer>,
  { limit, onPartial }: FrameParts,
): AsyncGenerator<Frame> {
  const length = Buffer.alloc(LENGTH_BYTES);
  let lengthAt = 0;
  let frame: (Frame & { at: number }) | undefined;
  try {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; ) {
        if (frame === undefined) {
          length[lengthAt++] = chunk[at++] as number;
          if (lengthAt < LENGTH_BYTES) continue;
          lengthAt = 0;
          const { maxBytes, memory } = limit();
          const size = checkLength(length.readInt32BE(0), maxBytes);
          const budget = size > SMALL_BYTES ? memory?.large : memory?.small;
          const bytes =
            budget === undefined
              ? Buffer.allocUnsafe(size)
              : await budget.take(size, () => Buffer.allocUnsafe(size));
          frame = { bytes, release: () => budget?.give(size), at: 0 };
        }
        const count = Math.min(frame.bytes.length - frame.at, chunk.length - at);
        chunk.copy(frame.bytes, frame.at, at, at + count);
        frame.at += count;
        at += count;
        if (frame.at < frame.bytes.length) continue;
        const whole = frame;
        frame = undefined;
        onPartial(false);
        yield whole;
      }
      onPartial(frame !== undefined || lengthAt > 0);
    }
  } finally {
    frame?.release();
  }
}

/** @returns it. @throws LakehouseError MALFORMED_REQUEST */
function checkLength(length: number, most: number): number {
  if (length > 0 && length <= most) return length;
  throw malformedRequest(
    "request",
    `A connection announces a request of ${length} bytes, where 1 to ${most} are taken.`,
    "Look whether it speaks Kafka's protocol, without TLS where the listener has none; or raise maxRequestBytes.",
  );
}

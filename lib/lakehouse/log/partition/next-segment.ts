import type { ProducerStates } from "../producers/producer-states.js";
import type { SegmentIdentity } from "../segment/layout.js";
import { type BuiltSegment, buildSegment, type HeldBatch } from "../segment/segment-builder.js";
import type { Clock } from "./clock.js";
import { nextOffset } from "./tail.js";

/** A segment that is to be put. */
export interface NextSegment {
  readonly built: BuiltSegment;
  /** Of its batches. */
  readonly bytes: number;
  /** As of its end. */
  readonly producers: ProducerStates;
}

/**
 * @param baseOffset where the segment before ends.
 * @param batches one at least.
 * @param producers as of there: gets what the batches say.
 */
export function nextSegment(
  { epoch, writerId, clock }: { readonly epoch: number; readonly writerId: bigint; readonly clock: Clock },
  place: Omit<SegmentIdentity, "epoch">,
  baseOffset: bigint,
  batches: readonly HeldBatch[],
  producers: ProducerStates,
): NextSegment {
  producers.applyAll(batches, clock.now());
  producers.expire(clock.now());
  const state = producers.stateAt(nextOffset(batches.at(-1) as HeldBatch));
  return {
    built: buildSegment({ ...place, epoch }, writerId, baseOffset, batches, state),
    bytes: batches.reduce((sum, batch) => sum + batch.bytes.length, 0),
    producers,
  };
}

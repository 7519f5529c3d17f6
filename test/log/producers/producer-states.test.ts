import fc from "fast-check";
import { expect, test } from "vitest";
import { ProducerStates, sequenceAfter } from "../../../lib/lakehouse/log/producers/producer-states.js";
import { markerBatch } from "../../../lib/lakehouse/log/records/control.js";
import { type BatchHeader, readHeader } from "../../../lib/lakehouse/log/records/header.js";
import { runs } from "../../support/runs.js";

const DAY = 86_400_000;
const LAST = 2 ** 31 - 1;

function header(batch: Partial<BatchHeader>): BatchHeader {
  return {
    baseOffset: 0n,
    size: 0,
    attributes: 0,
    lastOffsetDelta: 0,
    baseTimestamp: 0n,
    maxTimestamp: 0n,
    producerId: 7n,
    producerEpoch: 0,
    baseSequence: 0,
    count: (batch.lastOffsetDelta ?? 0) + 1,
    ...batch,
  };
}

function states(): ProducerStates {
  return new ProducerStates("flights/0", DAY, []);
}

/** Checks and applies, as a partition does. */
function send(to: ProducerStates, batch: Partial<BatchHeader>, now = 0): bigint | undefined {
  const sent = header(batch);
  const before = to.check(sent, now);
  if (before === undefined) to.apply({ bytes: new Uint8Array(), header: sent }, now);
  return before?.baseOffset;
}

const refused = (code: string) => expect.objectContaining({ code });

test("one of the last five batches is known again, by its place; one in between that is missing is refused", () => {
  const known = states();
  for (let i = 0; i < 6; i++)
    send(known, { baseSequence: i * 10, lastOffsetDelta: 9, baseOffset: BigInt(i * 10) });
  for (let i = 1; i < 6; i++)
    expect(send(known, { baseSequence: i * 10, lastOffsetDelta: 9 })).toBe(BigInt(i * 10));
  // The sixth before, and what is no batch that was sent.
  for (const [baseSequence, lastOffsetDelta] of [
    [0, 9],
    [50, 8],
    [55, 4],
    [61, 0],
  ] as const)
    expect(() => send(known, { baseSequence, lastOffsetDelta })).toThrow(refused("OUT_OF_ORDER_SEQUENCE"));
  expect(send(known, { baseSequence: 60 })).toBeUndefined();
});

test("sequences begin again after the largest", () => {
  const known = states();
  expect(send(known, { baseSequence: LAST - 1, lastOffsetDelta: 4, baseOffset: 5n })).toBeUndefined();
  expect(send(known, { baseSequence: 3, lastOffsetDelta: 0, baseOffset: 10n })).toBeUndefined();
  expect(send(known, { baseSequence: LAST - 1, lastOffsetDelta: 4 })).toBe(5n);
  expect(send(known, { baseSequence: LAST, lastOffsetDelta: 1, producerId: 8n })).toBeUndefined();
  expect(() => send(known, { baseSequence: 0, producerId: 8n })).toThrow(refused("OUT_OF_ORDER_SEQUENCE"));
  expect(sequenceAfter(LAST, 1)).toBe(0);
});

test("a later epoch begins with 0, and the earlier is refused from then on", () => {
  const known = states();
  send(known, { baseSequence: 0 });
  expect(() => send(known, { producerEpoch: 1, baseSequence: 1 })).toThrow(refused("OUT_OF_ORDER_SEQUENCE"));
  expect(send(known, { producerEpoch: 1, baseSequence: 0, baseOffset: 1n })).toBeUndefined();
  expect(() => send(known, { baseSequence: 1 })).toThrow(refused("PRODUCER_FENCED"));
  // What the earlier has sent is not taken for the later's.
  expect(() => send(known, { producerEpoch: 0, baseSequence: 0 })).toThrow(refused("PRODUCER_FENCED"));
});

test("a producer that is not known, or no more, begins with any sequence", () => {
  const known = states();
  expect(send(known, { baseSequence: 100 }, 0)).toBeUndefined();
  expect(() => send(known, { baseSequence: 300 }, DAY - 1)).toThrow(refused("OUT_OF_ORDER_SEQUENCE"));
  expect(send(known, { baseSequence: 300 }, DAY)).toBeUndefined();
  known.expire(3 * DAY);
  expect(known.stateAt(1n).producers).toEqual([]);
});

test("a producer whose transaction is open does not expire", () => {
  const known = states();
  send(known, { attributes: 0x10, baseSequence: 5 }, 0);
  known.expire(3 * DAY);
  expect(() => send(known, { attributes: 0x10, baseSequence: 7 }, 3 * DAY)).toThrow(
    refused("OUT_OF_ORDER_SEQUENCE"),
  );
});

/** What a log of batches and markers says, gone through from its beginning each time. */
interface Step {
  readonly producer: number;
  readonly what: "plain" | "transactional" | "commit" | "abort";
  readonly count: number;
}

function oldest(open: ReadonlyMap<number, bigint>, otherwise: bigint): bigint {
  return [...open.values()].sort((a, b) => Number(a - b))[0] ?? otherwise;
}

function naive(steps: readonly Step[]) {
  let offset = 0n;
  const open = new Map<number, bigint>();
  const aborted: { producerId: bigint; firstOffset: bigint; lastOffset: bigint; lastStable: bigint }[] = [];
  for (const { producer, what, count } of steps) {
    const first = open.get(producer);
    if (what === "transactional" && first === undefined) open.set(producer, offset);
    if (what === "commit" || what === "abort") open.delete(producer);
    const lastStable = oldest(open, offset + 1n);
    if (what === "abort" && first !== undefined)
      aborted.push({ producerId: BigInt(producer), firstOffset: first, lastOffset: offset, lastStable });
    offset += what === "commit" || what === "abort" ? 1n : BigInt(count);
  }
  const lastStable = oldest(open, offset);
  return { aborted, lastStable, end: offset };
}

test("open and aborted transactions are those of the whole log, wherever a segment ends and is opened again", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          producer: fc.integer({ min: 0, max: 3 }),
          what: fc.constantFrom<Step["what"]>("plain", "transactional", "transactional", "commit", "abort"),
          count: fc.integer({ min: 1, max: 4 }),
          endsSegment: fc.boolean(),
        }),
        { maxLength: 40 },
      ),
      (steps) => {
        let known = states();
        let offset = 0n;
        const aborted = [];
        const sequences = [0, 0, 0, 0];
        for (const { producer, what, count, endsSegment } of steps) {
          const isMarker = what === "commit" || what === "abort";
          if (isMarker) {
            const bytes = markerBatch(BigInt(producer), 0, what, 0);
            known.apply({ bytes, header: { ...readHeader(bytes, 0, ""), baseOffset: offset } }, 0);
          } else {
            const baseSequence = sequences[producer] as number;
            send(known, {
              producerId: BigInt(producer),
              attributes: what === "plain" ? 0 : 0x10,
              baseSequence,
              lastOffsetDelta: count - 1,
              baseOffset: offset,
            });
            sequences[producer] = baseSequence + count;
          }
          offset += isMarker ? 1n : BigInt(count);
          known.settle(offset);
          if (!endsSegment) continue;
          const state = known.stateAt(offset);
          aborted.push(...state.aborted);
          known = new ProducerStates("flights/0", DAY, state.producers);
        }
        aborted.push(...known.aborted);
        const wanted = naive(steps);
        expect(aborted).toEqual(wanted.aborted);
        expect(known.lastStable(offset)).toBe(wanted.lastStable);
      },
    ),
    { numRuns: runs(300) },
  );
});

test("a transaction has ended when its marker is there for good", () => {
  const known = states();
  send(known, { attributes: 0x10, baseOffset: 4n });
  const bytes = markerBatch(7n, 0, "abort", 0);
  known.apply({ bytes, header: { ...readHeader(bytes, 0, ""), baseOffset: 5n } }, 0);
  expect(known.lastStable(5n)).toBe(4n);
  expect(known.aborted).toEqual([]);
  known.settle(6n);
  expect(known.lastStable(6n)).toBe(6n);
  expect(known.aborted).toHaveLength(1);
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameReader } from "../../../lib/lakehouse/log/kafka/protocol/frame-reader.js";
import { FrameWriter } from "../../../lib/lakehouse/log/kafka/protocol/frame-writer.js";
import { metadata } from "../../../lib/lakehouse/log/kafka/protocol/messages/cluster.js";
import { runs } from "../../support/runs.js";
import { ALL_MESSAGES, anyOf, bytesOf, expected, readOf } from "../support/kafka-messages.js";

const anyMessage = fc.constantFrom(...ALL_MESSAGES);

/** A message, and bytes that are one. */
const written = anyMessage.chain((message) =>
  anyOf(message.shape, message.version).map((value) => ({ message, value, bytes: bytesOf(message, value) })),
);

test("what is written of any message, in any version, is what is read", () => {
  fc.assert(
    fc.property(written, ({ message, value, bytes }) => {
      expect(readOf(message, bytes)).toEqual(expected(message.shape, message.version, value));
    }),
    { numRuns: runs(500) },
  );
});

describe("bytes that are no message", () => {
  test("that are cut short, changed or made up are refused, or another message, and nothing else fails", () => {
    const changed = written.chain(({ message, bytes }) =>
      fc
        .oneof(
          fc.nat(bytes.length).map((end) => bytes.subarray(0, end)),
          fc.uint8Array({ maxLength: 200 }).map((made) => Buffer.from(made)),
          fc
            .array(fc.tuple(fc.nat(Math.max(0, bytes.length - 1)), fc.nat(255)), { maxLength: 4 })
            .map((places) => {
              const other = Buffer.from(bytes);
              for (const [at, value] of places) if (at < other.length) other[at] = value;
              return other;
            }),
        )
        .map((bytes) => ({ message, bytes })),
    );
    fc.assert(
      fc.property(changed, ({ message, bytes }) => {
        try {
          readOf(message, bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: "MALFORMED_REQUEST" });
        }
      }),
      { numRuns: runs(2_000) },
    );
  });

  test("that follow a message are refused", () => {
    fc.assert(
      fc.property(written, ({ message, bytes }) => {
        expect(() => readOf(message, Buffer.concat([bytes, Buffer.alloc(1)]))).toThrow(/left over/);
      }),
      { numRuns: runs(50) },
    );
  });

  test("that claim more elements than there are bytes, or than memory should hold, are refused before they are read", () => {
    const claims = Buffer.alloc(4);
    claims.writeInt32BE(2 ** 31 - 1);
    expect(() => metadata.requestCodec(1).read(new FrameReader(claims))).toThrow(
      /claims 2147483647 elements/,
    );
    // A million empty names, in a request of two megabytes.
    const many = Buffer.alloc(2_000_004);
    many.writeInt32BE(1_000_000);
    expect(() => metadata.requestCodec(1).read(new FrameReader(many))).toThrow(/more than 250000 elements/);
    const nested = new FrameWriter();
    for (let i = 0; i < 5; i++) nested.varint(0xffffffff);
    const flexible = Buffer.concat(nested.finish()).subarray(4);
    expect(() => metadata.requestCodec(9).read(new FrameReader(flexible))).toThrow(/elements/);
  });

  test("a null where none may be is refused", () => {
    const request = Buffer.from([0, 0, 0, 1, 0xff, 0xff]);
    expect(() => metadata.requestCodec(1).read(new FrameReader(request))).toThrow(/no string/);
  });
});

test("tagged fields that nobody knows are passed over", () => {
  const message = ALL_MESSAGES.find(({ api, version }) => api.name === "Heartbeat" && version === 4);
  if (message === undefined) throw new Error("no Heartbeat");
  const value = { groupId: "g", generationId: 1, memberId: "m", groupInstanceId: null };
  const bytes = bytesOf(message, value);
  expect(bytes.at(-1)).toBe(0);
  const tagged = Buffer.concat([bytes.subarray(0, -1), Buffer.from([2, 5, 3, 1, 2, 3, 9, 0])]);
  expect(readOf(message, tagged)).toEqual(value);
});

import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { bytes, chunks, collect, digest, MB, slices, text, uris } from "../bodies.js";
import type { Subject } from "./subject.js";

/** Bodies above the size of one part, and bodies that fail on their way. */
export function largeBodies(subject: Subject): void {
  describe("large bodies", () => {
    const large = randomBytes(20 * MB);

    test("20 MB in one piece and in odd chunks arrive unchanged", async () => {
      const at = subject.place();
      await subject.store.put(`${at}/piece`, large);
      await subject.store.put(`${at}/chunks`, chunks(slices(large, 777_777)));
      for (const uri of [`${at}/piece`, `${at}/chunks`]) {
        expect((await subject.store.head(uri))?.size).toBe(20 * MB);
        expect(digest(await collect(subject.store.stream(uri)))).toBe(digest(large));
      }
      const across = { start: 8 * MB - 3, end: 8 * MB + 3 };
      const expected = Buffer.from(large.subarray(across.start, across.end));
      expect(Buffer.from(await subject.store.read(`${at}/chunks`, across)).equals(expected)).toBe(true);
    });

    test("a producer may reuse its buffer between chunks", async () => {
      const uri = `${subject.place()}/reused`;
      async function* producer() {
        const buffer = new Uint8Array(MB);
        for (let i = 0; i < 18; i++) yield buffer.fill(i);
      }
      await subject.store.put(uri, producer());
      const got = await subject.store.read(uri);
      expect(Array.from({ length: 18 }, (_, i) => got[i * MB + MB - 1])).toEqual(
        Array.from({ length: 18 }, (_, i) => i),
      );
    });

    test("conditions hold for them too", async () => {
      const uri = `${subject.place()}/conditional`;
      const first = await subject.store.put(uri, chunks(slices(large, MB)), { ifAbsent: true });
      const refused = { code: "PRECONDITION_FAILED" };
      await expect(
        subject.store.put(uri, chunks(slices(large, MB)), { ifAbsent: true }),
      ).rejects.toMatchObject(refused);
      const second = await subject.store.put(uri, chunks(slices(large, MB, 9 * MB)), { ifEtag: first.etag });
      await expect(
        subject.store.put(uri, chunks(slices(large, MB)), { ifEtag: first.etag }),
      ).rejects.toMatchObject(refused);
      expect(await subject.store.head(uri)).toMatchObject({ size: 9 * MB, etag: second.etag });
      expect(await subject.openUploads()).toBe(0);
    });

    test("of 4 racing large ifAbsent exactly one wins", async () => {
      const uri = `${subject.place()}/race`;
      const outcomes = await Promise.allSettled(
        Array.from({ length: 4 }, (_, i) =>
          subject.store.put(uri, chunks(slices(new Uint8Array(9 * MB).fill(i), MB)), { ifAbsent: true }),
        ),
      );
      const winners = outcomes.flatMap(({ status }, i) => (status === "fulfilled" ? [i] : []));
      expect(winners).toHaveLength(1);
      const got = await subject.store.read(uri);
      expect(got.byteLength).toBe(9 * MB);
      expect(got.every((byte) => byte === winners[0])).toBe(true);
    });

    test.each([0, 1, 12])(
      "a body that fails after %i MB leaves nothing, and its own error",
      async (megabytes) => {
        const at = subject.place();
        // With a code, as when the producer reads a file: it must not be taken for the store's own.
        const failure = Object.assign(new Error("the producer failed"), { code: "ENOENT" });
        async function* failing() {
          for (let i = 0; i < megabytes; i++) yield new Uint8Array(MB);
          throw failure;
        }
        await expect(subject.store.put(`${at}/new`, failing())).rejects.toBe(failure);
        expect(await subject.store.head(`${at}/new`)).toBeUndefined();
        expect(await uris(subject.store, at)).toEqual([]);
        await subject.store.put(`${at}/old`, bytes("old"));
        await expect(subject.store.put(`${at}/old`, failing())).rejects.toBe(failure);
        expect(text(await subject.store.read(`${at}/old`))).toBe("old");
        expect(await subject.openUploads()).toBe(0);
      },
    );

    test("nothing is seen while a body is on its way", async () => {
      const at = subject.place();
      const seen: string[][] = [];
      async function* watched() {
        for (let i = 0; i < 12; i++) {
          yield new Uint8Array(MB);
          if (i % 4 === 3) seen.push(await uris(subject.store, at));
        }
      }
      await subject.store.put(`${at}/slow`, watched());
      expect(seen).toEqual([[], [], []]);
      expect(await uris(subject.store, at)).toEqual([`${at}/slow`]);
    });
  });
}

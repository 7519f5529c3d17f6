import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { bytes, chunks, collect, digest, MB } from "../bodies.js";
import type { Subject } from "./subject.js";

/** What a put leaves, and what is not there. */
export function objects(subject: Subject): void {
  describe("objects", () => {
    test("gives back what was put, whole and as a stream", async () => {
      const uri = `${subject.place()}/a.bin`;
      const body = randomBytes(100_000);
      const info = await subject.store.put(uri, body);
      expect(info).toMatchObject({ uri, size: 100_000 });
      expect(digest(await subject.store.read(uri))).toBe(digest(body));
      expect(digest(await collect(subject.store.stream(uri)))).toBe(digest(body));
      expect(await subject.store.head(uri)).toMatchObject({ uri, size: 100_000, etag: info.etag });
    });

    test("holds empty objects, in one piece or as an empty stream", async () => {
      const at = subject.place();
      await subject.store.put(`${at}/piece`, new Uint8Array(0));
      await subject.store.put(`${at}/stream`, chunks([]));
      for (const uri of [`${at}/piece`, `${at}/stream`]) {
        expect((await subject.store.head(uri))?.size).toBe(0);
        expect((await subject.store.read(uri)).byteLength).toBe(0);
        expect((await subject.store.read(uri, { start: 0, end: 10 })).byteLength).toBe(0);
        expect((await collect(subject.store.stream(uri))).byteLength).toBe(0);
      }
    });

    test("gives another etag to other bytes of the same length, and tells a recent time", async () => {
      const uri = `${subject.place()}/a`;
      const etags = new Set<string>();
      for (const letter of "abcdefghijklmnop") etags.add((await subject.store.put(uri, bytes(letter))).etag);
      expect(etags.size).toBe(16);
      const modified = (await subject.store.head(uri))?.lastModified.getTime() ?? 0;
      expect(Math.abs(Date.now() - modified)).toBeLessThan(10 * 60 * 1000);
    });

    test("says OBJECT_NOT_FOUND for what is not there, and undefined for its head", async () => {
      const uri = `${subject.place()}/nothing`;
      const missing = { code: "OBJECT_NOT_FOUND", subject: uri };
      await expect(subject.store.read(uri)).rejects.toMatchObject(missing);
      await expect(subject.store.read(uri, { start: 0, end: 1 })).rejects.toMatchObject(missing);
      await expect(subject.store.read(uri, { start: 3, end: 3 })).rejects.toMatchObject(missing);
      await expect(collect(subject.store.stream(uri))).rejects.toMatchObject(missing);
      expect(await subject.store.head(uri)).toBeUndefined();
    });

    test("is no object for the prefix of another", async () => {
      const at = subject.place();
      await subject.store.put(`${at}/directory/a`, bytes("a"));
      expect(await subject.store.head(`${at}/directory`)).toBeUndefined();
      await expect(subject.store.read(`${at}/directory`)).rejects.toMatchObject({ code: "OBJECT_NOT_FOUND" });
    });

    test("shows a reader the old bytes or the new, never a mixture", async () => {
      const uri = `${subject.place()}/a`;
      const versions = [new Uint8Array(MB).fill(1), new Uint8Array(MB).fill(2)];
      await subject.store.put(uri, versions[0]!);
      let writing = true;
      const writer = (async () => {
        for (let i = 1; i <= 10; i++) await subject.store.put(uri, versions[i % 2]!);
        writing = false;
      })();
      const seen: number[] = [];
      while (writing) {
        const got = await subject.store.read(uri);
        expect(got.byteLength).toBe(MB);
        expect(got.every((byte) => byte === got[0])).toBe(true);
        seen.push(got[0]!);
      }
      await writer;
      expect(seen.length).toBeGreaterThan(0);
    });
  });
}

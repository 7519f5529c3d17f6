import { createHash, randomBytes, randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ObjectStore } from "../../lib/lakehouse/storage/index.js";

export interface Subject {
  readonly store: ObjectStore;
  /** Uploads that were begun and neither completed nor aborted; left out where the notion does not exist. */
  openUploads?(): Promise<number>;
  dispose?(): Promise<void>;
}

const MB = 1024 * 1024;

/**
 * What every ObjectStore must do. `makeStore` is called once. `gaps` names tests that the service behind the store
 * fails by its own fault: they are skipped, visibly.
 */
export function conformance(
  name: string,
  makeStore: () => Promise<Subject>,
  gaps: readonly string[] = [],
): void {
  describe(`ObjectStore: ${name}`, () => {
    beforeEach(({ task, skip }) => {
      if (gaps.includes(task.name)) skip(`${name} cannot do this`);
    });

    let subject: Subject;
    let store: ObjectStore;
    /** A fresh place for each test: stores may be shared and may be remote. */
    const place = () => `${store.root}/${randomUUID()}`;

    beforeAll(async () => {
      subject = await makeStore();
      store = subject.store;
    });
    afterAll(async () => {
      await subject?.dispose?.();
    });

    describe("objects", () => {
      it("gives back what was put, whole and as a stream", async () => {
        const uri = `${place()}/a.bin`;
        const body = randomBytes(100_000);
        const info = await store.put(uri, body);
        expect(info).toMatchObject({ uri, size: 100_000 });
        expect(digest(await store.read(uri))).toBe(digest(body));
        expect(digest(await collect(store.stream(uri)))).toBe(digest(body));
        expect(await store.head(uri)).toMatchObject({ uri, size: 100_000, etag: info.etag });
      });

      it("holds empty objects, in one piece or as an empty stream", async () => {
        const at = place();
        await store.put(`${at}/piece`, new Uint8Array(0));
        await store.put(`${at}/stream`, chunks([]));
        for (const uri of [`${at}/piece`, `${at}/stream`]) {
          expect((await store.head(uri))?.size).toBe(0);
          expect((await store.read(uri)).byteLength).toBe(0);
          expect((await store.read(uri, { start: 0, end: 10 })).byteLength).toBe(0);
          expect((await collect(store.stream(uri))).byteLength).toBe(0);
        }
      });

      it("gives another etag to other bytes of the same length, and tells a recent time", async () => {
        const uri = `${place()}/a`;
        const etags = new Set<string>();
        for (const letter of "abcdefghijklmnop") etags.add((await store.put(uri, bytes(letter))).etag);
        expect(etags.size).toBe(16);
        const modified = (await store.head(uri))?.lastModified.getTime() ?? 0;
        expect(Math.abs(Date.now() - modified)).toBeLessThan(10 * 60 * 1000);
      });

      it("says OBJECT_NOT_FOUND for what is not there, and undefined for its head", async () => {
        const uri = `${place()}/nothing`;
        const missing = { code: "OBJECT_NOT_FOUND", subject: uri };
        await expect(store.read(uri)).rejects.toMatchObject(missing);
        await expect(store.read(uri, { start: 0, end: 1 })).rejects.toMatchObject(missing);
        await expect(store.read(uri, { start: 3, end: 3 })).rejects.toMatchObject(missing);
        await expect(collect(store.stream(uri))).rejects.toMatchObject(missing);
        expect(await store.head(uri)).toBeUndefined();
      });

      it("is no object for the prefix of another", async () => {
        const at = place();
        await store.put(`${at}/directory/a`, bytes("a"));
        expect(await store.head(`${at}/directory`)).toBeUndefined();
        await expect(store.read(`${at}/directory`)).rejects.toMatchObject({ code: "OBJECT_NOT_FOUND" });
      });

      it("shows a reader the old bytes or the new, never a mixture", async () => {
        const uri = `${place()}/a`;
        const versions = [new Uint8Array(MB).fill(1), new Uint8Array(MB).fill(2)];
        await store.put(uri, versions[0]!);
        let writing = true;
        const writer = (async () => {
          for (let i = 1; i <= 10; i++) await store.put(uri, versions[i % 2]!);
          writing = false;
        })();
        const seen: number[] = [];
        while (writing) {
          const got = await store.read(uri);
          expect(got.byteLength).toBe(MB);
          expect(got.every((byte) => byte === got[0])).toBe(true);
          seen.push(got[0]!);
        }
        await writer;
        expect(seen.length).toBeGreaterThan(0);
      });
    });

    describe("ranges", () => {
      const size = 1000;
      const body = Uint8Array.from({ length: size }, (_, i) => i % 251);
      let uri: string;
      beforeAll(async () => {
        uri = `${place()}/ranged`;
        await store.put(uri, body);
      });

      it.each([
        [0, 1],
        [0, size],
        [size - 1, size],
        [size - 1, size + 1],
        [10, 10],
        [0, 0],
        [size, size + 10],
        [size + 5, size + 10],
        [size, size],
        [500, Number.MAX_SAFE_INTEGER],
      ])("[%i, %i) is what a slice of the whole is", async (start, end) => {
        const expected = Buffer.from(body.slice(start, end));
        expect(Buffer.from(await store.read(uri, { start, end })).equals(expected)).toBe(true);
        expect(Buffer.from(await collect(store.stream(uri, { start, end }))).equals(expected)).toBe(true);
      });

      it("any range is what a slice of the whole is", async () => {
        const position = fc.nat({ max: size + 20 });
        await fc.assert(
          fc.asyncProperty(position, position, async (a, b) => {
            const range = { start: Math.min(a, b), end: Math.max(a, b) };
            const expected = Buffer.from(body.slice(range.start, range.end));
            expect(Buffer.from(await store.read(uri, range)).equals(expected)).toBe(true);
          }),
          { numRuns: 25 },
        );
      });

      it.each([
        [-1, 5],
        [5, 4],
        [0.5, 2],
        [0, Number.NaN],
        [0, Number.POSITIVE_INFINITY],
      ])("[%d, %d) is INVALID_ARGUMENT", async (start, end) => {
        await expect(store.read(uri, { start, end })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
        await expect(collect(store.stream(uri, { start, end }))).rejects.toMatchObject({
          code: "INVALID_ARGUMENT",
        });
      });

      it("a stream may be left early", async () => {
        const large = `${place()}/large`;
        await store.put(large, new Uint8Array(3 * MB).fill(7));
        for (let i = 0; i < 60; i++) {
          // More times than there are connections: each must be given back.
          for await (const chunk of store.stream(large)) {
            expect(chunk[0]).toBe(7);
            break;
          }
        }
        expect((await store.read(large)).byteLength).toBe(3 * MB);
      });
    });

    describe("conditional puts", () => {
      it("ifAbsent writes a new object and never replaces one", async () => {
        const uri = `${place()}/a`;
        await store.put(uri, bytes("first"), { ifAbsent: true });
        await expect(store.put(uri, bytes("second"), { ifAbsent: true })).rejects.toMatchObject({
          code: "PRECONDITION_FAILED",
          subject: uri,
        });
        expect(text(await store.read(uri))).toBe("first");
        await store.delete([uri]);
        await store.put(uri, bytes("third"), { ifAbsent: true });
        expect(text(await store.read(uri))).toBe("third");
      });

      it("ifEtag replaces the version that it names and no other", async () => {
        const uri = `${place()}/a`;
        const first = await store.put(uri, bytes("1"));
        const second = await store.put(uri, bytes("2"), { ifEtag: first.etag });
        expect((await store.head(uri))?.etag).toBe(second.etag);
        const refused = { code: "PRECONDITION_FAILED", subject: uri };
        await expect(store.put(uri, bytes("3"), { ifEtag: first.etag })).rejects.toMatchObject(refused);
        expect(text(await store.read(uri))).toBe("2");
        await store.delete([uri]);
        await expect(store.put(uri, bytes("4"), { ifEtag: second.etag })).rejects.toMatchObject(refused);
        expect(await store.head(uri)).toBeUndefined();
      });

      it("of 16 racing ifAbsent exactly one wins, and its bytes are there", async () => {
        for (let round = 0; round < 3; round++) {
          const uri = `${place()}/race`;
          const outcomes = await Promise.allSettled(
            Array.from({ length: 16 }, (_, i) => store.put(uri, bytes(`writer ${i}`), { ifAbsent: true })),
          );
          const winners = outcomes.flatMap(({ status }, i) => (status === "fulfilled" ? [i] : []));
          expect(winners).toHaveLength(1);
          expect(text(await store.read(uri))).toBe(`writer ${winners[0]}`);
          for (const outcome of outcomes) {
            if (outcome.status === "rejected")
              expect(outcome.reason).toMatchObject({ code: "PRECONDITION_FAILED" });
          }
        }
      });

      it("of 16 racing ifEtag on one version exactly one wins", async () => {
        const uri = `${place()}/race`;
        const { etag } = await store.put(uri, bytes("start"));
        const outcomes = await Promise.allSettled(
          Array.from({ length: 16 }, (_, i) => store.put(uri, bytes(`writer ${i}`), { ifEtag: etag })),
        );
        const winners = outcomes.flatMap(({ status }, i) => (status === "fulfilled" ? [i] : []));
        expect(winners).toHaveLength(1);
        expect(text(await store.read(uri))).toBe(`writer ${winners[0]}`);
      });

      it("a counter moved by ifEtag loses no step", async () => {
        const uri = `${place()}/counter`;
        await store.put(uri, bytes("0"));
        await Promise.all(Array.from({ length: 6 }, () => countUp(store, uri, 5)));
        expect(text(await store.read(uri))).toBe("30");
      });
    });

    describe("large bodies", () => {
      const large = randomBytes(20 * MB);

      it("20 MB in one piece and in odd chunks arrive unchanged", async () => {
        const at = place();
        await store.put(`${at}/piece`, large);
        await store.put(`${at}/chunks`, chunks(slices(large, 777_777)));
        for (const uri of [`${at}/piece`, `${at}/chunks`]) {
          expect((await store.head(uri))?.size).toBe(20 * MB);
          expect(digest(await collect(store.stream(uri)))).toBe(digest(large));
        }
        const across = { start: 8 * MB - 3, end: 8 * MB + 3 };
        const expected = Buffer.from(large.subarray(across.start, across.end));
        expect(Buffer.from(await store.read(`${at}/chunks`, across)).equals(expected)).toBe(true);
      });

      it("a producer may reuse its buffer between chunks", async () => {
        const uri = `${place()}/reused`;
        async function* producer() {
          const buffer = new Uint8Array(MB);
          for (let i = 0; i < 18; i++) yield buffer.fill(i);
        }
        await store.put(uri, producer());
        const got = await store.read(uri);
        expect(Array.from({ length: 18 }, (_, i) => got[i * MB + MB - 1])).toEqual(
          Array.from({ length: 18 }, (_, i) => i),
        );
      });

      it("conditions hold for them too", async () => {
        const uri = `${place()}/conditional`;
        const first = await store.put(uri, chunks(slices(large, MB)), { ifAbsent: true });
        const refused = { code: "PRECONDITION_FAILED" };
        await expect(store.put(uri, chunks(slices(large, MB)), { ifAbsent: true })).rejects.toMatchObject(
          refused,
        );
        const second = await store.put(uri, chunks(slices(large, MB, 9 * MB)), { ifEtag: first.etag });
        await expect(store.put(uri, chunks(slices(large, MB)), { ifEtag: first.etag })).rejects.toMatchObject(
          refused,
        );
        expect(await store.head(uri)).toMatchObject({ size: 9 * MB, etag: second.etag });
        if (subject.openUploads) expect(await subject.openUploads()).toBe(0);
      });

      it("of 4 racing large ifAbsent exactly one wins", async () => {
        const uri = `${place()}/race`;
        const outcomes = await Promise.allSettled(
          Array.from({ length: 4 }, (_, i) =>
            store.put(uri, chunks(slices(new Uint8Array(9 * MB).fill(i), MB)), { ifAbsent: true }),
          ),
        );
        const winners = outcomes.flatMap(({ status }, i) => (status === "fulfilled" ? [i] : []));
        expect(winners).toHaveLength(1);
        const got = await store.read(uri);
        expect(got.byteLength).toBe(9 * MB);
        expect(got.every((byte) => byte === winners[0])).toBe(true);
      });

      it.each([0, 1, 12])(
        "a body that fails after %i MB leaves nothing, and its own error",
        async (megabytes) => {
          const at = place();
          // With a code, as when the producer reads a file: it must not be taken for the store's own.
          const failure = Object.assign(new Error("the producer failed"), { code: "ENOENT" });
          async function* failing() {
            for (let i = 0; i < megabytes; i++) yield new Uint8Array(MB);
            throw failure;
          }
          await expect(store.put(`${at}/new`, failing())).rejects.toBe(failure);
          expect(await store.head(`${at}/new`)).toBeUndefined();
          expect(await uris(store, at)).toEqual([]);
          await store.put(`${at}/old`, bytes("old"));
          await expect(store.put(`${at}/old`, failing())).rejects.toBe(failure);
          expect(text(await store.read(`${at}/old`))).toBe("old");
          if (subject.openUploads) expect(await subject.openUploads()).toBe(0);
        },
      );

      it("nothing is seen while a body is on its way", async () => {
        const at = place();
        const seen: string[][] = [];
        async function* watched() {
          for (let i = 0; i < 12; i++) {
            yield new Uint8Array(MB);
            if (i % 4 === 3) seen.push(await uris(store, at));
          }
        }
        await store.put(`${at}/slow`, watched());
        expect(seen).toEqual([[], [], []]);
        expect(await uris(store, at)).toEqual([`${at}/slow`]);
      });
    });

    describe("keys", () => {
      const awkward = [
        "with space",
        " leading and trailing ",
        "100%",
        "percent%20encoded",
        "%2e%2e",
        "a+b=c&d",
        "question?mark=1",
        "hash#tag",
        "quotes'\"`",
        "<xml>&amp;",
        "back\\slash",
        "semi;colon:comma,@!$*()[]{}|^~",
        "Grüße/Ærøskøbing",
        "日本語/キー",
        "😀/\u{10FFFD}",
        "e\u0301 is not é",
        "...",
        ".hidden",
        "tab\tand newline\n",
      ];

      it.each(awkward)("%j is a key like any other", async (key) => {
        const at = place();
        const uri = `${at}/${key}/file`;
        const body = bytes(`this is ${key}`);
        expect((await store.put(uri, body, { ifAbsent: true })).uri).toBe(uri);
        expect(text(await store.read(uri))).toBe(`this is ${key}`);
        expect((await store.head(uri))?.uri).toBe(uri);
        expect(await uris(store, `${at}/${key}`)).toEqual([uri]);
        expect(await uris(store, `${at}/`)).toEqual([uri]);
        await store.delete([uri]);
        expect(await store.head(uri)).toBeUndefined();
      });

      it("are taken character by character: an encoded key is another key", async () => {
        const at = place();
        await store.put(`${at}/a b`, bytes("space"));
        await store.put(`${at}/a%20b`, bytes("percent"));
        expect(text(await store.read(`${at}/a b`))).toBe("space");
        expect(text(await store.read(`${at}/a%20b`))).toBe("percent");
        expect(await uris(store, at)).toEqual([`${at}/a b`, `${at}/a%20b`]);
      });

      it.each([
        "../outside",
        "a/../../outside",
        "a/../b",
        "./a",
        "a/.",
        "..",
        "",
        "nul\0",
        "half a pair \ud800",
      ])("%j is INVALID_URI, for every call", async (key) => {
        const uri = `${store.root}/${key}`;
        const invalid = { code: "INVALID_URI", subject: uri };
        await expect(store.read(uri)).rejects.toMatchObject(invalid);
        await expect(store.head(uri)).rejects.toMatchObject(invalid);
        await expect(store.put(uri, bytes("x"))).rejects.toMatchObject(invalid);
        await expect(store.delete([uri])).rejects.toMatchObject(invalid);
        await expect(collect(store.stream(uri))).rejects.toMatchObject(invalid);
        expect(() => store.localPath(uri)).toThrow(expect.objectContaining(invalid));
      });

      it("outside the root are INVALID_URI", async () => {
        for (const uri of [
          `${store.root}2/a`,
          "http://example.com/a",
          "/etc/passwd",
          store.root,
          "file:///etc/passwd",
        ]) {
          await expect(store.read(uri)).rejects.toMatchObject({ code: "INVALID_URI" });
          await expect(store.put(uri, bytes("x"))).rejects.toMatchObject({ code: "INVALID_URI" });
        }
        await expect(uris(store, `${store.root}2/`)).rejects.toMatchObject({ code: "INVALID_URI" });
      });
    });

    describe("listing", () => {
      it("is in the order of UTF-8 bytes, deep keys among shallow ones", async () => {
        const at = place();
        const keys = ["a-b", "a/c", "a0", "a/b/c", "a.d/e", "B", "é", "z", "\uffee", "😀", "a b", "~"];
        for (const key of keys) await store.put(`${at}/${key}`, bytes(key));
        const sorted = keys
          .map((key) => `${at}/${key}`)
          .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        expect(await uris(store, at)).toEqual(sorted);
      });

      it("takes any prefix, also one that ends inside a name", async () => {
        const at = place();
        for (const key of ["part-1", "part-10", "part-2", "other", "part-1x/deep"])
          await store.put(`${at}/${key}`, bytes(""));
        const under = async (prefix: string) =>
          (await uris(store, `${at}${prefix}`)).map((uri) => uri.slice(at.length));
        expect(await under("/part-1")).toEqual(["/part-1", "/part-10", "/part-1x/deep"]);
        expect(await under("/part-1x/")).toEqual(["/part-1x/deep"]);
        expect(await under("/part-1x/d")).toEqual(["/part-1x/deep"]);
        expect(await under("/nothing")).toEqual([]);
        expect(await under("/no/such/place/")).toEqual([]);
        expect(await under("")).toHaveLength(5);
      });

      it("2,500 keys come once each, in order, with what head says; and go in one delete", async () => {
        const at = place();
        const keys = Array.from({ length: 2500 }, (_, i) => `${at}/${String(i).padStart(5, "0")} %.json`);
        const queue = [...keys].reverse();
        await Promise.all(
          Array.from({ length: 16 }, async () => {
            for (let uri = queue.pop(); uri !== undefined; uri = queue.pop())
              await store.put(uri, bytes(uri));
          }),
        );
        const listed = [];
        for await (const info of store.list(at)) listed.push(info);
        expect(listed.map(({ uri }) => uri)).toEqual(keys);
        const some = listed[1234]!;
        const head = await store.head(some.uri);
        expect(some).toMatchObject({ size: head?.size, etag: head?.etag });
        await store.delete([...keys, keys[0]!, `${at}/never was`]);
        expect(await uris(store, at)).toEqual([]);
      });

      it("may be left early", async () => {
        const at = place();
        for (const key of ["a", "b", "c"]) await store.put(`${at}/${key}`, bytes(key));
        for await (const { uri } of store.list(at)) {
          expect(uri).toBe(`${at}/a`);
          break;
        }
        expect(await uris(store, at)).toHaveLength(3);
      });
    });
  });
}

/** Adds one `times` times, trying again whenever another came first. */
export async function countUp(store: ObjectStore, uri: string, times: number): Promise<void> {
  for (let done = 0; done < times; ) {
    const before = await store.head(uri);
    const count = Number(text(await store.read(uri)));
    try {
      await store.put(uri, bytes(String(count + 1)), { ifEtag: before?.etag ?? "" });
      done++;
    } catch (error) {
      expect(error).toMatchObject({ code: "PRECONDITION_FAILED" });
    }
  }
}

export async function uris(store: ObjectStore, prefix: string): Promise<string[]> {
  const all: string[] = [];
  for await (const { uri } of store.list(prefix)) all.push(uri);
  return all;
}

export async function collect(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return Buffer.concat(all);
}

export async function* chunks(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* parts;
}

export function slices(body: Uint8Array, size: number, end = body.byteLength): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < end; at += size) parts.push(body.subarray(at, Math.min(at + size, end)));
  return parts;
}

export function bytes(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

export function text(content: Uint8Array): string {
  return new TextDecoder().decode(content);
}

function digest(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

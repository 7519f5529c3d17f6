import { describe, expect, test } from "vitest";
import { bytes, uris } from "../bodies.js";
import type { Subject } from "./subject.js";

/** Every object once, in the order of UTF-8 bytes. */
export function listing(subject: Subject): void {
  describe("listing", () => {
    test("is in the order of UTF-8 bytes, deep keys among shallow ones", async () => {
      const at = subject.place();
      const keys = ["a-b", "a/c", "a0", "a/b/c", "a.d/e", "B", "é", "z", "\uffee", "😀", "a b", "~"];
      for (const key of keys) await subject.store.put(`${at}/${key}`, bytes(key));
      const sorted = keys
        .map((key) => `${at}/${key}`)
        .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(await uris(subject.store, at)).toEqual(sorted);
    });

    test("takes any prefix, also one that ends inside a name", async () => {
      const at = subject.place();
      for (const key of ["part-1", "part-10", "part-2", "other", "part-1x/deep"])
        await subject.store.put(`${at}/${key}`, bytes(""));
      const under = async (prefix: string) =>
        (await uris(subject.store, `${at}${prefix}`)).map((uri) => uri.slice(at.length));
      expect(await under("/part-1")).toEqual(["/part-1", "/part-10", "/part-1x/deep"]);
      expect(await under("/part-1x/")).toEqual(["/part-1x/deep"]);
      expect(await under("/part-1x/d")).toEqual(["/part-1x/deep"]);
      expect(await under("/nothing")).toEqual([]);
      expect(await under("/no/such/place/")).toEqual([]);
      expect(await under("")).toHaveLength(5);
    });

    test("leaves out what lies deeper, where that was asked for", async () => {
      const at = subject.place();
      for (const key of ["a", "a/b", "a/b/c", "ab", "b/c", "ac/", "ä"])
        await subject.store.put(`${at}/${key}`, bytes(""));
      const under = async (prefix: string) =>
        (await uris(subject.store, `${at}${prefix}`, { flat: true })).map((uri) => uri.slice(at.length));
      expect(await under("/")).toEqual(["/a", "/ab", "/ä"]);
      expect(await under("/a")).toEqual(["/a", "/ab"]);
      expect(await under("/a/")).toEqual(["/a/b"]);
      expect(await under("/ac/")).toEqual(["/ac/"]);
      expect(await under("/b")).toEqual([]);
      expect(await under("/none/")).toEqual([]);
    });

    test("2,500 keys come once each, in order, with what head says; and go in one delete", async () => {
      const at = subject.place();
      const keys = Array.from({ length: 2500 }, (_, i) => `${at}/${String(i).padStart(5, "0")} %.json`);
      const queue = [...keys].reverse();
      await Promise.all(
        Array.from({ length: 16 }, async () => {
          for (let uri = queue.pop(); uri !== undefined; uri = queue.pop())
            await subject.putBeneath(uri, bytes(uri));
        }),
      );
      const listed = [];
      for await (const info of subject.store.list(at)) listed.push(info);
      expect(listed.map(({ uri }) => uri)).toEqual(keys);
      const some = listed[1234]!;
      const head = await subject.store.head(some.uri);
      expect(some).toMatchObject({ size: head?.size, etag: head?.etag });
      await subject.store.delete([...keys, keys[0]!, `${at}/never was`]);
      expect(await uris(subject.store, at)).toEqual([]);
    });

    test("may be left early", async () => {
      const at = subject.place();
      for (const key of ["a", "b", "c"]) await subject.store.put(`${at}/${key}`, bytes(key));
      for await (const { uri } of subject.store.list(at)) {
        expect(uri).toBe(`${at}/a`);
        break;
      }
      expect(await uris(subject.store, at)).toHaveLength(3);
    });
  });
}

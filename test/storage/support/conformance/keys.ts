import { describe, expect, test } from "vitest";
import { bytes, collect, text, uris } from "../bodies.js";
import type { Subject } from "./subject.js";

/** Keys are taken character by character. */
export function keys(subject: Subject): void {
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

    test.each(awkward)("%j is a key like any other", async (key) => {
      const at = subject.place();
      const uri = `${at}/${key}/file`;
      const body = bytes(`this is ${key}`);
      expect((await subject.store.put(uri, body, { ifAbsent: true })).uri).toBe(uri);
      expect(text(await subject.store.read(uri))).toBe(`this is ${key}`);
      expect((await subject.store.head(uri))?.uri).toBe(uri);
      expect(await uris(subject.store, `${at}/${key}`)).toEqual([uri]);
      expect(await uris(subject.store, `${at}/`)).toEqual([uri]);
      await subject.store.delete([uri]);
      expect(await subject.store.head(uri)).toBeUndefined();
    });

    test("are taken character by character: an encoded key is another key", async () => {
      const at = subject.place();
      await subject.store.put(`${at}/a b`, bytes("space"));
      await subject.store.put(`${at}/a%20b`, bytes("percent"));
      expect(text(await subject.store.read(`${at}/a b`))).toBe("space");
      expect(text(await subject.store.read(`${at}/a%20b`))).toBe("percent");
      expect(await uris(subject.store, at)).toEqual([`${at}/a b`, `${at}/a%20b`]);
    });

    test.each([
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
      const uri = `${subject.store.root}/${key}`;
      const invalid = { code: "INVALID_URI", subject: uri };
      await expect(subject.store.read(uri)).rejects.toMatchObject(invalid);
      await expect(subject.store.head(uri)).rejects.toMatchObject(invalid);
      await expect(subject.store.put(uri, bytes("x"))).rejects.toMatchObject(invalid);
      await expect(subject.store.delete([uri])).rejects.toMatchObject(invalid);
      await expect(collect(subject.store.stream(uri))).rejects.toMatchObject(invalid);
      expect(() => subject.store.localPath(uri)).toThrow(expect.objectContaining(invalid));
    });

    test("outside the root are INVALID_URI", async () => {
      for (const uri of [
        `${subject.store.root}2/a`,
        "http://example.com/a",
        "/etc/passwd",
        subject.store.root,
        "file:///etc/passwd",
      ]) {
        await expect(subject.store.read(uri)).rejects.toMatchObject({ code: "INVALID_URI" });
        await expect(subject.store.put(uri, bytes("x"))).rejects.toMatchObject({ code: "INVALID_URI" });
      }
      await expect(uris(subject.store, `${subject.store.root}2/`)).rejects.toMatchObject({
        code: "INVALID_URI",
      });
    });
  });
}

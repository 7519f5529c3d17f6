import { describe, expect, test } from "vitest";
import { bytes, countUp, text } from "../bodies.js";
import type { Subject } from "./subject.js";

/** Writes that hold only when the reader's view still does. */
export function conditionalPuts(subject: Subject): void {
  describe("conditional puts", () => {
    test("ifAbsent writes a new object and never replaces one", async () => {
      const uri = `${subject.place()}/a`;
      await subject.store.put(uri, bytes("first"), { ifAbsent: true });
      await expect(subject.store.put(uri, bytes("second"), { ifAbsent: true })).rejects.toMatchObject({
        code: "PRECONDITION_FAILED",
        subject: uri,
      });
      expect(text(await subject.store.read(uri))).toBe("first");
      await subject.store.delete([uri]);
      await subject.store.put(uri, bytes("third"), { ifAbsent: true });
      expect(text(await subject.store.read(uri))).toBe("third");
    });

    test("ifEtag replaces the version that it names and no other", async () => {
      const uri = `${subject.place()}/a`;
      const first = await subject.store.put(uri, bytes("1"));
      const second = await subject.store.put(uri, bytes("2"), { ifEtag: first.etag });
      expect((await subject.store.head(uri))?.etag).toBe(second.etag);
      const refused = { code: "PRECONDITION_FAILED", subject: uri };
      await expect(subject.store.put(uri, bytes("3"), { ifEtag: first.etag })).rejects.toMatchObject(refused);
      expect(text(await subject.store.read(uri))).toBe("2");
      await subject.store.delete([uri]);
      await expect(subject.store.put(uri, bytes("4"), { ifEtag: second.etag })).rejects.toMatchObject(
        refused,
      );
      expect(await subject.store.head(uri)).toBeUndefined();
    });

    test("of 16 racing ifAbsent exactly one wins, and its bytes are there", async () => {
      for (let round = 0; round < 3; round++) {
        const uri = `${subject.place()}/race`;
        const outcomes = await Promise.allSettled(
          Array.from({ length: 16 }, (_, i) =>
            subject.store.put(uri, bytes(`writer ${i}`), { ifAbsent: true }),
          ),
        );
        const winners = outcomes.flatMap(({ status }, i) => (status === "fulfilled" ? [i] : []));
        expect(winners).toHaveLength(1);
        expect(text(await subject.store.read(uri))).toBe(`writer ${winners[0]}`);
        for (const outcome of outcomes) {
          if (outcome.status === "rejected")
            expect(outcome.reason).toMatchObject({ code: "PRECONDITION_FAILED" });
        }
      }
    });

    test("of 16 racing ifEtag on one version exactly one wins", async () => {
      const uri = `${subject.place()}/race`;
      const { etag } = await subject.store.put(uri, bytes("start"));
      const outcomes = await Promise.allSettled(
        Array.from({ length: 16 }, (_, i) => subject.store.put(uri, bytes(`writer ${i}`), { ifEtag: etag })),
      );
      const winners = outcomes.flatMap(({ status }, i) => (status === "fulfilled" ? [i] : []));
      expect(winners).toHaveLength(1);
      expect(text(await subject.store.read(uri))).toBe(`writer ${winners[0]}`);
    });

    test("a counter moved by ifEtag loses no step", async () => {
      const uri = `${subject.place()}/counter`;
      await subject.store.put(uri, bytes("0"));
      await Promise.all(Array.from({ length: 6 }, () => countUp(subject.store, uri, 5)));
      expect(text(await subject.store.read(uri))).toBe("30");
    });
  });
}

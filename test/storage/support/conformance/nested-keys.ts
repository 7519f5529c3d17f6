import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ObjectStore, PutCondition } from "../../../../lib/lakehouse/storage/index.js";
import { runs } from "../../../support/runs.js";
import { bytes, text } from "../bodies.js";
import type { Subject } from "./subject.js";

/** Keys of which some continue below others, some end in a slash, and some differ by little. */
const segment = fc.constantFrom("a", "b", "a-b", "a.b", "A b", "é", ".a", "a'&", "%2F");
const key = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 4 }), fc.constantFrom("", "", "", "/"))
  .map(([segments, end]) => `${segments.join("/")}${end}`);

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("put" as const), key, body: fc.string({ maxLength: 8 }) }),
  },
  fc.record({ kind: fc.constant("put if absent" as const), key }),
  fc.record({ kind: fc.constant("put if same" as const), key, stale: fc.boolean() }),
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("delete" as const), keys: fc.array(key, { maxLength: 3 }) }),
  },
  fc.record({ kind: fc.constant("list" as const), prefix: fc.oneof(key, fc.constant("")) }),
);

/** S3 has no directories: any key may be an object, whatever others there are. The model is a map. */
export function nestedKeys(subject: Subject): void {
  describe("keys below keys", () => {
    test("are a map from key to bytes, also where a key continues below another's, or ends in a slash", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
          await follow(subject.store, subject.place(), steps);
        }),
        { numRuns: runs(25) },
      );
    });
  });
}

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

async function follow(store: ObjectStore, at: string, steps: readonly Step[]): Promise<void> {
  const model = new Map<string, { readonly body: string; readonly etag: string }>();
  const put = async (name: string, body: string, condition?: PutCondition) => {
    const info = await store.put(`${at}/${name}`, bytes(body), condition);
    expect(info.uri).toBe(`${at}/${name}`);
    model.set(name, { body, etag: info.etag });
  };
  const refused = (sending: Promise<unknown>) =>
    expect(sending).rejects.toMatchObject({ code: "PRECONDITION_FAILED" });
  const listed = async (prefix: string) => {
    const found: [string, string][] = [];
    for await (const { uri, etag } of store.list(`${at}/${prefix}`))
      found.push([uri.slice(at.length + 1), etag]);
    const wanted = [...model].filter(([name]) => name.startsWith(prefix));
    wanted.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(found).toEqual(wanted.map(([name, { etag }]) => [name, etag]));
  };
  for (const one of steps) {
    if (one.kind === "put") await put(one.key, one.body);
    else if (one.kind === "put if absent") {
      const putting = put(one.key, "new", { ifAbsent: true });
      await (model.has(one.key) ? refused(putting) : putting);
    } else if (one.kind === "put if same") {
      const etag = one.stale ? undefined : model.get(one.key)?.etag;
      const putting = put(one.key, "changed", { ifEtag: etag ?? '"stale"' });
      await (etag === undefined ? refused(putting) : putting);
    } else if (one.kind === "delete") {
      await store.delete(one.keys.map((name) => `${at}/${name}`));
      for (const name of one.keys) model.delete(name);
    } else await listed(one.prefix);
  }
  await listed("");
  for (const [name, { body, etag }] of model) {
    expect(text(await store.read(`${at}/${name}`))).toBe(body);
    expect(await store.head(`${at}/${name}`)).toMatchObject({ size: Buffer.byteLength(body), etag });
  }
  for (const name of ["a", "a/", "a/b", "b/"].filter((one) => !model.has(one))) {
    expect(await store.head(`${at}/${name}`)).toBeUndefined();
    await expect(store.read(`${at}/${name}`)).rejects.toMatchObject({ code: "OBJECT_NOT_FOUND" });
  }
}

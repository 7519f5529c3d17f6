// SeaweedFS, as the stack starts it: who may do what, and what is left after down and up.
import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PORTS, type S3Key, SERVICES, up } from "../../../lib/kit/stack/index.js";
import { S3Store } from "../../../lib/lakehouse/storage/index.js";
import { type OwnStack, ownStack } from "./support.js";

let stack: OwnStack;
beforeAll(async () => {
  stack = await ownStack();
  await up([SERVICES.seaweedfs], stack.home, { doing: () => {}, started: () => {} });
});
afterAll(() => stack.dispose());

const keyOf = (of: S3Key) => stack.s3(of).credentials;
const storeWith = (credentials: { accessKeyId: string; secretAccessKey: string }, prefix: string) =>
  new S3Store(`s3://lakehouse/${prefix}`, {
    endpoint: stack.s3("S3").endpoint,
    credentials,
    retryLimitMs: 0,
  });
const bytes = (text: string) => new TextEncoder().encode(text);

describe("keys", () => {
  test("that are wrong are refused, and so is whoever has none", async () => {
    const wrong = { ...keyOf("S3"), secretAccessKey: "not the secret" };
    await expect(storeWith(wrong, "k").put("s3://lakehouse/k/a", bytes("a"))).rejects.toThrow(
      /access denied/i,
    );
    const nobody = { accessKeyId: "nobody", secretAccessKey: "x" };
    await expect(storeWith(nobody, "k").put("s3://lakehouse/k/a", bytes("a"))).rejects.toThrow(
      /access denied/i,
    );
    const anonymous = await fetch(`${stack.s3("S3").endpoint}/lakehouse/k/a`, { method: "PUT", body: "a" });
    expect(anonymous.status).toBe(403);
  });

  test("of a reader read, and write nothing", async () => {
    await storeWith(keyOf("S3"), "r").put("s3://lakehouse/r/a", bytes("read me"));
    const reader = storeWith(keyOf("S3_READER"), "r");
    expect(new TextDecoder().decode(await reader.read("s3://lakehouse/r/a"))).toBe("read me");
    await expect(reader.put("s3://lakehouse/r/b", bytes("b"))).rejects.toThrow(/access denied/i);
    await expect(reader.delete(["s3://lakehouse/r/a"])).rejects.toThrow(/access denied/i);
    expect(await reader.head("s3://lakehouse/r/a")).toMatchObject({ size: 7 });
  });

  test("of the lakehouse are for its bucket alone", async () => {
    const bucket = await fetch(stack.s3("S3").endpoint);
    expect(bucket.status).toBe(403);
    const elsewhere = new S3Store("s3://elsewhere", {
      ...stack.s3("S3"),
      retryLimitMs: 0,
    });
    await expect(elsewhere.put("s3://elsewhere/a", bytes("a"))).rejects.toThrow(/access denied/i);
  });

  const TABLES = "warehouse/ns/t/a";
  const LOG = "warehouse/_log/topic/a";
  test.each<{ key: S3Key; writes: string[]; butReads?: string[]; not: string[] }>([
    {
      key: "S3_CATALOG",
      writes: [TABLES, "warehouse/_logs/a"],
      butReads: [LOG],
      not: ["nessie/a", "exchange/a", "notebooks/a"],
    },
    {
      key: "S3_LOG",
      writes: [LOG, "warehouse/.health-a"],
      not: [TABLES, "warehouse/_logs/a", "nessie/a", "exchange/a", "notebooks/a"],
    },
    {
      key: "S3_ENGINES",
      writes: [TABLES, "warehouse/_logs/a", "nessie/a", "exchange/a"],
      not: [LOG, "notebooks/a", "warehouse2/a", "a"],
    },
  ])("$key writes in its folders, and touches nothing else", async ({ key, writes, butReads = [], not }) => {
    const own = storeWith(keyOf("S3"), "");
    const store = storeWith(keyOf(key), "");
    const uriOf = (place: string) => `s3://lakehouse/${place}`;
    const list = async (prefix: string) => {
      const found: string[] = [];
      for await (const { uri } of store.list(prefix)) found.push(uri);
      return found;
    };
    const denied = (work: Promise<unknown>, what: string) =>
      expect(work, what).rejects.toThrow(/access denied/i);

    for (const place of [...writes, ...butReads, ...not]) await own.put(uriOf(place), bytes("there before"));
    for (const place of writes) {
      const uri = uriOf(place);
      await store.put(uri, bytes("mine"));
      expect(new TextDecoder().decode(await store.read(uri))).toBe("mine");
      expect(await list(uriOf(place))).toContain(uri);
      await store.delete([uri]);
      expect(await own.head(uri)).toBeUndefined();
    }
    for (const place of butReads) {
      const uri = uriOf(place);
      expect(new TextDecoder().decode(await store.read(uri))).toBe("there before");
      expect(await list(uriOf(place))).toContain(uri);
    }
    for (const place of not) await denied(store.read(uriOf(place)), place);
    for (const place of not) await denied(list(uriOf(place)), place);
    for (const place of [...butReads, ...not]) {
      const uri = uriOf(place);
      await denied(store.put(uri, bytes("not mine")), place);
      await denied(store.put(`${uri}-new`, bytes("not mine"), { ifAbsent: true }), place);
      await denied(store.delete([uri]), place);
      expect(new TextDecoder().decode(await own.read(uri))).toBe("there before");
    }
  });
});

test("nothing of it answers at an address that other machines reach", async () => {
  const own = Object.values(networkInterfaces())
    .flat()
    .filter((each) => each !== undefined && !each.internal && each.family === "IPv4")
    .map((each) => each?.address);
  for (const address of own)
    for (const part of Object.keys(PORTS.seaweedfs))
      await expect(
        fetch(`http://${address}:${stack.home.port("seaweedfs", part)}/`, {
          signal: AbortSignal.timeout(5_000),
        }),
      ).rejects.toThrow();
});

test("what was written is there after down and up", async () => {
  const store = storeWith(keyOf("S3"), "d");
  await store.put("s3://lakehouse/d/a", bytes("kept"));
  expect((await stack.slh(["stack", "down"])).code).toBe(0);
  await up([SERVICES.seaweedfs], stack.home, { doing: () => {}, started: () => {} });
  expect(new TextDecoder().decode(await storeWith(keyOf("S3"), "d").read("s3://lakehouse/d/a"))).toBe("kept");
});

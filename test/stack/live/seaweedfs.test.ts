// SeaweedFS, as the stack starts it, under the suite that every object store passes.
import { randomUUID } from "node:crypto";
import { networkInterfaces } from "node:os";
import { ListMultipartUploadsCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isNative, PORTS, SERVICES, up } from "../../../lib/kit/stack/index.js";
import { S3Store } from "../../../lib/lakehouse/storage/index.js";
import { conformance } from "../../storage/support/conformance.js";
import { type OwnStack, ownStack } from "./support.js";

/** Its objects are files of the filer's, so that a key and one that continues below it cannot both be there. */
const GAPS = ["are a map from key to bytes, also where a key continues below another's, or ends in a slash"];

let stack: OwnStack;
beforeAll(async () => {
  stack = await ownStack();
  if (!isNative(SERVICES.seaweedfs)) throw new Error("it runs natively");
  await up([SERVICES.seaweedfs], stack.home, { doing: () => {}, started: () => {} });
});
afterAll(() => stack.dispose());

const endpoint = () => `http://127.0.0.1:${stack.home.port("seaweedfs", "s3")}`;
const keyOf = (of: "S3" | "S3_READER" | "S3_ADMIN") => {
  const place = stack.home.place("seaweedfs");
  if (place === undefined) throw new Error("the stack was started");
  return {
    accessKeyId: place.secret(`SLH_STACK_${of}_KEY`),
    secretAccessKey: place.secret(`SLH_STACK_${of}_SECRET`),
  };
};
const storeWith = (credentials: { accessKeyId: string; secretAccessKey: string }, prefix: string) =>
  new S3Store(`s3://lakehouse/${prefix}`, { endpoint: endpoint(), credentials, retryLimitMs: 0 });
const bytes = (text: string) => new TextEncoder().encode(text);

conformance(
  "S3Store on SeaweedFS",
  async () => {
    const prefix = `conformance-${randomUUID()}`;
    const credentials = keyOf("S3");
    const client = new S3Client({
      endpoint: endpoint(),
      credentials,
      region: "us-east-1",
      forcePathStyle: true,
    });
    return {
      store: new S3Store(`s3://lakehouse/${prefix}`, { endpoint: endpoint(), credentials }),
      openUploads: async () => {
        const open = await client.send(
          new ListMultipartUploadsCommand({ Bucket: "lakehouse", Prefix: prefix }),
        );
        return open.Uploads?.length ?? 0;
      },
      dispose: async () => client.destroy(),
    };
  },
  GAPS,
);

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
    const anonymous = await fetch(`${endpoint()}/lakehouse/k/a`, { method: "PUT", body: "a" });
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
    const bucket = await fetch(endpoint(), { method: "GET" });
    expect(bucket.status).toBe(403);
    const elsewhere = new S3Store("s3://elsewhere", {
      endpoint: endpoint(),
      credentials: keyOf("S3"),
      retryLimitMs: 0,
    });
    await expect(elsewhere.put("s3://elsewhere/a", bytes("a"))).rejects.toThrow(/access denied/i);
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
  if (isNative(SERVICES.seaweedfs))
    await up([SERVICES.seaweedfs], stack.home, { doing: () => {}, started: () => {} });
  expect(new TextDecoder().decode(await storeWith(keyOf("S3"), "d").read("s3://lakehouse/d/a"))).toBe("kept");
});

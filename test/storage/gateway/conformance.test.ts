import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { GetObjectCommand, ListMultipartUploadsCommand, S3Client } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { LocalStore, type ObjectStore, S3Store, serveS3 } from "../../../lib/lakehouse/storage/index.js";
import { conformance } from "../support/conformance.js";

conformance("S3Store on the gateway on LocalStore", async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), "slh-gateway-"));
  const local = new LocalStore(directory, { durable: false });
  const gateway = await serveS3(local);
  const { endpoint, bucket, credentials } = gateway;
  const client = new S3Client({ endpoint, credentials, region: "us-east-1", forcePathStyle: true });
  return {
    store: new S3Store(`s3://${bucket}/some/prefix`, { endpoint, credentials }),
    putBeneath: (uri, body) => local.put(uri.replace(`s3://${bucket}`, local.root), body),
    openUploads: async () =>
      (await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads?.length ?? 0,
    dispose: async () => {
      await gateway.stop();
      await rm(directory, { recursive: true });
    },
  };
});

test("an object that is replaced while it is read is one of its versions, whole, under its own tag", async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), "slh-gateway-"));
  const local = new LocalStore(directory, { durable: false });
  // Each version has a length and a content of its own, and many have more than one chunk.
  const version = (n: number) => Buffer.alloc(1 + ((n * 791_900) % 3_000_000), n % 251);
  const tags = new Map<string, number>();
  const put = async (n: number) => {
    const { etag } = await local.put(`${local.root}/ref`, version(n));
    tags.set(etag.replaceAll('"', ""), n);
  };
  /** How often the object is replaced between the look at it and its opening. */
  let races = 0;
  const racing: ObjectStore = {
    root: local.root,
    read: (uri, range) => local.read(uri, range),
    put: (uri, body, condition) => local.put(uri, body, condition),
    head: (uri) => local.head(uri),
    list: (prefix, options) => local.list(prefix, options),
    delete: (uris) => local.delete(uris),
    localPath: (uri) => local.localPath(uri),
    stream: async function* (uri, range) {
      if (races > 0) {
        races -= 1;
        await put(tags.size);
      }
      yield* local.stream(uri, range);
    },
  };
  const gateway = await serveS3(racing);
  const { endpoint, bucket, credentials } = gateway;
  const client = new S3Client({
    endpoint,
    credentials,
    region: "us-east-1",
    forcePathStyle: true,
    maxAttempts: 1,
  });
  const get = (Range?: string) => client.send(new GetObjectCommand({ Bucket: bucket, Key: "ref", Range }));
  await put(0);
  for (const again of [0, 1, 2, 5]) {
    races = again;
    const answer = await get();
    const body = (await answer.Body?.transformToByteArray()) as Uint8Array;
    expect(Buffer.compare(Buffer.from(body), version(tags.size - 1))).toBe(0);
    expect(tags.get((answer.ETag as string).replaceAll('"', ""))).toBe(tags.size - 1);
  }
  races = 1;
  const part = await get("bytes=0-0");
  const byte = (await part.Body?.transformToByteArray()) as Uint8Array;
  expect([...byte]).toEqual([(tags.size - 1) % 251]);
  expect(part.ContentRange).toBe(`bytes 0-0/${version(tags.size - 1).length}`);
  races = 1000;
  await expect(get()).rejects.toMatchObject({ name: "SlowDown" });
  client.destroy();
  await gateway.stop();
  await rm(directory, { recursive: true });
});

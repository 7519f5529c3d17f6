import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { GetObjectCommand, ListMultipartUploadsCommand, S3Client } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { LocalStore, S3Store, serveS3 } from "../../lib/lakehouse/storage/index.js";
import { conformance } from "./conformance.js";

conformance("S3Store on the gateway on LocalStore", async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), "slh-gateway-"));
  const gateway = await serveS3(new LocalStore(directory, { durable: false }));
  const { endpoint, bucket, credentials } = gateway;
  const client = new S3Client({ endpoint, credentials, region: "us-east-1", forcePathStyle: true });
  return {
    store: new S3Store(`s3://${bucket}/some/prefix`, { endpoint, credentials }),
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
  const gateway = await serveS3(local);
  const { endpoint, bucket, credentials } = gateway;
  const client = new S3Client({ endpoint, credentials, region: "us-east-1", forcePathStyle: true });
  // Each version has a length and a content of its own, and many have more than one chunk.
  const version = (n: number) => Buffer.alloc(1 + ((n * 7919) % 3_000_000), n % 251);
  const lengths = new Map<string, number>();
  const put = async (n: number) => {
    const { etag } = await local.put(`${local.root}/ref`, version(n));
    lengths.set(etag.replaceAll('"', ""), n);
  };
  await put(0);
  let done = false;
  const writing = (async () => {
    for (let n = 1; !done; n++) {
      await put(n);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })();
  const answers: { etag: string; body: Uint8Array }[] = [];
  const reading = async () => {
    for (let n = 0; n < 25; n++) {
      const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key: "ref" }));
      const body = (await answer.Body?.transformToByteArray()) as Uint8Array;
      answers.push({ etag: (answer.ETag as string).replaceAll('"', ""), body });
    }
  };
  await Promise.all([reading(), reading(), reading()]);
  done = true;
  await writing;
  for (const { etag, body } of answers) {
    const n = lengths.get(etag);
    expect(n).toBeDefined();
    expect(Buffer.compare(Buffer.from(body), version(n as number))).toBe(0);
  }
  expect(new Set(answers.map(({ etag }) => etag)).size).toBeGreaterThan(5);
  client.destroy();
  await gateway.stop();
  await rm(directory, { recursive: true });
});

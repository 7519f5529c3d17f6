import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LocalStore, type S3Gateway, serveS3 } from "../../../lib/lakehouse/storage/index.js";
import { startS3Server } from "../support/s3-server.js";

// The server that the suite of stores is pointed at is tested, or the tests fail: they never take another one for it.
let folder: string;
let gateway: S3Gateway;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slh-configured-"));
  gateway = await serveS3(new LocalStore(folder), { port: 0, bucket: "slh-test" });
});
afterAll(async () => {
  await gateway.stop();
  await rm(folder, { recursive: true });
});

const configured = (endpoint: string, accessKeyId: string, secret: string) => ({
  SLH_TEST_S3_ENDPOINT: endpoint,
  SLH_TEST_S3_ACCESS_KEY_ID: accessKeyId,
  SLH_TEST_S3_SECRET_ACCESS_KEY: secret,
});

test("a server that is configured and does not answer is an error", async () => {
  const nobody = configured("http://127.0.0.1:1", "a", "b");
  await expect(startS3Server(nobody, 0)).rejects.toThrow(/^http:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/);
});

test("so is one that refuses the key", async () => {
  const { endpoint, credentials } = gateway;
  const wrong = configured(endpoint, credentials.accessKeyId, "not the secret");
  await expect(startS3Server(wrong)).rejects.toThrow(endpoint);
});

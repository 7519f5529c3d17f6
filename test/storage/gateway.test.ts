import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { ListMultipartUploadsCommand, S3Client } from "@aws-sdk/client-s3";
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

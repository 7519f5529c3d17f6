import { randomUUID } from "node:crypto";
import { ListMultipartUploadsCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, describe, test } from "vitest";
import { S3Store } from "../../../lib/lakehouse/storage/index.js";
import { needs } from "../../support/needs.js";
import { conformance } from "../support/conformance.js";
import { startS3Server } from "../support/s3-server.js";

const server = await startS3Server();

if ("unavailable" in server) {
  describe("ObjectStore: S3Store", () => {
    test("passes the conformance suite on a real server", needs(false, server.unavailable), () => {});
  });
} else {
  afterAll(() => server.stop());
  const { endpoint, bucket, accessKeyId, secretAccessKey } = server;
  const credentials = { accessKeyId, secretAccessKey };
  conformance(
    `S3Store on ${server.name}`,
    async () => {
      const prefix = `conformance-${randomUUID()}`;
      const client = new S3Client({ endpoint, credentials, region: "us-east-1", forcePathStyle: true });
      return {
        store: new S3Store(`s3://${bucket}/${prefix}`, { endpoint, credentials }),
        openUploads: async () => {
          const open = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix }));
          return open.Uploads?.length ?? 0;
        },
        dispose: async () => client.destroy(),
      };
    },
    server.gaps,
  );
}

// SeaweedFS, as the stack starts it, under the suite that every object store passes.
import { randomUUID } from "node:crypto";
import { ListMultipartUploadsCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll } from "vitest";
import { SERVICES, up } from "../../../../lib/kit/stack/index.js";
import { S3Store } from "../../../../lib/lakehouse/storage/index.js";
import { conformance } from "../../../storage/support/conformance.js";
import { type OwnStack, ownStack } from "../support.js";

/** Its objects are files of the filer's, so that a key and one that continues below it cannot both be there. */
const GAPS = ["are a map from key to bytes, also where a key continues below another's, or ends in a slash"];

let stack: OwnStack;
beforeAll(async () => {
  stack = await ownStack();
  await up([SERVICES.seaweedfs], stack.home, { doing: () => {}, started: () => {} });
});
afterAll(() => stack.dispose());

conformance(
  "S3Store on SeaweedFS",
  async () => {
    const prefix = `conformance-${randomUUID()}`;
    const { endpoint, credentials } = stack.s3("S3");
    const client = new S3Client({ endpoint, credentials, region: "us-east-1", forcePathStyle: true });
    return {
      store: new S3Store(`s3://lakehouse/${prefix}`, { endpoint, credentials }),
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

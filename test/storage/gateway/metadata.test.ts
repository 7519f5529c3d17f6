import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, request as forward, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { HeadObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { LocalStore, type S3Gateway, S3Store, serveS3 } from "../../../lib/lakehouse/storage/index.js";
import { bytes, text } from "../support/bodies.js";

describe("user metadata of the gateway", () => {
  let directory: string;
  let gateway: S3Gateway;
  let client: S3Client;
  /** Between client and gateway: passes everything on, and loses the answer to what `loses` says, once. */
  let wire: Server;
  let loses: RegExp | undefined;
  let seen: string[];
  let store: S3Store;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), "slh-metadata-"));
    gateway = await serveS3(new LocalStore(directory, { durable: false }));
    client = new S3Client({ ...gateway, region: "us-east-1", forcePathStyle: true });
    const { hostname, port } = new URL(gateway.endpoint);
    wire = createServer((request, response) => {
      const { method = "", url = "", headers } = request;
      const onward = forward({ hostname, port, method, path: url, headers }, (answer) => {
        seen.push(`${method} ${answer.statusCode}`);
        if (!loses?.test(`${method} ${url}`)) {
          response.writeHead(answer.statusCode ?? 500, answer.headers);
          answer.pipe(response);
          return;
        }
        loses = undefined;
        response.destroy();
      });
      request.pipe(onward);
    });
    await new Promise<void>((resolve) => wire.listen(0, "127.0.0.1", resolve));
    const endpoint = `http://127.0.0.1:${(wire.address() as AddressInfo).port}`;
    store = new S3Store("s3://lake", { endpoint, credentials: gateway.credentials });
  });
  beforeEach(() => {
    seen = [];
  });
  afterAll(async () => {
    client.destroy();
    wire.closeAllConnections();
    await new Promise((resolve) => wire.close(resolve));
    await gateway.stop();
    await rm(directory, { recursive: true });
  });

  const metadataOf = async (Key: string) =>
    (await client.send(new HeadObjectCommand({ Bucket: "lake", Key }))).Metadata;

  test("comes back with the object that it was put with, and not with the next one", async () => {
    const put = (Body: string, Metadata?: Record<string, string>) =>
      client.send(
        new PutObjectCommand({ Bucket: "lake", Key: "a", Body, ...(Metadata ? { Metadata } : {}) }),
      );
    await put("one", { colour: "blue", size: "3" });
    expect(await metadataOf("a")).toEqual({ colour: "blue", size: "3" });
    await put("two");
    expect(await metadataOf("a")).toEqual({});
  });

  test("lets a client know its own conditional put again whose answer was lost", async () => {
    loses = /^PUT/;
    const first = await store.put("s3://lake/new", bytes("mine"), { ifAbsent: true });
    expect(seen).toEqual(["PUT 200", "PUT 412", "HEAD 200"]);
    loses = /^PUT/;
    const second = await store.put("s3://lake/new", bytes("mine too"), { ifEtag: first.etag });
    expect(await store.head("s3://lake/new")).toMatchObject({ etag: second.etag });
    expect(text(await store.read("s3://lake/new"))).toBe("mine too");
  });

  test.each([undefined, { ifAbsent: true } as const])(
    "also when it came in parts, condition %j",
    async (condition) => {
      const uri = `s3://lake/${randomUUID()}`;
      const body = randomBytes(9 * 2 ** 20);
      loses = /^POST .*uploadId/;
      expect(await store.put(uri, body, condition)).toMatchObject({ uri, size: body.byteLength });
      // Completing what is completed already: the upload is gone, and that must not read as a failure.
      expect(seen).toContain("POST 404");
      expect(Buffer.from(await store.read(uri)).equals(body)).toBe(true);
    },
  );

  test("does not hide that another one came first", async () => {
    await store.put("s3://lake/taken", bytes("theirs"), { ifAbsent: true });
    loses = /^PUT/;
    await expect(store.put("s3://lake/taken", bytes("mine"), { ifAbsent: true })).rejects.toMatchObject({
      code: "PRECONDITION_FAILED",
    });
  });
});

import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { connect } from "node:net";
import os from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { crc32 } from "node:zlib";
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  S3Client,
  type S3ServiceException,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LakehouseError } from "../../../lib/lakehouse/errors.js";
import { toFault } from "../../../lib/lakehouse/storage/gateway/fault.js";
import { LocalStore, type S3Gateway, S3Store, serveS3 } from "../../../lib/lakehouse/storage/index.js";
import { bytes, text } from "../support/bodies.js";
import { sendSigned } from "../support/signed.js";

describe("serveS3", () => {
  let directory: string;
  let gateway: S3Gateway;
  let client: S3Client;
  let store: LocalStore;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), "slh-serve-"));
    store = new LocalStore(path.join(directory, "root"), { durable: false });
    gateway = await serveS3(store);
    client = new S3Client({ ...gateway, region: "us-east-1", forcePathStyle: true, maxAttempts: 1 });
  });
  afterAll(async () => {
    client.destroy();
    await gateway.stop();
    await rm(directory, { recursive: true });
  });

  const Bucket = "lake";
  const failure = (sending: Promise<unknown>): Promise<S3ServiceException> =>
    sending.then(
      () => Promise.reject(new Error("it succeeded")),
      (error: S3ServiceException) => error,
    );

  test("listens on the loopback address, with a key of its own", () => {
    expect(gateway.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(gateway.credentials.secretAccessKey.length).toBeGreaterThanOrEqual(32);
  });

  test("says what S3 says when something is missing or not allowed", async () => {
    const wrongKey = new S3Store("s3://lake", {
      endpoint: gateway.endpoint,
      credentials: { ...gateway.credentials, secretAccessKey: "wrong" },
    });
    await expect(wrongKey.read("s3://lake/a")).rejects.toMatchObject({
      code: "STORAGE_FAILED",
      message: expect.stringContaining("access denied"),
    });
    const noBucket = new S3Store("s3://other", gateway);
    await expect(noBucket.read("s3://other/a")).rejects.toMatchObject({
      code: "STORAGE_FAILED",
      message: expect.stringContaining("no such bucket"),
    });
    expect((await failure(client.send(new GetObjectCommand({ Bucket, Key: "none" })))).name).toBe(
      "NoSuchKey",
    );
    const versioned = client.send(new GetObjectCommand({ Bucket, Key: "none", VersionId: "1" }));
    expect(await failure(versioned)).toMatchObject({
      name: "NotImplemented",
      $metadata: { httpStatusCode: 501 },
    });
    const anonymous = await fetch(`${gateway.endpoint}/lake/none`);
    expect(anonymous.status).toBe(403);
    expect(await anonymous.text()).toMatch(/<Error><Code>AccessDenied<\/Code>.*<RequestId>/);
  });

  test("stores nothing of a body whose checksum is wrong", async () => {
    const Body = bytes("the body");
    const sha256 = createHash("sha256").update("another").digest("base64");
    for (const wrong of [{ ChecksumSHA256: sha256 }, { ContentMD5: "1B2M2Y8AsgTpgAmY7PhCfg==" }]) {
      const put = client.send(new PutObjectCommand({ Bucket, Key: "wrong", Body, ...wrong }));
      expect((await failure(put)).name).toBe("BadDigest");
    }
    expect(await store.head(`${store.root}/wrong`)).toBeUndefined();
  });

  test("lets no key out of the store's directory", async () => {
    for (const Key of ["../outside", "a/../../outside", "..", "./a", "a//b", ".slh/tmp/x"]) {
      const put = await failure(client.send(new PutObjectCommand({ Bucket, Key, Body: bytes("x") })));
      expect(put.$metadata.httpStatusCode).toBeGreaterThanOrEqual(400);
      const get = await failure(client.send(new GetObjectCommand({ Bucket, Key })));
      expect(get.$metadata.httpStatusCode).toBeGreaterThanOrEqual(400);
    }
    expect(await readdir(directory)).toEqual(["root"]);
  });

  test("has no key that was never put, whatever it looks like: 404", async () => {
    await store.put(`${store.root}/dir/file`, bytes("x"));
    for (const Key of [
      "dir",
      "dir/",
      "dir//",
      "none/",
      "a//b",
      "../x",
      "a/./b",
      ".slh/x",
      "x".repeat(400),
      "dir/file/x",
    ]) {
      const get = await failure(client.send(new GetObjectCommand({ Bucket, Key })));
      expect([Key, get.name, get.$metadata.httpStatusCode]).toEqual([Key, "NoSuchKey", 404]);
      const head = await failure(client.send(new HeadObjectCommand({ Bucket, Key })));
      expect([Key, head.$metadata.httpStatusCode]).toEqual([Key, 404]);
    }
  });

  test("refuses for good what it cannot hold with a 4xx that says why, and no path of this machine", async () => {
    for (const [Key, why] of [
      ["a//b", "empty"],
      ["a/../b", '".." segment'],
      ["./a", '"." segment'],
      [".slh/tmp/x", "reserved"],
      ["a/.slh-object", "reserved"],
      ["x".repeat(400), "cannot hold this name"],
    ] as const) {
      const put = await failure(client.send(new PutObjectCommand({ Bucket, Key, Body: bytes("x") })));
      expect([put.name, put.$metadata.httpStatusCode]).toEqual(["InvalidURI", 400]);
      expect(put.message).toContain(why);
      expect(put.message).not.toContain(directory);
    }
  });

  test("holds a key below another's, and one with a slash at its end; and lists them as S3 does", async () => {
    const keys = ["nest", "nest/", "nest-1", "nest/a", "nest/a/b", "nest/a/", "nest/a.x"];
    for (const Key of keys) await client.send(new PutObjectCommand({ Bucket, Key, Body: bytes(Key) }));
    for (const Key of keys) {
      const got = await client.send(new GetObjectCommand({ Bucket, Key }));
      expect(await got.Body?.transformToString()).toBe(Key);
    }
    const page = async (more: object) => {
      const { Contents = [], CommonPrefixes = [] } = (await client.send(
        new ListObjectsV2Command({ Bucket, ...more }),
      )) as ListObjectsV2CommandOutput;
      return [Contents.map((one) => one.Key), CommonPrefixes.map((one) => one.Prefix)];
    };
    const sorted = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(await page({ Prefix: "nest" })).toEqual([sorted, []]);
    expect(await page({ Prefix: "nest", Delimiter: "/" })).toEqual([["nest", "nest-1"], ["nest/"]]);
    expect(await page({ Prefix: "nest/", Delimiter: "/" })).toEqual([
      ["nest/", "nest/a", "nest/a.x"],
      ["nest/a/"],
    ]);
    expect(await page({ Prefix: "nest/", Delimiter: "/", StartAfter: "nest/a/" })).toEqual([[], ["nest/a/"]]);
    const seen: unknown[] = [];
    let ContinuationToken: string | undefined;
    do {
      const one = (await client.send(
        new ListObjectsV2Command({ Bucket, Prefix: "nest", MaxKeys: 2, ContinuationToken }),
      )) as ListObjectsV2CommandOutput;
      seen.push(...(one.Contents ?? []).map(({ Key }) => Key));
      ContinuationToken = one.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    expect(seen).toEqual(sorted);
    await client.send(new DeleteObjectCommand({ Bucket, Key: "nest" }));
    expect((await failure(client.send(new GetObjectCommand({ Bucket, Key: "nest" })))).name).toBe(
      "NoSuchKey",
    );
    expect(await page({ Prefix: "nest" })).toEqual([sorted.filter((key) => key !== "nest"), []]);
  });

  test("gives SDKs for Java the MD5 that they hold a put's answer against, and takes it in conditions", async () => {
    const java = { "user-agent": "Hadoop 3.3.4, aws-sdk-java/1.12.262 Linux/6.1 OpenJDK" };
    const md5 = (body: string) => createHash("md5").update(body).digest("hex");
    const put = (headers: Record<string, string>, body: string) =>
      sendSigned(
        gateway,
        "PUT",
        "/lake/java",
        { "x-amz-content-sha256": createHash("sha256").update(body).digest("hex"), ...headers },
        body,
      );
    expect(await put(java, "one")).toMatchObject({ status: 200, etag: `"${md5("one")}"` });
    // Any other client has the store's own etag, which no SDK takes for an MD5.
    const { etag } = await put({}, "one");
    expect(etag).toMatch(/^"[0-9a-z]+-[0-9a-z]+-[0-9a-z]+"$/);
    expect((await client.send(new HeadObjectCommand({ Bucket, Key: "java" }))).ETag).toBe(etag);
    expect(await put({ "if-match": `"${md5("two")}"` }, "three")).toMatchObject({ status: 412 });
    expect(await put({ "if-match": `"${md5("one")}"` }, "two")).toMatchObject({ status: 200 });
    const get = new GetObjectCommand({ Bucket, Key: "java", IfMatch: md5("two") });
    expect(await (await client.send(get)).Body?.transformToString()).toBe("two");
    const same = new GetObjectCommand({ Bucket, Key: "java", IfNoneMatch: md5("two") });
    expect((await failure(client.send(same))).$metadata.httpStatusCode).toBe(304);
  });

  test("answers what may pass with a 5xx, and what will not with a 4xx", async () => {
    const failing = (code: string) => Object.assign(new Error(code), { code });
    for (const [code, status, name] of [
      ["ENOSPC", 503, "SlowDown"],
      ["EIO", 500, "InternalError"],
      ["EACCES", 403, "AccessDenied"],
      ["EROFS", 403, "AccessDenied"],
      ["ENOTEMPTY", 400, "InvalidRequest"],
    ] as const) {
      const cause = failing(code);
      const error = new LakehouseError("STORAGE_FAILED", "x", "at /secret/path", undefined, cause);
      const fault = toFault(error, { store, bucket: Bucket });
      expect([fault.status, fault.code]).toEqual([status, name]);
      expect(fault.message).not.toContain("/secret");
    }
  });

  test("lists with delimiter, start-after and pages of any size, also when it forgot the listing", async () => {
    const keys = ["a/1", "a/2", "b", "c/1", "c/2/3", "d e&f", "ü"];
    for (const key of keys) await store.put(`${store.root}/list/${key}`, bytes(key));
    const page = (more: object) =>
      client.send(
        new ListObjectsV2Command({ Bucket, Prefix: "list/", ...more }),
      ) as Promise<ListObjectsV2CommandOutput>;
    const names = ({ Contents = [], CommonPrefixes = [] }: ListObjectsV2CommandOutput) => [
      ...Contents.map(({ Key }) => Key?.slice(5)),
      ...CommonPrefixes.map(({ Prefix }) => Prefix?.slice(5)),
    ];
    expect(names(await page({ Delimiter: "/" }))).toEqual(["b", "d e&f", "ü", "a/", "c/"]);
    expect(names(await page({ StartAfter: "list/b" }))).toEqual(["c/1", "c/2/3", "d e&f", "ü"]);
    for (const [MaxKeys, Delimiter] of [
      [1, undefined],
      [2, undefined],
      [2, "/"],
      [7, undefined],
    ] as const) {
      const seen: (string | undefined)[] = [];
      let token: string | undefined;
      do {
        const one = await page({
          MaxKeys,
          ...(Delimiter ? { Delimiter } : {}),
          ...(token ? { ContinuationToken: token } : {}),
        });
        // The same page once more: a client whose answer was lost asks again.
        const again = await page({
          MaxKeys,
          ...(Delimiter ? { Delimiter } : {}),
          ...(token ? { ContinuationToken: token } : {}),
        });
        expect(names(again)).toEqual(names(one));
        seen.push(...names(one));
        token = one.NextContinuationToken;
      } while (token !== undefined);
      expect(seen.sort()).toEqual(Delimiter ? ["a/", "b", "c/", "d e&f", "ü"] : keys);
    }
    expect(names(await page({ MaxKeys: 0 }))).toEqual([]);
    expect(names(await page({ Prefix: "list/../" }))).toEqual([]);
  });

  test("completes a multipart upload only of the parts that were sent, in order, large enough", async () => {
    const Key = "parts";
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const part = async (PartNumber: number, size: number) => {
      const sent = new UploadPartCommand({
        Bucket,
        Key,
        UploadId,
        PartNumber,
        Body: new Uint8Array(size).fill(PartNumber),
      });
      return { PartNumber, ETag: (await client.send(sent)).ETag };
    };
    const [first, second, small] = [await part(1, 5 * 2 ** 20), await part(2, 10), await part(3, 10)];
    const complete = (Parts: object[]) =>
      client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
    expect((await failure(complete([]))).name).toBe("MalformedXML");
    expect((await failure(complete([second, first]))).name).toBe("InvalidPartOrder");
    expect((await failure(complete([first, { PartNumber: 4, ETag: "x" }]))).name).toBe("InvalidPart");
    expect((await failure(complete([first, { ...second, ETag: first.ETag }]))).name).toBe("InvalidPart");
    expect((await failure(complete([first, second, small]))).name).toBe("EntityTooSmall");
    expect(await store.head(`${store.root}/parts`)).toBeUndefined();
    await complete([first, second]);
    const got = await store.read(`${store.root}/parts`);
    expect([got.byteLength, got[0], got.at(-1)]).toEqual([5 * 2 ** 20 + 10, 1, 2]);
    expect((await failure(complete([first, second]))).name).toBe("NoSuchUpload");
  });

  test("survives what is no HTTP, and clients that go away in the middle of a body", async () => {
    const port = Number(new URL(gateway.endpoint).port);
    for (const garbage of [
      "garbage\r\n\r\n",
      "PUT /lake/%zz HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc",
    ]) {
      await new Promise<void>((resolve) => {
        const socket = connect(port, "127.0.0.1", () => socket.end(garbage));
        socket.on("close", () => resolve());
        socket.on("error", () => undefined);
        socket.resume();
      });
    }
    const controller = new AbortController();
    async function* endless() {
      for (let i = 0; ; i++) {
        if (i === 20) controller.abort();
        yield new Uint8Array(100_000);
      }
    }
    const put = client.send(
      new PutObjectCommand({
        Bucket,
        Key: "aborted",
        Body: Readable.from(endless()),
        ContentLength: 50_000_000,
      }),
      { abortSignal: controller.signal },
    );
    await expect(put).rejects.toThrow();
    await client.send(new PutObjectCommand({ Bucket, Key: "alive", Body: bytes("yes") }));
    expect(await store.head(`${store.root}/aborted`)).toBeUndefined();
    expect(text(await store.read(`${store.root}/alive`))).toBe("yes");
  });

  test("takes a stream whose checksum comes in a trailer", async () => {
    for (const ChecksumAlgorithm of ["CRC32", "CRC32C", "SHA256"] as const) {
      const Body = Readable.from([bytes("in "), bytes("pieces")]);
      await client.send(
        new PutObjectCommand({ Bucket, Key: "trailer", Body, ContentLength: 9, ChecksumAlgorithm }),
      );
      expect(text(await store.read(`${store.root}/trailer`))).toBe("in pieces");
    }
  });

  test("stores nothing of a body whose signed digest, length or trailing checksum is wrong", async () => {
    const put = (payload: string, headers: Record<string, string>, body: string) =>
      sendSigned(gateway, "PUT", "/lake/forged", { "x-amz-content-sha256": payload, ...headers }, body);
    const digest = createHash("sha256").update("the body").digest("hex");
    expect(await put(digest, {}, "the body")).toMatchObject({ status: 200 });
    await store.delete([`${store.root}/forged`]);
    expect(await put(digest, {}, "The body")).toMatchObject({
      status: 400,
      code: "XAmzContentSHA256Mismatch",
    });

    const trailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
    const chunked = (length: number) => ({
      "content-encoding": "aws-chunked",
      "x-amz-decoded-content-length": String(length),
      "x-amz-trailer": "x-amz-checksum-crc32",
    });
    const body = (crc: string) => `8\r\nthe body\r\n0\r\nx-amz-checksum-crc32:${crc}\r\n\r\n`;
    expect(await put(trailer, chunked(8), body("pyILyQ=="))).toMatchObject({
      status: 400,
      code: "BadDigest",
    });
    expect(await put(trailer, chunked(8), "8\r\nthe body\r\n0\r\n\r\n")).toMatchObject({ code: "BadDigest" });
    const right = Buffer.alloc(4);
    right.writeUInt32BE(crc32("the body"));
    expect(await put(trailer, chunked(9), body(right.toString("base64")))).toMatchObject({
      code: "IncompleteBody",
    });
    expect(await put(trailer, chunked(7), body(right.toString("base64")))).toMatchObject({
      code: "IncompleteBody",
    });
    expect(await put("STREAMING-UNKNOWN", chunked(8), "")).toMatchObject({ code: "NotImplemented" });
    expect(await store.head(`${store.root}/forged`)).toBeUndefined();
    expect(await put(trailer, chunked(8), body(right.toString("base64")))).toMatchObject({ status: 200 });
    expect(text(await store.read(`${store.root}/forged`))).toBe("the body");
  });

  test("refuses bucket names that are none, and a port that is taken", async () => {
    await expect(serveS3(store, { bucket: "No_Bucket" })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    const port = Number(new URL(gateway.endpoint).port);
    await expect(serveS3(store, { port })).rejects.toMatchObject({ code: "STORAGE_FAILED" });
  });
});

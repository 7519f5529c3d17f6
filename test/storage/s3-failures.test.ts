import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { S3Store } from "../../lib/lakehouse/storage/index.js";
import { bytes, chunks, collect, text } from "./bodies.js";

/*
 * What real servers do seldom and at no one's command: lost answers, broken bodies, conflicts, partial failures.
 */

type Handler = (request: IncomingMessage, response: ServerResponse, body: string, count: number) => void;

describe("S3Store when the service misbehaves", () => {
  let server: Server | undefined;
  afterEach(async () => {
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
  });

  /** A store on a server that answers as told; `seen` lists the methods and paths that arrived. */
  async function storeOn(handler: Handler): Promise<{ store: S3Store; seen: string[] }> {
    const seen: string[] = [];
    server = createServer(async (request, response) => {
      const body = text(await collect(request));
      const key = `${request.method} ${(request.url ?? "").replace(/\?x-id=\w+$/, "")}`;
      seen.push(key);
      handler(request, response, body, seen.filter((one) => one === key).length);
    });
    await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const credentials = { accessKeyId: "a", secretAccessKey: "b" };
    const options = { endpoint: `http://127.0.0.1:${port}`, credentials, maxAttempts: 3 };
    return { store: new S3Store("s3://bucket", options), seen };
  }

  const uri = "s3://bucket/key";
  const error = (response: ServerResponse, status: number, code: string) => {
    response.writeHead(status, { "content-type": "application/xml" });
    response.end(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`);
  };
  const ok = (response: ServerResponse, headers: Record<string, string | number>, body = "") => {
    response.writeHead(200, { etag: '"e"', ...headers });
    response.end(body);
  };

  it("knows its own work again when the answer to a conditional put was lost", async () => {
    let stored: string | undefined;
    const { store, seen } = await storeOn((request, response, _, count) => {
      if (request.method === "HEAD")
        return ok(response, { "x-amz-meta-slh-put": stored ?? "", "content-length": 3 });
      if (count > 1) return error(response, 412, "PreconditionFailed");
      stored = String(request.headers["x-amz-meta-slh-put"]);
      response.destroy();
    });
    expect(await store.put(uri, bytes("abc"), { ifAbsent: true })).toMatchObject({
      uri,
      size: 3,
      etag: '"e"',
    });
    expect(seen).toEqual(["PUT /bucket/key", "PUT /bucket/key", "HEAD /bucket/key"]);
  });

  it("and does not take another's for its own", async () => {
    const { store } = await storeOn((request, response, _, count) => {
      if (request.method === "HEAD")
        return ok(response, { "x-amz-meta-slh-put": "another's", "content-length": 3 });
      if (count > 1) return error(response, 412, "PreconditionFailed");
      response.destroy();
    });
    await expect(store.put(uri, bytes("abc"), { ifAbsent: true })).rejects.toMatchObject({
      code: "PRECONDITION_FAILED",
    });
  });

  it("a plain 412 is PRECONDITION_FAILED at once, and so is 404 for ifEtag", async () => {
    const { store, seen } = await storeOn((request, response) =>
      request.headers["if-match"]
        ? error(response, 404, "NoSuchKey")
        : error(response, 412, "PreconditionFailed"),
    );
    await expect(store.put(uri, bytes("abc"), { ifAbsent: true })).rejects.toMatchObject({
      code: "PRECONDITION_FAILED",
    });
    await expect(store.put(uri, bytes("abc"), { ifEtag: '"x"' })).rejects.toMatchObject({
      code: "PRECONDITION_FAILED",
    });
    expect(seen).toEqual(["PUT /bucket/key", "PUT /bucket/key"]);
  });

  it("sends again after 409 ConditionalRequestConflict", async () => {
    const { store, seen } = await storeOn((_, response, __, count) =>
      count < 4 ? error(response, 409, "ConditionalRequestConflict") : ok(response, {}),
    );
    await store.put(uri, bytes("abc"), { ifAbsent: true });
    expect(seen).toHaveLength(4);
  });

  it("a conflict that does not end is PRECONDITION_FAILED when another object is there, else STORAGE_FAILED", async () => {
    let there = true;
    const { store } = await storeOn((request, response) => {
      if (request.method !== "HEAD") return error(response, 409, "ConditionalRequestConflict");
      if (there) ok(response, { "content-length": 1 });
      else response.writeHead(404).end();
    });
    await expect(store.put(uri, bytes("a"), { ifAbsent: true })).rejects.toMatchObject({
      code: "PRECONDITION_FAILED",
    });
    there = false;
    await expect(store.put(uri, bytes("a"), { ifAbsent: true })).rejects.toMatchObject({
      code: "STORAGE_FAILED",
    });
  });

  it("tries again after 503, and gives up with STORAGE_FAILED", async () => {
    const { store, seen } = await storeOn((_, response, __, count) =>
      count < 3 ? error(response, 503, "SlowDown") : ok(response, { "content-length": 2 }, "ok"),
    );
    expect(text(await store.read(uri))).toBe("ok");
    expect(seen).toHaveLength(3);
    server?.removeAllListeners("request");
    server?.on("request", (_, response: ServerResponse) => error(response, 503, "SlowDown"));
    await expect(store.read(uri)).rejects.toMatchObject({ code: "STORAGE_FAILED", subject: uri });
  });

  it("goes on reading where a body broke off, on the same version", async () => {
    const body = "0123456789".repeat(10_000);
    const ranges: unknown[] = [];
    const { store } = await storeOn((request, response, _, count) => {
      ranges.push([request.headers.range, request.headers["if-match"]]);
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
      const rest = body.slice(from);
      const headers = { etag: '"v1"', "content-length": rest.length };
      if (from === 0) response.writeHead(200, headers);
      else
        response.writeHead(206, {
          ...headers,
          "content-range": `bytes ${from}-${body.length - 1}/${body.length}`,
        });
      if (count === 3) return response.end(rest);
      response.write(rest.slice(0, 30_000), () => setTimeout(() => response.destroy(), 20));
    });
    expect(text(await store.read(uri))).toBe(body);
    expect(ranges).toEqual([
      [undefined, undefined],
      ["bytes=30000-99999", '"v1"'],
      ["bytes=60000-99999", '"v1"'],
    ]);
  });

  it("does not join the halves of two versions", async () => {
    const { store } = await storeOn((_, response, __, count) => {
      if (count > 1) return error(response, 412, "PreconditionFailed");
      response.writeHead(200, { etag: '"v1"', "content-length": 10 });
      response.write("01234", () => setTimeout(() => response.destroy(), 20));
    });
    await expect(store.read(uri)).rejects.toMatchObject({
      code: "STORAGE_FAILED",
      message: expect.stringContaining("changed while it was read"),
    });
  });

  it("notices a wrong checksum", async () => {
    const { store } = await storeOn((_, response) =>
      ok(response, { "content-length": 3, "x-amz-checksum-crc32": "AAAAAA==" }, "abc"),
    );
    await expect(store.read(uri)).rejects.toMatchObject({ code: "STORAGE_FAILED" });
  });

  it("tells which of many deletes failed, after trying those again", async () => {
    const asked: string[][] = [];
    const { store } = await storeOn((_, response, body) => {
      const keys = [...body.matchAll(/<Key>(.*?)<\/Key>/g)].map((match) => match[1] ?? "");
      asked.push(keys);
      const failing = keys.filter(
        (key) => key.startsWith("locked") || (key === "slow" && asked.length === 1),
      );
      const errors = failing.map(
        (key) => `<Error><Key>${key}</Key><Code>AccessDenied</Code><Message>no</Message></Error>`,
      );
      ok(response, {}, `<DeleteResult>${errors.join("")}</DeleteResult>`);
    });
    await expect(
      store.delete(["a", "slow", "locked"].map((key) => `s3://bucket/${key}`)),
    ).rejects.toMatchObject({
      code: "STORAGE_FAILED",
      subject: "s3://bucket/locked",
      message: expect.stringContaining("Could not delete 1 of 3 objects (AccessDenied: no)"),
    });
    expect(asked[0]).toEqual(["a", "slow", "locked"]);
    expect(asked[1]).toEqual(["slow", "locked"]);
    expect(asked.at(-1)).toEqual(["locked"]);
  });

  it("deletes 2,500 keys in three requests", async () => {
    const counts: number[] = [];
    const { store } = await storeOn((_, response, body) => {
      counts.push(body.split("<Key>").length - 1);
      ok(response, {}, "<DeleteResult/>");
    });
    await store.delete(Array.from({ length: 2500 }, (_, i) => `s3://bucket/${i}`));
    expect(counts).toEqual([1000, 1000, 500]);
  });

  it("aborts a multipart upload when a part fails for good", async () => {
    const { store, seen } = await storeOn((request, response) => {
      if (request.url?.includes("?uploads")) {
        return ok(
          response,
          {},
          "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>",
        );
      }
      if (request.method === "DELETE") return response.writeHead(204).end();
      if (request.url?.includes("partNumber=2")) return error(response, 400, "BadDigest");
      ok(response, {});
    });
    const body = chunks(Array.from({ length: 20 }, () => new Uint8Array(1_000_000)));
    await expect(store.put(uri, body)).rejects.toMatchObject({ code: "STORAGE_FAILED" });
    expect(seen.at(-1)).toMatch(/^DELETE .*uploadId=u1/);
    expect(seen.filter((one) => one.startsWith("POST"))).toHaveLength(1);
  });

  it("says that nobody answers", async () => {
    const credentials = { accessKeyId: "a", secretAccessKey: "b" };
    const store = new S3Store("s3://bucket", { endpoint: "http://127.0.0.1:1", credentials, maxAttempts: 1 });
    await expect(store.head(uri)).rejects.toMatchObject({
      code: "STORAGE_FAILED",
      remedy: "Check that the service can be reached.",
    });
  });
});

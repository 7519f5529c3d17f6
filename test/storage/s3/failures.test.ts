import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import { S3Store } from "../../../lib/lakehouse/storage/index.js";
import { fromS3 } from "../../../lib/lakehouse/storage/s3/failure.js";
import { bytes, chunks, text } from "../support/bodies.js";
import { error, ok, storeOn, uri } from "../support/unruly-s3.js";

describe("S3Store when the service misbehaves", () => {
  test("knows its own work again when the answer to a conditional put was lost", async () => {
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

  test("and does not take another's for its own", async () => {
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

  test("a plain 412 is PRECONDITION_FAILED at once, and so is 404 for ifEtag", async () => {
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

  test("sends again after 409 ConditionalRequestConflict", async () => {
    const { store, seen } = await storeOn((_, response, __, count) =>
      count < 4 ? error(response, 409, "ConditionalRequestConflict") : ok(response, {}),
    );
    await store.put(uri, bytes("abc"), { ifAbsent: true });
    expect(seen).toHaveLength(4);
  });

  test("a conflict that does not end is PRECONDITION_FAILED when another object is there, else STORAGE_FAILED", async () => {
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

  test("tries again after 503, and gives up with STORAGE_FAILED", async () => {
    const { store, seen, server } = await storeOn((_, response, __, count) =>
      count < 3 ? error(response, 503, "SlowDown") : ok(response, { "content-length": 2 }, "ok"),
    );
    expect(text(await store.read(uri))).toBe("ok");
    expect(seen).toHaveLength(3);
    server.removeAllListeners("request");
    server.on("request", (_, response) => error(response, 503, "SlowDown"));
    await expect(store.read(uri)).rejects.toMatchObject({ code: "STORAGE_FAILED", subject: uri });
  });

  test("takes the service's clock where its own is wrong, and says so where that does not help", async () => {
    const skewed = (response: ServerResponse) => {
      response.setHeader("date", new Date(Date.now() + 3_600_000).toUTCString());
      error(response, 403, "RequestTimeTooSkewed");
    };
    const { store } = await storeOn((_request, response, _body, count) =>
      count === 1 ? skewed(response) : ok(response, {}, "late"),
    );
    expect(text(await store.read(uri))).toBe("late");
    const { store: never } = await storeOn((_request, response) => skewed(response), { retryLimitMs: 0 });
    await expect(never.read(uri)).rejects.toMatchObject({
      code: "STORAGE_FAILED",
      message: expect.stringContaining("clock"),
    });
  });

  test("goes on reading where a body broke off, on the same version", async () => {
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

  test("does not join the halves of two versions", async () => {
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

  test("waits for a service that is away, longer than any count of tries would", async () => {
    let away = true;
    const { store, seen } = await storeOn(
      (_, response) => {
        if (away) return seen.length % 2 ? response.destroy() : error(response, 503, "SlowDown");
        ok(response, { "content-length": 2 }, "ok");
      },
      { retryLimitMs: 20_000, retryDelayMs: 1, retryMaxDelayMs: 2 },
    );
    // A hundred retries of the client together, after which the SDK's own quota is empty.
    const reads = Array.from({ length: 10 }, () => store.read(uri));
    while (seen.length < 300) await new Promise((resolve) => setTimeout(resolve, 5));
    away = false;
    expect((await Promise.all(reads)).map(text)).toEqual(Array(10).fill("ok"));
  });

  test("gives up at the limit, not before and not long after", async () => {
    const { store } = await storeOn((_, response) => error(response, 503, "SlowDown"), {
      retryLimitMs: 400,
      retryDelayMs: 5,
      retryMaxDelayMs: 50,
    });
    const start = performance.now();
    await expect(store.head(uri)).rejects.toMatchObject({ code: "STORAGE_FAILED" });
    expect(performance.now() - start).toBeGreaterThanOrEqual(390);
  });

  test("does not send again what will never be answered otherwise", async () => {
    for (const [status, code] of [
      [400, "InvalidRequest"],
      [403, "AccessDenied"],
      [501, "NotImplemented"],
    ] as const) {
      const { store, seen } = await storeOn((_, response) => error(response, status, code));
      await expect(store.read(uri)).rejects.toMatchObject({ code: "STORAGE_FAILED" });
      expect(seen).toHaveLength(1);
    }
  });

  test("a put is settled when the service comes back: applied once, and known as its own", async () => {
    let stored: string | undefined;
    const puts: number[] = [];
    const { store } = await storeOn(
      (request, response, body) => {
        if (request.method === "HEAD")
          return ok(response, { "x-amz-meta-slh-put": stored ?? "", "content-length": 3 });
        puts.push(body.length);
        if (stored !== undefined) return error(response, 412, "PreconditionFailed");
        if (puts.length < 40) return error(response, 503, "ServiceUnavailable");
        stored = String(request.headers["x-amz-meta-slh-put"]);
        response.destroy();
      },
      { retryLimitMs: 20_000, retryDelayMs: 1, retryMaxDelayMs: 2 },
    );
    expect(await store.put(uri, bytes("abc"), { ifAbsent: true })).toMatchObject({ etag: '"e"' });
    expect(puts.length).toBe(41);
  });

  test("knows its own work by its bytes where the service lost the metadata", async () => {
    for (const there of ["abc", "xyz"]) {
      const { store } = await storeOn((request, response, _, count) => {
        if (request.method === "HEAD") return ok(response, { "content-length": 3 });
        if (request.method === "GET") return ok(response, { "content-length": 3 }, there);
        if (count > 1) return error(response, 412, "PreconditionFailed");
        response.destroy();
      });
      const put = store.put(uri, bytes("abc"), { ifEtag: '"old"' });
      if (there === "abc") expect(await put).toMatchObject({ etag: '"e"' });
      else await expect(put).rejects.toMatchObject({ code: "PRECONDITION_FAILED" });
    }
  });

  test("a lost answer is not forgotten over a conflict", async () => {
    let stored = "";
    const { store } = await storeOn((request, response, _, count) => {
      if (request.method === "HEAD")
        return ok(response, { "x-amz-meta-slh-put": stored, "content-length": 3 });
      if (count === 1) {
        stored = String(request.headers["x-amz-meta-slh-put"]);
        return response.destroy();
      }
      if (count === 2) return error(response, 409, "ConditionalRequestConflict");
      error(response, 412, "PreconditionFailed");
    });
    expect(await store.put(uri, bytes("abc"), { ifAbsent: true })).toMatchObject({ etag: '"e"' });
  });

  test("never says that another came first when it cannot know", async () => {
    const { store } = await storeOn((request, response, _, count) => {
      if (request.method === "HEAD") return error(response, 503, "SlowDown");
      if (count === 1) return response.destroy();
      error(response, 412, "PreconditionFailed");
    });
    await expect(store.put(uri, bytes("abc"), { ifAbsent: true })).rejects.toMatchObject({
      code: "STORAGE_FAILED",
      message: expect.stringContaining("not known whether"),
    });
  });

  test("tells which of many deletes failed, after trying those again", async () => {
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

  test("deletes 2,500 keys in three requests", async () => {
    const counts: number[] = [];
    const { store } = await storeOn((_, response, body) => {
      counts.push(body.split("<Key>").length - 1);
      ok(response, {}, "<DeleteResult/>");
    });
    await store.delete(Array.from({ length: 2500 }, (_, i) => `s3://bucket/${i}`));
    expect(counts).toEqual([1000, 1000, 500]);
  });

  test("aborts a multipart upload when a part fails for good", async () => {
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

  test("a put ends with its signal, whoever does not answer, and leaves no parts", async () => {
    const controller = new AbortController();
    let waiting = 0;
    const { store, seen } = await storeOn(({ method, url }, response) => {
      if (method === "POST" && url?.includes("uploads"))
        return ok(
          response,
          {},
          "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>",
        );
      if (method === "DELETE") return void response.writeHead(204).end();
      waiting++;
      if (waiting === 2) controller.abort(new Error("enough"));
    });
    const gone = expect.objectContaining({ code: "ABORTED", message: expect.stringContaining("enough") });
    const { signal } = controller;
    const ends = [bytes("small"), new Uint8Array(9 * 1024 * 1024)].map((body) =>
      store.put(uri, body, undefined, signal).catch((error: unknown) => error),
    );
    expect(await Promise.all(ends)).toEqual([gone, gone]);
    expect(seen.filter((each) => each.startsWith("DELETE"))).toHaveLength(1);
    await expect(store.put(uri, bytes("late"), undefined, signal)).rejects.toEqual(gone);
  });

  test("says which setting names a region, where the SDK finds none", async () => {
    const missing = new Error("Region is missing");
    expect(fromS3(missing, uri, "Could not read the object")).toMatchObject({
      code: "STORAGE_FAILED",
      remedy: "Set SLH_S3_REGION; or SLH_S3_ENDPOINT, for a service that is not AWS's.",
    });
  });

  test("says that nobody answers", async () => {
    const credentials = { accessKeyId: "a", secretAccessKey: "b" };
    const store = new S3Store("s3://bucket", {
      endpoint: "http://127.0.0.1:1",
      credentials,
      retryLimitMs: 0,
    });
    await expect(store.head(uri)).rejects.toMatchObject({
      code: "STORAGE_FAILED",
      remedy: "Check that the service can be reached.",
    });
  });
});

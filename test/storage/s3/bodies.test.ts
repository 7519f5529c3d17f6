import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { collect, text } from "../support/bodies.js";
import { ok, storeOn, uri } from "../support/unruly-s3.js";

describe("bodies of S3 objects", () => {
  const right = "0123456789".repeat(5_000);
  const crc = (body: string) => {
    const out = Buffer.alloc(4);
    out.writeUInt32BE(crc32(body));
    return out.toString("base64");
  };
  const flipped = `${right.slice(0, 20_000)}X${right.slice(20_001)}`;

  test("that come damaged are read again", async () => {
    const modes: unknown[] = [];
    const { store } = await storeOn((request, response) => {
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
      if (from === 0) modes.push(request.headers["x-amz-checksum-mode"]);
      const body = (modes.length < 3 ? flipped : right).slice(from);
      const headers = { etag: '"e"', "content-length": body.length };
      if (from === 0) response.writeHead(200, { ...headers, "x-amz-checksum-crc32": crc(right) });
      else {
        const sent = `bytes ${from}-${right.length - 1}/${right.length}`;
        response.writeHead(206, { ...headers, "content-range": sent });
      }
      response.end(body);
    });
    expect(text(await store.read(uri))).toBe(right);
    expect(modes).toEqual(["ENABLED", "ENABLED", "ENABLED"]);
  });

  test("that are always damaged are an error, also as a stream; never bytes", async () => {
    for (const header of ["crc32", "sha256"]) {
      const wrong = header === "crc32" ? "AAAAAA==" : createHash("sha256").update("x").digest("base64");
      const headers = { "content-length": right.length, [`x-amz-checksum-${header}`]: wrong };
      const { store } = await storeOn((_, response) => ok(response, headers, right));
      const damaged = { code: "STORAGE_FAILED", message: expect.stringContaining("damaged") };
      await expect(store.read(uri)).rejects.toMatchObject(damaged);
      await expect(collect(store.stream(uri))).rejects.toMatchObject(damaged);
    }
  });

  test("damaged and broken off are noticed as well: the checksum runs over both halves", async () => {
    const { store, seen } = await storeOn((request, response) => {
      const damagedNow = seen.length <= 2 ? flipped : right;
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
      const headers = { etag: '"e"', "content-length": right.length - from };
      if (from === 0) {
        response.writeHead(200, { ...headers, "x-amz-checksum-crc32": crc(right) });
        return response.write(damagedNow.slice(0, 30_000), () => setTimeout(() => response.destroy(), 20));
      }
      response.writeHead(206, {
        ...headers,
        "content-range": `bytes ${from}-${right.length - 1}/${right.length}`,
      });
      response.end(right.slice(from));
    });
    expect(text(await store.read(uri))).toBe(right);
    expect(seen).toHaveLength(4);
  });

  test("a checksum of the parts' checksums is no checksum of the object", async () => {
    const headers = { "content-length": 3, "x-amz-checksum-crc32": "AAAAAA==-2" };
    const { store } = await storeOn((_, response) => ok(response, headers, "abc"));
    expect(text(await store.read(uri))).toBe("abc");
  });

  test("that end early are asked for the rest; a service that ignores ranges is understood", async () => {
    const asked: unknown[] = [];
    const { store } = await storeOn((request, response, _, count) => {
      asked.push(request.headers.range);
      // Chunked, and complete as far as HTTP can tell; then the whole object where a range was asked for.
      response.writeHead(200, { etag: '"e"', ...(count === 1 ? {} : { "content-length": right.length }) });
      if (count > 1) return response.end(right);
      response.write(right.slice(0, 30_000), () => setTimeout(() => response.destroy(), 20));
    });
    expect(text(await store.read(uri))).toBe(right);
    expect(asked).toEqual([undefined, "bytes=30000-"]);
    expect(text(await store.read(uri, { start: 15, end: 18 }))).toBe("567");
  });

  test("of another range than the one asked for are refused", async () => {
    const { store } = await storeOn((_, response) => {
      response.writeHead(206, { "content-length": 3, "content-range": "bytes 0-2/50000" });
      response.end("012");
    });
    await expect(store.read(uri, { start: 5, end: 8 })).rejects.toMatchObject({
      code: "STORAGE_FAILED",
      message: expect.stringContaining("bytes 0-2/50000"),
    });
  });

  test("a range that is answered in smaller ones is put together", async () => {
    const { store } = await storeOn((request, response) => {
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1]);
      response.writeHead(206, { "content-length": 4, "content-range": `bytes ${from}-${from + 3}/50000` });
      response.end(right.slice(from, from + 4));
    });
    expect(text(await store.read(uri, { start: 100, end: 112 }))).toBe("012345678901");
  });

  test("that stop in the middle without an end are given up and asked for again", async () => {
    const { store, seen } = await storeOn(
      (_, response, __, count) => {
        response.writeHead(count === 1 ? 200 : 206, {
          etag: '"e"',
          "content-length": count === 1 ? 6 : 3,
          ...(count === 1 ? {} : { "content-range": "bytes 3-5/6" }),
        });
        if (count === 1) response.write("012");
        else response.end("345");
      },
      { timeoutMs: 300 },
    );
    expect(text(await store.read(uri))).toBe("012345");
    expect(seen).toHaveLength(2);
  });
});

import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { type S3Options, S3Store } from "../../../lib/lakehouse/storage/index.js";
import { bytes, text } from "../support/bodies.js";
import { error, ok, storeOn, uri } from "../support/unruly-s3.js";

/** Tries of a tenth of a second, which no answer comes to: three and the one that comes at the limit. */
const SOON: S3Options = { retryLimitMs: 250, retryDelayMs: 1, retryMaxDelayMs: 2, timeoutMs: 100 };

async function on(server: Server, options: S3Options): Promise<S3Store> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const credentials = { accessKeyId: "a", secretAccessKey: "b" };
  return new S3Store("s3://bucket", { endpoint: `http://127.0.0.1:${port}`, credentials, ...options });
}

/** A store whose service takes connections and does this to them; `heads` has the lines that requests begin with. */
async function storeAt(
  treat: (socket: Socket) => void,
  options: S3Options = SOON,
): Promise<{ store: S3Store; heads: string[] }> {
  const heads: string[] = [];
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", (data) => {
      const [head] = /^(GET|PUT|HEAD|POST|DELETE) \S+/.exec(data.toString("latin1")) ?? [];
      if (head === undefined) return; // a body goes on
      heads.push(head.replace(/\?.*/, ""));
      treat(socket);
    });
  });
  onTestFinished(async () => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { store: await on(server, options), heads };
}

const silent = () => undefined;
const count = (heads: readonly string[], method: string) =>
  heads.filter((head) => head.startsWith(method)).length;
const unknown = { code: "STORAGE_FAILED", message: expect.stringContaining("not known whether") };

describe("a service that is away", () => {
  test("and takes connections silently is asked until the limit, by all operations", async () => {
    const { store, heads } = await storeAt(silent);
    for (const ask of [() => store.read(uri), () => store.head(uri), () => store.list(uri).next()]) {
      heads.length = 0;
      await expect(ask()).rejects.toMatchObject({ code: "STORAGE_FAILED" });
      expect(heads.length).toBeGreaterThan(0);
      expect(heads.length).toBeLessThanOrEqual(4);
    }
  });

  test.each([
    ["small", 3],
    ["large", 5 * 1024 * 1024],
  ])("has a %s put end in what is not known, after one look", async (_, size) => {
    const { store, heads } = await storeAt(silent);
    const put = store.put(uri, new Uint8Array(size), { ifAbsent: true });
    await expect(put).rejects.toMatchObject(unknown);
    expect(count(heads, "PUT")).toBeGreaterThan(0);
    expect(count(heads, "PUT")).toBeLessThanOrEqual(4);
    expect(count(heads, "HEAD")).toBe(1);
  });

  test("and closes connections is asked until the limit, then once to look, and once to delete", async () => {
    const { store, heads } = await storeAt((socket) => socket.destroy());
    await expect(store.put(uri, bytes("abc"), { ifAbsent: true })).rejects.toMatchObject(unknown);
    expect(count(heads, "PUT")).toBeGreaterThan(1);
    expect(count(heads, "HEAD")).toBe(1);
    await expect(store.delete([uri, `${uri}2`])).rejects.toMatchObject({ code: "STORAGE_FAILED" });
    expect(count(heads, "POST")).toBe(1);
  });

  test("that refuses connections has nothing hidden: what failed first is told", async () => {
    const server = createServer();
    const store = await on(server, SOON);
    await new Promise((resolve) => server.close(resolve));
    const put = store.put(uri, new Uint8Array(20 * 1024 * 1024), { ifAbsent: true });
    await expect(put).rejects.toMatchObject({
      code: "STORAGE_FAILED",
      message: expect.stringContaining("ECONNREFUSED"),
    });
  });

  test("is deleted from with patience again once it answered anything", async () => {
    let isAway = true;
    const { store, seen } = await storeOn((request, response, _, times) => {
      if (isAway) return error(response, 503, "SlowDown");
      if (request.method === "POST" && times < 3) return error(response, 503, "SlowDown");
      if (request.method === "POST") return ok(response, {}, "<DeleteResult/>");
      error(response, 403, "AccessDenied");
    });
    await expect(store.head(uri)).rejects.toMatchObject({ code: "STORAGE_FAILED" });
    await expect(store.delete([uri])).rejects.toMatchObject({ code: "STORAGE_FAILED" });
    expect(count(seen, "POST")).toBe(1);
    isAway = false;
    await expect(store.head(uri)).rejects.toMatchObject({ message: expect.stringContaining("denied") });
    await store.delete([uri]);
    expect(count(seen, "POST")).toBe(3);
  });

  test("and stops in the middle of an answer is asked for the rest until the limit", async () => {
    const { store, heads } = await storeAt((socket) =>
      socket.write(
        heads.length === 1
          ? 'HTTP/1.1 200 OK\r\netag: "e"\r\ncontent-length: 6\r\n\r\n012'
          : 'HTTP/1.1 206 OK\r\netag: "e"\r\ncontent-length: 3\r\ncontent-range: bytes 3-5/6\r\n\r\n',
      ),
    );
    await expect(store.read(uri)).rejects.toMatchObject({ code: "STORAGE_FAILED" });
    expect(heads.length).toBeGreaterThan(1);
    expect(heads.length).toBeLessThanOrEqual(4);
  });

  test("and back for the look has done what it did not say", async () => {
    let stored = "";
    const { store } = await storeOn((request, response) => {
      if (request.method === "HEAD")
        return ok(response, { "x-amz-meta-slh-put": stored, "content-length": 3 });
      stored = String(request.headers["x-amz-meta-slh-put"]);
      response.destroy();
    });
    expect(await store.put(uri, bytes("abc"), { ifAbsent: true })).toMatchObject({ etag: '"e"' });
  });

  test("and back for the look alone is not believed to have another's", async () => {
    for (const trouble of [404, 503]) {
      const { store } = await storeOn((request, response, _, times) => {
        if (request.method === "HEAD") return ok(response, { "content-length": 3 });
        if (request.method === "GET") return error(response, trouble, trouble === 404 ? "NoSuchKey" : "Slow");
        if (times > 1) return error(response, 412, "PreconditionFailed");
        response.destroy();
      });
      await expect(store.put(uri, bytes("abc"), { ifAbsent: true })).rejects.toMatchObject(unknown);
    }
  });

  test("is not one whose reader takes its time", async () => {
    const body = "0123456789".repeat(100_000);
    const answer: Parameters<typeof storeOn>[0] = ({ headers }, response, _, times) => {
      const from = Number(/bytes=(\d+)-/.exec(headers.range ?? "")?.[1] ?? 0);
      if (times === 2) return error(response, 503, "SlowDown");
      const rest = body.slice(from);
      response.writeHead(from === 0 ? 200 : 206, {
        etag: '"e"',
        "content-length": rest.length,
        ...(from === 0 ? {} : { "content-range": `bytes ${from}-${body.length - 1}/${body.length}` }),
      });
      if (from > 0) return response.end(rest);
      response.write(rest.slice(0, 30_000), () => setTimeout(() => response.destroy(), 20));
    };
    const { store, seen } = await storeOn(answer, { retryLimitMs: 1_000 });
    let read = "";
    for await (const chunk of store.stream(uri)) {
      if (read === "") await sleep(1_500);
      read += text(chunk);
    }
    expect(read).toBe(body);
    expect(seen).toHaveLength(3);
  });

  test("is not one that takes a large body slowly", async () => {
    const size = 32 * 1024 * 1024;
    let tries = 0;
    let arrived = 0;
    const server = createHttpServer(async (request, response) => {
      tries++;
      arrived = 0;
      let chunks = 0;
      // What fits into the network's own buffers no client sees moving: the end is taken at once.
      for await (const chunk of request) {
        arrived += (chunk as Uint8Array).byteLength;
        if (tries <= 5 && chunks++ < 300) await sleep(7);
      }
      if (tries > 5) error(response, 400, "RequestTimeout");
      else ok(response, {});
    });
    onTestFinished(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    const store = await on(server, { ...SOON, timeoutMs: 1_000, retryLimitMs: 60_000, partBytes: 2 * size });
    expect(await store.put(uri, new Uint8Array(size))).toMatchObject({ size, etag: '"e"' });
    expect(arrived).toBeGreaterThanOrEqual(size);
  });
});

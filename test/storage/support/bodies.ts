import { createHash } from "node:crypto";
import { expect } from "vitest";
import type { ListOptions, ObjectStore } from "../../../lib/lakehouse/storage/index.js";

export const MB = 1024 * 1024;

/** Adds one `times` times, trying again whenever another came first. */
export async function countUp(store: ObjectStore, uri: string, times: number): Promise<void> {
  for (let done = 0; done < times; ) {
    const before = await store.head(uri);
    const count = Number(text(await store.read(uri)));
    try {
      await store.put(uri, bytes(String(count + 1)), { ifEtag: before?.etag ?? "" });
      done++;
    } catch (error) {
      expect(error).toMatchObject({ code: "PRECONDITION_FAILED" });
    }
  }
}

export async function uris(store: ObjectStore, prefix: string, options?: ListOptions): Promise<string[]> {
  const all: string[] = [];
  for await (const { uri } of store.list(prefix, options)) all.push(uri);
  return all;
}

export async function collect(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return Buffer.concat(all);
}

export async function* chunks(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* parts;
}

export function slices(body: Uint8Array, size: number, end = body.byteLength): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < end; at += size) parts.push(body.subarray(at, Math.min(at + size, end)));
  return parts;
}

export function bytes(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

export function text(content: Uint8Array): string {
  return new TextDecoder().decode(content);
}

export function digest(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

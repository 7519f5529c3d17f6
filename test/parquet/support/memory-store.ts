import { LakehouseError } from "../../../lib/lakehouse/errors.js";
import type { Body, ByteRange, ObjectInfo, ObjectStore } from "../../../lib/lakehouse/storage/index.js";

/** An object store in memory, to look at what a writer leaves behind. `mem://` URIs; conditions are not needed here. */
export class MemoryStore implements ObjectStore {
  readonly root = "mem://test";
  readonly objects = new Map<string, Uint8Array>();
  /** Set to make the next streamed put fail after that many chunks. */
  failAfterChunks: number | undefined;

  async read(uri: string, range?: ByteRange): Promise<Uint8Array> {
    const bytes = this.objects.get(uri);
    if (!bytes) throw new LakehouseError("OBJECT_NOT_FOUND", uri, `no ${uri}`);
    return range ? bytes.slice(range.start, range.end) : bytes;
  }

  async *stream(uri: string, range?: ByteRange): AsyncIterable<Uint8Array> {
    yield await this.read(uri, range);
  }

  async put(uri: string, body: Body): Promise<ObjectInfo> {
    const chunks: Uint8Array[] = [];
    if (body instanceof Uint8Array) chunks.push(body.slice());
    else {
      for await (const chunk of body) {
        if (this.failAfterChunks !== undefined && chunks.length >= this.failAfterChunks) {
          throw new LakehouseError("STORAGE_FAILED", uri, "the disk is full");
        }
        chunks.push(chunk.slice());
      }
    }
    this.objects.set(uri, Buffer.concat(chunks));
    return this.#info(uri, this.objects.get(uri)?.length ?? 0);
  }

  async head(uri: string): Promise<ObjectInfo | undefined> {
    const bytes = this.objects.get(uri);
    return bytes && this.#info(uri, bytes.length);
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    for (const [uri, bytes] of this.objects) if (uri.startsWith(prefix)) yield this.#info(uri, bytes.length);
  }

  async delete(uris: readonly string[]): Promise<void> {
    for (const uri of uris) this.objects.delete(uri);
  }

  localPath(): string | undefined {
    return undefined;
  }

  #info(uri: string, size: number): ObjectInfo {
    return { uri, size, etag: String(size), lastModified: new Date(0) };
  }
}

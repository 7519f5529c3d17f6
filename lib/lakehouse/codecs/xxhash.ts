/** xxHash (Cyan4973/xxHash, xxhash_spec.md) as WebAssembly: for keys of some bytes faster than a native call. */
import type { XXHashAPI } from "xxhash-wasm";

let loading: Promise<XXHashAPI> | undefined;
let loaded: XXHashAPI | undefined;

/** Resolves when `xxHash64` can be called. */
export async function prepareXxHash(): Promise<void> {
  loading ??= import("xxhash-wasm").then((xxhash) => xxhash.default());
  loaded = await loading;
}

/** XXH64 with seed 0, as 64 unsigned bits. */
export function xxHash64(bytes: Uint8Array): bigint {
  if (loaded === undefined) throw new Error("prepareXxHash has not been awaited");
  return loaded.h64Raw(bytes);
}

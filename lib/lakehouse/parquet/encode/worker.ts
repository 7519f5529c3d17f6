import { parentPort } from "node:worker_threads";
import type { ColumnBuffers } from "./buffers.js";
import { type EncodedRowGroup, encodeRowGroup, type RowGroupPlan } from "./row-group.js";

/** A row group to encode: all its columns are views of `buffer`, which is transferred. */
export interface EncodeRequest {
  readonly plan: RowGroupPlan;
  readonly columns: readonly ColumnBuffers[];
  readonly rows: number;
  readonly buffer: ArrayBuffer;
}

/** The row group, or what went wrong, and the request's buffer back. */
export interface EncodeReply {
  readonly group?: EncodedRowGroup;
  readonly error?: { readonly message: string; readonly code: string | undefined };
  readonly buffer: ArrayBuffer;
}

parentPort?.on("message", async ({ plan, columns, rows, buffer }: EncodeRequest) => {
  try {
    const group = await encodeRowGroup(plan, columns, rows);
    parentPort?.postMessage({ group, buffer } satisfies EncodeReply, [group.bytes.buffer, buffer]);
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    parentPort?.postMessage({ error: { message, code }, buffer } satisfies EncodeReply, [buffer]);
  }
});

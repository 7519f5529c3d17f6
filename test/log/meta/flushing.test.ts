import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { SqliteMeta } from "../../../lib/lakehouse/log/meta/sqlite-meta.js";
import type { StoredSegment } from "../../../lib/lakehouse/log/segment/layout.js";
import { testFolder } from "../support/lake-log.js";

const handles: { readonly handle: FileHandle; flushes: number }[] = [];

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  return {
    ...real,
    open: async (path: string, flags: string) => {
      const handle = await real.open(path, flags);
      const opened = { handle, flushes: 0 };
      handles.push(opened);
      handle.datasync = async () => {
        opened.flushes++;
        throw new Error("EIO: i/o error");
      };
      return handle;
    },
  };
});

const SEGMENT: StoredSegment = {
  topicId: "01234567-89ab-cdef-0123-456789abcdef",
  ...{ partition: 0, sequence: 0, lastSequence: 0, epoch: 1, records: 1, bytes: 100, storedAt: 7 },
  ...{ baseOffset: 0n, nextOffset: 1n, maxTimestamp: 1n, lastStable: 1n, object: "0.segment" },
};

test("a flush that fails is told each time, keeps no file open, and is not asked for where nothing is new", async () => {
  const meta = new SqliteMeta(join(testFolder(), "meta.db"));
  onTestFinished(() => meta.close());
  await meta.addSegments([]);
  expect(handles).toHaveLength(0);
  for (let i = 0; i < 2; i++)
    await expect(meta.addSegments([SEGMENT])).rejects.toMatchObject({ code: "STORAGE_FAILED" });
  expect(handles.map(({ handle, flushes }) => [handle.fd, flushes])).toEqual([
    [-1, 1],
    [-1, 1],
  ]);
});

import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import {
  Log,
  type LogOptions,
  type LogRecord,
  type ReadTopicOptions,
  type Topic,
} from "../../../lib/lakehouse/log/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";

/** A folder that is gone after the test. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "slh-log-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A log below a folder, as `lake.log` is one; closed after the test. */
export function openLog(root: string, options: Partial<LogOptions> = {}): Log {
  const log = new Log({
    store: new LocalStore(join(root, "warehouse")),
    folder: join(root, "log"),
    ...options,
  });
  onTestFinished(() => log.close());
  return log;
}

export async function readAll(topic: Topic, options: ReadTopicOptions = {}): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const batch of topic.read(options)) records.push(...batch.records);
  return records;
}

export function texts(records: readonly LogRecord[]): string[] {
  return records.map(({ value }) => Buffer.from(value ?? []).toString());
}

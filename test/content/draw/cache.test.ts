import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openCache } from "../../../lib/kit/content/draw/cache.js";

test("two that make the same at a time get the same bytes, and so does whoever comes later", async () => {
  const folder = mkdtempSync(join(tmpdir(), "slh-cache-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  let making = 0;
  let together = () => {};
  const both = new Promise<void>((resolve) => {
    together = resolve;
  });
  const make = (bytes: string) => async () => {
    if (++making === 2) together();
    await both;
    return bytes;
  };
  const made = await Promise.all(["one", "other"].map((bytes) => openCache(folder).text("key", make(bytes))));
  const later = await openCache(folder).text("key", make("third"));
  expect(new Set([...made, later]).size).toBe(1);
  expect(making).toBe(2);
  expect(readdirSync(folder)).toEqual(["key"]);
});

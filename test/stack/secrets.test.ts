import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readSecrets, SECRETS, secretsIn } from "../../lib/kit/stack/index.js";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "slh-secrets-"));
  file = join(folder, ".env");
});
afterEach(() => rmSync(folder, { recursive: true }));

test("are made at random, for their owner alone, and stay", () => {
  expect(readSecrets(file)).toBeUndefined();
  const made = secretsIn(file);
  expect(Object.keys(made).sort()).toEqual(Object.keys(SECRETS).sort());
  expect(new Set(Object.values(made)).size).toBe(Object.keys(SECRETS).length);
  for (const value of Object.values(made)) expect(value).toMatch(/^[0-9a-f]{48}$/);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(secretsIn(file)).toEqual(made);
  expect(readSecrets(file)).toEqual(made);
  expect(secretsIn(join(folder, "other"))).not.toEqual(made);
});

test("that a newer version asks for are added, and the others stay", () => {
  const { SLH_STACK_S3_KEY: key, ...rest } = secretsIn(file);
  writeFileSync(file, readFileSync(file, "utf8").replace(`SLH_STACK_S3_KEY=${key}\n`, ""));
  const now = secretsIn(file);
  expect(now).toMatchObject(rest);
  expect(now.SLH_STACK_S3_KEY).toMatch(/^[0-9a-f]{48}$/);
  expect(now.SLH_STACK_S3_KEY).not.toBe(key);
});

test("that others can read are refused", () => {
  secretsIn(file);
  chmodSync(file, 0o640);
  expect(() => secretsIn(file)).toThrow(/STACK_UNREADY|others can read it/);
  expect(() => readSecrets(file)).toThrow(`chmod 600 ${file}`);
});

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLakehouse } from "sololakehouse";
import { afterEach, beforeEach, expect, vi } from "vitest";
import { streamctlInProcess } from "./in-process.js";

/*
 * A lakehouse of its own for each test of a file that imports this, which `streamctl` finds by the environment.
 */

/** The lakehouse is `lake` in here. Commands run here. */
export let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "streamctl-"));
  vi.stubEnv("SLH_LAKE", join(folder, "lake"));
  vi.stubEnv("SLH_PROFILE", "embedded");
  vi.stubEnv("STREAMCTL_PASSWORD", undefined);
  await (await openLakehouse()).close();
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  vi.unstubAllEnvs();
});

export const streamctl = (...args: string[]) => streamctlInProcess(args, folder);

/** What a command printed that went well. */
export async function ok(...args: string[]): Promise<string> {
  const { code, out, err } = await streamctl(...args);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return out;
}

/** The records of the topic `t`, as `consume` shows them. */
export const consumed = async (...args: string[]) =>
  (await ok("consume", "t", "--json", ...args))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

/** Their values. */
export const values = async (...args: string[]) => (await consumed(...args)).map(({ value }) => value);

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bootNow, exclusively, identify, isRunning } from "../../lib/kit/stack/index.js";
import { bundle } from "../support/bundle.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "slh-processes-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("a process", () => {
  test("is known again by more than its number", async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    const identity = identify(child.pid as number);
    if (identity === undefined) throw new Error("it runs");
    expect(isRunning(identity)).toBe(true);
    // Its number belongs to another process by now; the machine was started anew since.
    expect(isRunning({ ...identity, started: `${identity.started}0` })).toBe(false);
    expect(isRunning({ ...identity, boot: "another" })).toBe(false);
    expect(identity.boot).toBe(bootNow());
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(isRunning(identity)).toBe(false);
    expect(identify(identity.pid)).toBeUndefined();
  });

  test("that has ended and that its parent has not looked after does not run", () => {
    const shell = spawnSync("sh", ["-c", "sleep 0 & echo $!; exec sleep 0.3"], { encoding: "utf8" });
    expect(identify(Number(shell.stdout))).toBeUndefined();
  });
});

describe("work under a lock", () => {
  test("is done by one at a time, and by all in the end", async () => {
    const lock = join(folder, "lock");
    let inside = 0;
    let done = 0;
    const work = async () => {
      expect(++inside).toBe(1);
      await sleep(2);
      inside--;
      done++;
    };
    await Promise.all(Array.from({ length: 8 }, () => exclusively(lock, work)));
    expect(done).toBe(8);
    // Tickets that have passed go.
    expect(readdirSync(lock)).toHaveLength(1);
  });

  test("that fails gives it back", async () => {
    const lock = join(folder, "lock");
    await expect(exclusively(lock, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await exclusively(lock, async () => "next")).toBe("next");
  });

  test("goes to the next process when one is killed in it", async () => {
    await bundle({ lock: join(import.meta.dirname, "../../lib/kit/stack/process/exclusively.ts") }, folder);
    const lock = join(folder, "lock");
    const program = join(folder, "hold.mjs");
    writeFileSync(
      program,
      `import { exclusively } from ${JSON.stringify(pathToFileURL(join(folder, "lock.js")).href)};
await exclusively(${JSON.stringify(lock)}, async () => { console.log("has it"); await new Promise((r) => setTimeout(r, 1e6)); });`,
    );
    const child = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    let told = 0;
    const next = exclusively(
      lock,
      async () => "mine",
      () => told++,
    );
    await sleep(300);
    expect(told).toBe(1);
    child.kill("SIGKILL");
    expect(await next).toBe("mine");
  });
});

import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Ledger } from "../../lib/kit/stack/drills/ledger.js";
import { compare, ENOUGH, Load } from "../../lib/kit/stack/drills/load.js";
import { underLoad } from "../../lib/kit/stack/drills/under-load.js";
import { storageFailed } from "../../lib/lakehouse/storage/index.js";

test("a drill tells what is lost, twice, or of nobody; what was not acknowledged may be there or not", () => {
  const fine = { acknowledged: 2, unknown: 2, lost: [], twice: [], strangers: [] };
  expect(compare(["a", "b"], ["c", "d"], ["b", "c", "a"])).toEqual(fine);
  expect(compare(["a", "b"], ["c"], ["a", "c"]).lost).toEqual(["b"]);
  expect(compare(["a", "b"], [], ["a", "b", "b", "b"]).twice).toEqual(["b"]);
  expect(compare(["a"], ["c"], ["a", "c", "c"]).twice).toEqual(["c"]);
  expect(compare(["a"], [], ["a", "x"]).strangers).toEqual(["x"]);
});

describe("under load", () => {
  const unstopped = new AbortController().signal;

  /** Entries in memory, of which a test decides what becomes of them. */
  function inMemory(write: (id: string, entries: string[]) => Promise<void>) {
    const entries: string[] = [];
    let isDisposed = false;
    const ledger: Ledger = {
      write: (id) => write(id, entries),
      read: async () => entries,
      dispose: async () => {
        isDisposed = true;
      },
    };
    return { ledger, entries, isDisposed: () => isDisposed };
  }

  test("what fails has an unknown end, and what a fault has lost or done twice is named", async () => {
    let isDown = false;
    const { ledger, entries, isDisposed } = inMemory(async (id, all) => {
      await turn();
      all.push(id);
      if (isDown) throw storageFailed("s3://lakehouse/a", "No answer.", "Try again.");
    });
    let [lost, twice]: (string | undefined)[] = [];
    const report = await underLoad(ledger, unstopped, async (load) => {
      isDown = true;
      load.strike();
      await load.until(() => load.unknown.length > 0, "Nothing failed");
      isDown = false;
      lost = entries.shift();
      twice = entries[0];
      entries.push(twice as string, "nobody's");
    });
    expect(report).toMatchObject({
      lost: [lost],
      twice: [twice],
      strangers: ["nobody's"],
      told: ["STORAGE_FAILED"],
    });
    expect(report.acknowledged).toBeGreaterThanOrEqual(2 * ENOUGH);
    expect(report.unknown).toBeGreaterThan(0);
    // Each entry that there is was begun: the two that were put there by hand, less the one that was lost.
    expect(report.acknowledged + report.unknown).toBe(entries.length - 2 + 1);
    expect(isDisposed()).toBe(true);
  });

  test("a fault that goes wrong is told as it is, and what was written is gone", async () => {
    const { ledger, isDisposed } = inMemory(async () => void (await turn()));
    const fault = async () => {
      throw new Error("no such service");
    };
    await expect(underLoad(ledger, unstopped, fault)).rejects.toThrow("no such service");
    expect(isDisposed()).toBe(true);
  });

  test("one that is stopped in its fault has it mended first, and what was written deleted when every writer has its answer", async () => {
    const stopping = new AbortController();
    const happened: string[] = [];
    let underWay = 0;
    const ledger: Ledger = {
      write: async () => {
        underWay++;
        await turn();
        underWay--;
      },
      read: async () => [],
      dispose: async () => void happened.push(`deleted with ${underWay} under way`),
    };
    const stopped = underLoad(ledger, stopping.signal, async (load) => {
      load.strike();
      stopping.abort();
      try {
        await load.until(() => false, "It never comes");
      } finally {
        happened.push("mended");
      }
    });
    await expect(stopped).rejects.toMatchObject({ name: "AbortError" });
    expect(happened).toEqual(["mended", "deleted with 0 under way"]);
  });

  test("one that is stopped when its fault is over counts nothing", async () => {
    const stopping = new AbortController();
    const { ledger, isDisposed } = inMemory(async () => void (await turn()));
    const stopped = underLoad(ledger, stopping.signal, async (load) => {
      load.strike();
      stopping.abort();
    });
    await expect(stopped).rejects.toMatchObject({ name: "AbortError" });
    expect(isDisposed()).toBe(true);
  });

  test("only what was begun after the fault says that it is over, and the end waits for every answer", async () => {
    const held: (() => void)[] = [];
    const { ledger } = inMemory(() => new Promise((resolve) => held.push(resolve)));
    const answerAll = () => {
      for (const answer of held.splice(0)) answer();
    };
    /** Whether it is settled when all that can go on has gone on. */
    const isSettled = async (work: Promise<unknown>) => {
      let settled = false;
      void work.then(() => {
        settled = true;
      });
      await turn();
      return settled;
    };
    const load = new Load(ledger, unstopped);
    const before = [...load.underWay];
    load.strike();
    answerAll();
    await turn();
    expect(load.acknowledged).toEqual(before);
    const resumes = load.resumes();
    expect(await isSettled(resumes)).toBe(false);
    answerAll();
    expect(await resumes).toBeGreaterThanOrEqual(0);
    expect(load.underWay).toHaveLength(before.length);
    const stops = load.stop();
    expect(await isSettled(stops)).toBe(false);
    answerAll();
    await stops;
    expect([load.underWay, load.unknown]).toEqual([[], []]);
    expect(load.acknowledged).toHaveLength(3 * before.length);
  });
});

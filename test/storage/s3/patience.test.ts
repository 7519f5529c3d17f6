import { describe, expect, test } from "vitest";
import { Patience, type Waits } from "../../../lib/lakehouse/storage/s3/patience.js";

/** Patience on a clock that stands until it is moved. */
function at(waits: Waits) {
  const clock = { ms: 1_000 };
  return { clock, patience: new Patience(waits, () => clock.ms) };
}

describe("an operation's deadline", () => {
  test("is counted from the first request that nobody answered", () => {
    const { clock, patience } = at({ limitMs: 60_000, timeoutMs: 30_000 });
    const deadline = patience.begin();
    const sent = clock.ms;
    expect([deadline.left(), deadline.timeoutMs()]).toEqual([60_000, 30_000]);
    clock.ms += 30_000;
    expect(deadline.failed(sent)).toBe(30_000);
    clock.ms += 10_000;
    expect(deadline.failed(sent)).toBe(20_000);
    expect(deadline.timeoutMs()).toBe(20_000);
    clock.ms += 20_000;
    expect(deadline.failed(sent)).toBe(0);
  });

  test("does not count what an upload took while it went on", () => {
    const { clock, patience } = at({ limitMs: 60_000, timeoutMs: 30_000 });
    const deadline = patience.begin();
    const sent = clock.ms;
    clock.ms += 3_600_000;
    expect(deadline.failed(sent)).toBe(30_000);
    deadline.heard();
    expect(deadline.left()).toBe(60_000);
  });

  test("leaves the last request five seconds, or its timeout", () => {
    const timeouts = [
      { limitMs: 60_000, timeoutMs: 30_000 },
      { limitMs: 60_000, timeoutMs: 100 },
      { limitMs: 0, timeoutMs: 30_000 },
    ].map((waits) => {
      const { clock, patience } = at(waits);
      const deadline = patience.begin();
      const first = deadline.timeoutMs();
      deadline.failed(clock.ms);
      clock.ms += 70_000;
      return [first, deadline.timeoutMs()];
    });
    expect(timeouts).toEqual([
      [30_000, 5_000],
      [100, 100],
      [30_000, 5_000],
    ]);
  });

  test("cuts a timeout that is longer", () => {
    const { patience } = at({ limitMs: 60_000, timeoutMs: 120_000 });
    expect(patience.begin().timeoutMs()).toBe(60_000);
  });

  test("is over for deletes once one has passed, until there is an answer, or for a minute", () => {
    const { clock, patience } = at({ limitMs: 60_000, timeoutMs: 30_000 });
    const giveUp = () => {
      const deadline = patience.begin();
      const sent = clock.ms;
      deadline.failed(sent);
      clock.ms += 60_000;
      deadline.failed(sent);
    };
    expect(patience.beginDelete().left()).toBe(60_000);
    giveUp();
    expect(patience.begin().left()).toBe(60_000);
    const removal = patience.beginDelete();
    expect(removal.timeoutMs()).toBe(5_000);
    expect(removal.failed(clock.ms)).toBeLessThan(0);
    patience.answered();
    expect(patience.beginDelete().left()).toBe(60_000);
    giveUp();
    clock.ms += 60_000;
    expect(patience.beginDelete().left()).toBe(60_000);
  });
});

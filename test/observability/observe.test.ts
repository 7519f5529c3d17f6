import { corruptFile } from "sololakehouse/errors";
import { type Ending, eventChannel, observe } from "sololakehouse/observability";
import { expect, test } from "vitest";

const channel = eventChannel<Ending<number>>("test.observed");

test("work that nobody watches is only done: no clock, no event, not even another promise", () => {
  const work = Promise.resolve(1);
  const never = () => {
    throw new Error("an event was made");
  };
  expect(observe(channel, () => work, never)).toBe(work);
});

test("work that is watched says how it ended, and ends as it would have", async () => {
  const heard: Ending<number>[] = [];
  const end = channel.subscribe((event) => heard.push(event));
  const failing = (error: Error) =>
    observe(
      channel,
      () => Promise.reject(error),
      (ending) => ending,
    );
  expect(
    await observe(
      channel,
      async () => 7,
      (ending) => ending,
    ),
  ).toBe(7);
  await expect(failing(corruptFile("x", "It is torn."))).rejects.toMatchObject({ code: "CORRUPT_FILE" });
  await expect(failing(new Error("no code"))).rejects.toThrow("no code");
  end();
  const milliseconds = expect.any(Number);
  expect(heard).toEqual([
    { outcome: "ok", result: 7, milliseconds },
    { outcome: "CORRUPT_FILE", result: undefined, milliseconds },
    { outcome: "error", result: undefined, milliseconds },
  ]);
});

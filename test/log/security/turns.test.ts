import { expect, test } from "vitest";
import { openLog, testFolder } from "../support/lake-log.js";

test("who has logged in before does not wait for those who guess from the same address", async () => {
  const log = openLog(testFolder());
  await log.security.setUser("alice", { password: "right, and long enough" });
  const security = await log.core.security();
  await security.checkPassword("alice", "right, and long enough", "10.0.0.1");
  const ended: string[] = [];
  const guesses = Array.from({ length: 5 }, (_, i) =>
    security.checkPassword("alice", `guess ${i}`, "10.0.0.1").catch(() => ended.push("guess")),
  );
  const proven = await security.checkPassword("alice", "right, and long enough", "10.0.0.1");
  ended.push("right");
  await Promise.all(guesses);
  expect(proven.user).toBe("alice");
  expect(ended[0]).toBe("right");
});

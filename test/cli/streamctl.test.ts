import { existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openLakehouse } from "sololakehouse";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { serveGrpc } from "../../lib/lakehouse/log/index.js";
import { folder, ok, streamctl, values } from "./streamctl-lake.js";

describe("a place without a lakehouse", () => {
  test.each([
    [["topic", "list"]],
    [["topic", "create", "t"]],
    [["produce", "t", "a"]],
    [["consume", "t"]],
    [["recover"]],
  ])("stays one after streamctl %j", async (args) => {
    vi.stubEnv("SLH_LAKE", join(folder, "none"));
    const { code, out, err } = await streamctl(...args);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(/^error {2}NO_SUCH_LAKE: /);
    expect(existsSync(join(folder, "none"))).toBe(false);
  });
});

describe("topics", () => {
  test("are made, listed, described, changed and deleted", async () => {
    expect(await ok("topic", "list")).toBe("There are no topics yet.\n");
    expect(await ok("topic", "create", "t", "--partitions", "2", "--config", "compression=lz4")).toBe(
      "The topic t has 2 partitions.\n",
    );
    expect((await streamctl("topic", "create", "t")).err).toContain("TOPIC_EXISTS");
    await ok("topic", "create", "t", "--if-not-exists");
    expect(await ok("topic", "list")).toMatch(/^t {2}2 partitions {2}compression=lz4 {2}\d{4}-/);
    const altered = JSON.parse(
      await ok(
        "topic",
        "alter",
        "t",
        "--config",
        "retentionMs=5",
        "--config",
        "segmentMs=50",
        "--partitions",
        "3",
        "--json",
      ),
    );
    expect(altered).toMatchObject({
      partitions: 3,
      config: { retentionMs: 5, segmentMs: 50, compression: "lz4" },
    });
    expect(JSON.parse(await ok("topic", "describe", "t", "--json"))).toMatchObject({
      name: "t",
      offsets: [{ start: 0, end: 0, stored: 0 }, {}, {}],
    });
    expect(await ok("topic", "describe", "t")).toMatch(/ {2}retentionMs +5\n/);
    expect((await streamctl("topic", "delete", "t")).err).toContain("--yes");
    expect(await ok("topic", "delete", "t", "--yes")).toBe("Deleted the topic t.\n");
    expect((await streamctl("topic", "delete", "t", "--yes")).err).toContain("NO_SUCH_TOPIC");
  });

  test("refuse settings that there are not, with the near name", async () => {
    await ok("topic", "create", "t");
    for (const words of [
      ["create", "u"],
      ["alter", "t"],
    ]) {
      const { code, err } = await streamctl("topic", ...words, "--config", "retentonMs=5");
      expect(code).toBe(1);
      expect(err).toContain("Did you mean retentionMs?");
    }
    expect((await streamctl("topic", "alter", "t")).err).toContain("Nothing is to be changed.");
  });

  test.each([
    [["retentionMs=1h"], "milliseconds, from 0 on, or -1 to keep records however old they are"],
    [["retentionBytes=1GB"], "bytes, from 0 on, or -1 to keep records however many they are"],
    [["segmentMs=-1"], "milliseconds, from 1 to 2147483647."],
  ])("refuse %j, and say what is counted", async ([setting = ""], remedy) => {
    const { err } = await streamctl("topic", "create", "t", "--config", setting);
    expect(err).toContain(`Give a whole number of ${remedy}`);
  });

  test.each([
    ["retentionMs=5", "1", "INVALID_PARTITIONS"],
    ["retentionMs=1h", "3", "INVALID_CONFIG"],
  ])(
    "are left as they are where one of two changes is refused: %s, %s partitions",
    async (setting, partitions, code) => {
      await ok("topic", "create", "t", "--partitions", "2");
      const { err } = await streamctl("topic", "alter", "t", "--config", setting, "--partitions", partitions);
      expect(err).toContain(code);
      expect(JSON.parse(await ok("topic", "describe", "t", "--json"))).toMatchObject({
        partitions: 2,
        config: { retentionMs: -1 },
      });
    },
  );
});

describe("consume", () => {
  const T = Date.UTC(2026, 0, 1);

  beforeEach(async () => {
    const lake = await openLakehouse();
    const topic = await lake.log.createTopic("t");
    for (let i = 0; i < 6; i++) await topic.append({ value: `v${i}`, timestamp: T + i * 60_000 });
    await lake.close();
  });

  test.each([
    [
      ["--from", "4"],
      ["v4", "v5"],
    ],
    [["--from", "end"], []],
    [
      ["--until", "2"],
      ["v0", "v1"],
    ],
    [
      ["--from", "2026-01-01T00:02Z", "--until", "2026-01-01T00:04Z"],
      ["v2", "v3"],
    ],
    [
      ["--from", "1", "--limit", "2"],
      ["v1", "v2"],
    ],
    [["--limit", "0"], []],
    [["--from", "3", "--until", "3", "--follow"], []],
    [
      ["--until", "end", "--follow"],
      ["v0", "v1", "v2", "v3", "v4", "v5"],
    ],
    [
      ["--until", "99"],
      ["v0", "v1", "v2", "v3", "v4", "v5"],
    ],
  ])("%j gives %j", async (args, expected) => {
    expect(await values(...args)).toEqual(expected);
  });

  test("prints what was asked for: for people, as JSON, or as it is", async () => {
    expect(await ok("consume", "t", "--limit", "1")).toBe("0/0  2026-01-01T00:00:00.000Z  v0\n");
    expect(await ok("consume", "t", "--limit", "2", "--format", "raw")).toBe("v0\nv1\n");
    expect(await ok("consume", "t", "--limit", "1", "--format", "json")).toBe(
      `{"partition":0,"offset":0,"timestamp":${T},"key":null,"value":"v0","headers":[]}\n`,
    );
  });

  test("shows control characters to people, and keeps bytes that are no text in JSON", async () => {
    const lake = await openLakehouse();
    await lake.log
      .topic("t")
      .append([
        { key: "\u001b]0;x\u0007", value: "a\u001b[31m\nb", headers: [{ key: "\u001b[2J", value: "\r" }] },
        { value: new Uint8Array([255, 0]) },
        { value: null },
      ]);
    await lake.close();
    const out = await ok("consume", "t", "--from", "6");
    expect(out.split("\n")).toHaveLength(4);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    expect(out).toContain("a\\u001b[31m\\nb");
    // C1 controls, which JSON need not escape.
    await ok("produce", "t", "\u009b2J\u202e");
    const json = await ok("consume", "t", "--from", "9", "--json");
    expect(json).not.toMatch(/[\u0080-\u009f\u202e]/);
    expect(JSON.parse(json).value).toBe("\u009b2J\u202e");
    expect(await values("--from", "6", "--limit", "3")).toEqual(["a\u001b[31m\nb", { base64: "/wA=" }, null]);
  });

  test("reads several partitions from an offset that one of them has", async () => {
    await ok("topic", "alter", "t", "--partitions", "3");
    expect(await values("--from", "4")).toEqual(["v4", "v5"]);
    expect(await values("--from", "4", "--until", "5")).toEqual(["v4"]);
    expect((await streamctl("consume", "t", "--from", "7")).err).toContain("OFFSET_OUT_OF_RANGE");
    expect((await streamctl("consume", "t", "--from", "4", "--partition", "1")).err).toContain(
      "OFFSET_OUT_OF_RANGE",
    );
  });

  test("refuses what there is not", async () => {
    expect((await streamctl("consume", "tt")).err).toContain("NO_SUCH_TOPIC");
    expect((await streamctl("consume", "t", "--partition", "3")).err).toContain("NO_SUCH_PARTITION");
    expect((await streamctl("consume", "t", "--from", "9")).err).toContain("OFFSET_OUT_OF_RANGE");
    expect((await streamctl("consume", "t", "--from", "soon")).code).toBe(2);
  });
});

describe("groups", () => {
  test("read on where they were, and are listed, described, reset and deleted", async () => {
    await ok("topic", "create", "t");
    await ok("produce", "t", "a", "b");
    const grouped = (limit: number) =>
      ok("consume", "t", "--group", "g", "--limit", String(limit), "--format", "raw");
    expect(await ok("group", "list")).toBe("There are no groups yet.\n");
    expect(await grouped(1)).toBe("a\n");
    expect(await grouped(2)).toBe("a\nb\n");
    await ok("produce", "t", "c");
    expect(await grouped(1)).toBe("c\n");
    expect(await ok("group", "list")).toBe("g  Empty  0 members\n");
    expect(await ok("group", "describe", "g")).toMatch(/^g {2}Empty, 0 members\n.*\n {2}t +0 +3 +3 +0\n$/);
    expect(JSON.parse(await ok("group", "describe", "g", "--json"))).toMatchObject({
      state: "Empty",
      offsets: [{ topic: "t", partition: 0, offset: 3, end: 3, lag: 0 }],
    });
    const reset = ["group", "reset", "g", "--topic", "t", "--to", "1"];
    expect(await ok(...reset, "--dry-run")).toBe("g would go on in t:\n  partition 0  at 1\n");
    expect(JSON.parse(await ok(...reset, "--json"))).toMatchObject({
      offsets: [{ partition: 0, offset: 1 }],
    });
    expect(await grouped(2)).toBe("b\nc\n");
    expect((await streamctl("consume", "t", "--group", "g", "--from", "1")).err).toContain("group reset");
    expect(await ok("group", "delete", "g")).toBe("Deleted the group g.\n");
    expect((await streamctl("group", "describe", "g")).err).toContain("GROUP_ID_NOT_FOUND");
  });
});

describe("segment inspect", () => {
  let file: string;

  beforeEach(async () => {
    await ok("topic", "create", "t");
    await ok("produce", "t", "a", "b");
    const found = (await readdir(join(folder, "lake"), { recursive: true })).find((name) =>
      name.endsWith(".segment"),
    );
    file = join(folder, "lake", found as string);
  });

  test("shows a segment's header, blocks, batches and footer", async () => {
    const inspected = JSON.parse(await ok("segment", "inspect", file, "--json"));
    expect(inspected).toMatchObject({
      header: { partition: 0, sequence: 0, baseOffset: 0 },
      footer: { baseOffset: 0, nextOffset: 2, records: 2, bytes: (await readFile(file)).length },
      blocks: [{ entry: { baseOffset: 0, lastOffset: 1 }, batches: [{ records: 2, isWhole: true }] }],
      problems: [],
    });
    expect(await ok("segment", "inspect", file, "--batches")).toMatch(
      /^Partition 0 of topic .*\nOffsets 0 to 1: 2 records in 1 block.*\n.*1 batch .*\n.*2 records, \w+ .*\nAll checksums hold\.\n$/,
    );
  });

  test("finds every damage there can be, and shows what there is", async () => {
    const bytes = await readFile(file);
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] as number) ^ 1;
      await writeFile(file, damaged);
      const { code, out, err } = await streamctl("segment", "inspect", file, "--json");
      expect({ at, code, err }).toEqual({ at, code: 1, err: "" });
      expect(JSON.parse(out).problems.length, `byte ${at}`).toBeGreaterThan(0);
    }
    await writeFile(file, bytes.subarray(0, bytes.length - 1));
    const { code, out } = await streamctl("segment", "inspect", file);
    expect(code).toBe(1);
    expect(out).toMatch(/1 batch .*\n.*1 problem:\n.*torn or was cut short/);
    await writeFile(file, bytes.subarray(0, 10));
    expect((await streamctl("segment", "inspect", file)).code).toBe(1);
    await writeFile(file, "");
    expect((await streamctl("segment", "inspect", file)).code).toBe(1);
    expect((await streamctl("segment", "inspect", `${file}x`)).err).toContain("OBJECT_NOT_FOUND");
  });
});

test("recover makes lost metadata again", async () => {
  await ok("topic", "create", "t");
  await ok("produce", "t", "a");
  await ok("group", "list"); // makes a topic of the log's own
  for (const name of await readdir(join(folder, "lake/log")))
    if (name.startsWith("meta.db")) await rm(join(folder, "lake/log", name));
  for (const args of [
    ["topic", "list"],
    ["topic", "create", "t"],
  ])
    expect((await streamctl(...args)).err).toContain("streamctl recover");
  expect(await ok("recover")).toBe("The log has 1 topic and 1 segment.\n");
  expect(await values()).toEqual(["a"]);
});

test("bench measures, and leaves nothing", async () => {
  for (const ack of ["wal", "stored"]) {
    const measured = JSON.parse(
      await ok("bench", "--records", "500", "--batch", "100", "--ack", ack, "--json"),
    );
    expect(measured).toMatchObject({ records: 500, ack, append: { recordsPerSecond: expect.any(Number) } });
  }
  expect(await ok("topic", "list")).toBe("There are no topics yet.\n");
});

describe("a server", () => {
  test("is asked where --server names it, and all is as it is without", async () => {
    const lake = await openLakehouse();
    const { url, close } = await serveGrpc(lake.log);
    vi.stubEnv("SLH_LAKE", join(folder, "none"));
    const there = ["--server", url];
    expect(await ok("topic", "create", "t", ...there)).toBe("The topic t has 1 partition.\n");
    expect(await ok("produce", "t", "a", "b", ...there)).toBe(
      "Appended 2 records to t: partition 0 from 0 to 1.\n",
    );
    expect(await values("--until", "1", ...there)).toEqual(["a"]);
    expect(await ok("topic", "describe", "t", ...there)).toContain("retentionMs");
    expect((await streamctl("topic", "describe", "tt", ...there)).err).toContain("NO_SUCH_TOPIC");
    expect(await ok("topic", "delete", "t", "--yes", ...there)).toBe("Deleted the topic t.\n");
    await close();
    await lake.close();
    expect((await streamctl("topic", "list", ...there)).err).toContain("LOG_UNAVAILABLE");
  });

  test("whose file was left behind is not asked, nor another that has its port now", async () => {
    await ok("topic", "create", "t");
    const other = await openLakehouse({ root: join(folder, "other") });
    const { url, close } = await serveGrpc(other.log);
    for (const content of [`{"url":"${url}","id":"x"}`, '{"url":"http://127.0.0.1:1","id":"x"}', "{", ""]) {
      await writeFile(join(folder, "lake/log/server.json"), content);
      expect(await ok("topic", "list")).toMatch(/^t /);
    }
    await close();
    await other.close();
  });

  test("is not to be reached by others unless that is wanted", async () => {
    const { code, err } = await streamctl("serve", "--grpc", "0", "--host", "0.0.0.0");
    expect(code).toBe(1);
    expect(err).toContain("--insecure");
  });
});

test("completion knows commands, options, topics and groups, and makes no log", async () => {
  const candidates = async (...words: string[]) =>
    (await ok("completion", "candidates", "--", ...words)).split("\n").filter((line) => line !== "");
  expect(await candidates("consume", "")).toEqual([]);
  await ok("topic", "create", "flights");
  await ok("topic", "create", "fares");
  await ok("produce", "flights", "a");
  await ok("consume", "flights", "--group", "delays", "--limit", "1");
  expect(await candidates("cons")).toEqual(["consume"]);
  expect(await candidates("topic", "a")).toEqual(["alter"]);
  expect(await candidates("consume", "f")).toEqual(["fares", "flights"]);
  expect(await candidates("group", "describe", "")).toEqual(["delays"]);
  expect(await candidates("consume", "flights", "--group", "d")).toEqual(["delays"]);
  expect(await candidates("consume", "flights", "--format=r")).toEqual(["--format=raw"]);
  expect(await ok("completion", "bash")).toContain("complete -o default -F _streamctl streamctl");
});

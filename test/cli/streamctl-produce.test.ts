import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { consumed, folder, ok, streamctl, values } from "./streamctl-lake.js";

describe("produce", () => {
  beforeEach(() => ok("topic", "create", "t", "--partitions", "2"));

  test("takes arguments as they are, with key, header, partition and ack", async () => {
    const out = await ok(
      ...[
        "produce",
        "t",
        "a\nb",
        "",
        "--key",
        "k",
        "--header",
        "h=1=2",
        "--partition",
        "1",
        "--ack",
        "stored",
        "--json",
      ],
    );
    expect(JSON.parse(out)).toEqual({
      topic: "t",
      records: 2,
      partitions: [{ partition: 1, baseOffset: 0, lastOffset: 1 }],
    });
    const record = { partition: 1, key: "k", headers: [{ key: "h", value: "1=2" }] };
    expect(await consumed()).toMatchObject([
      { ...record, offset: 0, value: "a\nb" },
      { ...record, offset: 1, value: "" },
    ]);
  });

  test.each([
    ["lines", "a\n\nb:c\r\nd", [], ["a", "", "b:c", "d"], null],
    ["lines", "k:v:w\nk:", ["--key-separator", ":"], ["v:w", ""], "k"],
    [
      "ndjson",
      '{"u":"k","n":1}\n\n{"n":2,"u":"k"}\n',
      ["--key-field", "u"],
      ['{"u":"k","n":1}', '{"n":2,"u":"k"}'],
      "k",
    ],
    ["ndjson", "3\nnull", [], ["3", "null"], null],
    [
      "csv",
      'u,"a ""b"""\r\nk,"x,\r\ny"\r\n\r\nk,\r\nk,""',
      ["--key-field", "u"],
      ['{"u":"k","a \\"b\\"":"x,\\r\\ny"}', '{"u":"k","a \\"b\\"":""}', '{"u":"k","a \\"b\\"":""}'],
      "k",
    ],
  ])("reads %s from a file: %j", async (format, text, more, expected, key) => {
    await writeFile(join(folder, "in"), text);
    await ok("produce", "t", "--file", join(folder, "in"), "--format", format, ...more, "--partition", "0");
    const got = await consumed();
    expect(got.map(({ value }) => value)).toEqual(expected);
    for (const record of got) expect(record.key).toBe(key);
  });

  test("a line that is no record is told by its number, and what stands before it is there", async () => {
    for (const [text, format, more] of [
      ["a:1\nb\na:2", "lines", ["--key-separator", ":"]],
      ["{}\n{\n{}", "ndjson", []],
      ['{"u":1}\n{"v":1}', "ndjson", ["--key-field", "u"]],
      ["a,b\n1", "csv", []],
      ['a\n"b', "csv", []],
      ["a,a\n1,2", "csv", []],
      [Buffer.concat([Buffer.from("ü\nM"), Buffer.of(0xfc), Buffer.from("ller\nü")]), "lines", []],
    ] as const) {
      await writeFile(join(folder, "in"), text);
      const { code, err } = await streamctl(
        "produce",
        "t",
        "--file",
        join(folder, "in"),
        "--format",
        format,
        ...more,
      );
      expect(code, String(text)).toBe(1);
      expect(err, String(text)).toMatch(/Line [12] is no record: /);
    }
    expect((await values()).sort()).toEqual(["1", "{}", '{"u":1}', "ü"].sort());
    expect((await streamctl("produce", "t", "--file", join(folder, "nowhere"))).err).toContain(
      "cannot be read",
    );
    expect((await streamctl("produce", "t", "a", "--key-field", "u")).err).toContain("--format ndjson");
    expect((await streamctl("produce", "t", "a", "--file", join(folder, "in"))).err).toContain("Give one");
    for (const of of [
      ["--key-separator", ":"],
      ["--key-field", "u", "--format", "ndjson"],
    ])
      expect((await streamctl("produce", "t", "a:b", "--key", "k", ...of)).err).toContain("Leave out --key");
  });

  test("a byte order mark is no part of the first line, nor of the first column's name", async () => {
    for (const [format, text, more] of [
      ["lines", "a", []],
      ["ndjson", '{"u":"a"}', ["--key-field", "u"]],
      ["csv", "u\na", ["--key-field", "u"]],
    ] as const) {
      await writeFile(join(folder, "in"), `\ufeff${text}`);
      await ok("produce", "t", "--file", join(folder, "in"), "--format", format, ...more, "--partition", "0");
    }
    expect(await values()).toEqual(["a", '{"u":"a"}', '{"u":"a"}']);
  });

  test("keys that are integers of any size stay apart", async () => {
    const keys = ["9007199254740993", "9007199254740992"];
    await ok("produce", "t", ...keys.map((key) => `{"u":${key}}`), "--format", "ndjson", "--key-field", "u");
    expect((await consumed()).map(({ key }) => key).sort()).toEqual(keys.sort());
  });

  test("cuts no character in two, however a file comes", async () => {
    const text = "é€😀".repeat(300_000);
    await writeFile(join(folder, "in"), `${text}\n${text}`);
    await ok("produce", "t", "--file", join(folder, "in"));
    expect(await values()).toEqual([text, text]);
  });
});

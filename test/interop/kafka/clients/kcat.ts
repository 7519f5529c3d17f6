import { execFile, execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../../support/needs.js";
import { kafka } from "../../installed.js";
import { Member } from "../member.js";
import { bytes, type PlainRecord, text } from "../records.js";
import type { Client, Isolation, Transaction } from "./client.js";

/** The kcat that scripts/interop.mjs installed, or one on the path, with the folders of its libraries. */
function findKcat(): { readonly command: string; readonly env: NodeJS.ProcessEnv } | undefined {
  const lib = join(kafka, "kcat", "usr", "lib");
  const libraries = existsSync(lib) ? readdirSync(lib).map((folder) => join(lib, folder)) : [];
  const installed = join(kafka, "kcat", "usr", "bin", "kcat");
  const command = existsSync(installed) ? installed : "kcat";
  const env = { LD_LIBRARY_PATH: libraries.join(":") };
  try {
    execFileSync(command, ["-V"], { stdio: "ignore", env: { ...process.env, ...env } });
    return { command, env };
  } catch {
    return undefined;
  }
}

const found = findKcat();
export const needsKcat = needs(found !== undefined, "kcat (Debian: kcat)");

/** Runs it on an input, and gives its standard output; fails with what it says. */
export function kcat(args: readonly string[], input: string | Buffer = ""): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      found?.command ?? "kcat",
      args,
      { encoding: "buffer", maxBuffer: 2 ** 28, env: { ...process.env, ...found?.env } },
      (error, stdout, stderr) => (error ? reject(new Error(stderr.toString())) : resolve(stdout)),
    );
    child.stdin?.end(input);
  });
}

/** librdkafka, on the command line. */
export function kcatClient(address: string): Client {
  const produce = (topic: string, more: readonly string[], input: string | Buffer) =>
    kcat(["-P", "-b", address, "-t", topic, "-p", "0", ...more], input);
  return {
    // It says neither when a record is from, nor that a header has no value; a text of no length is no value.
    sends: (record) =>
      record.headers.some(([, value]) => value === null) || record.value === "" || record.key === ""
        ? undefined
        : { ...record, timestamp: -1 },
    produce: async (topic, records, codec) => {
      // A run of it has the same headers for all.
      for (let from = 0; from < records.length; ) {
        const headers = JSON.stringify(records[from]?.headers);
        let to = from + 1;
        while (to < records.length && JSON.stringify(records[to]?.headers) === headers) to++;
        const run = records.slice(from, to);
        const set = (run[0] as PlainRecord).headers.flatMap(([name, value]) => [
          "-H",
          `${name}=${bytes(value)}`,
        ]);
        const lines = run.map(({ key, value }) => `${bytes(key) ?? ""}\x1f${bytes(value) ?? ""}\x1e`);
        await produce(topic, ["-z", codec, "-Z", "-K", "\x1f", "-D", "\x1e", ...set], lines.join(""));
        from = to;
      }
    },
    consume: async (topic, count, isolation: Isolation) => {
      const format = "%o %T %K %S\n%k%s%h\x1e";
      const out = await kcat([
        ...["-C", "-b", address, "-t", topic, "-p", "0", "-o", "beginning", "-c", String(count)],
        ...["-X", `isolation.level=${isolation}`, "-X", "fetch.wait.max.ms=100", "-f", format],
      ]);
      const records: PlainRecord[] = [];
      for (let at = 0; at < out.length; ) {
        const line = out.indexOf("\n", at);
        const [offset, timestamp, keyLength, valueLength] = out
          .subarray(at, line)
          .toString()
          .split(" ")
          .map(Number) as [number, number, number, number];
        at = line + 1;
        const take = (length: number) => {
          if (length < 0) return null;
          at += length;
          return out.subarray(at - length, at).toString("hex");
        };
        const [key, value] = [take(keyLength), take(valueLength)];
        const end = out.indexOf("\x1e", at);
        const headers = out.subarray(at, end).toString();
        at = end + 1;
        records.push({ offset, timestamp, key, value, headers: headers === "" ? [] : named(headers) });
      }
      return records;
    },
    // It ends each of its transactions with its input, and aborts none.
    aborts: false,
    transact: async (topic, transactions: readonly Transaction[]) => {
      for (const { values, end } of transactions)
        if (end === "commit")
          await produce(topic, ["-X", `transactional.id=kcat-${topic}`, "-D", "\x1e"], values.join("\x1e"));
    },
    member: (group, topic) =>
      new Member(
        [
          found?.command ?? "kcat",
          ...["-b", address, "-X", "session.timeout.ms=6000", "-X", "heartbeat.interval.ms=300"],
          ...["-X", "auto.commit.interval.ms=100", "-X", "auto.offset.reset=earliest"],
          ...["-u", "-f", "%p/%o\n", "-G", group, topic],
        ],
        { ...found?.env },
        (line) => {
          if (/^\d+\/\d+$/.test(line)) return { record: line };
          const [, assigned] = / assigned: (.*)$/.exec(line) ?? [];
          if (assigned !== undefined)
            return {
              assigned: [...assigned.matchAll(/\[(\d+)\]/g)].map(([, partition]) => Number(partition)),
            };
          return / revoked: /.test(line) ? { assigned: [] } : undefined;
        },
      ),
    close: async () => {},
  };
}

/** `name=value,…` of headers: NULL for no value. */
const named = (headers: string) =>
  headers.split(",").map((header) => {
    const [name = "", value = ""] = header.split("=");
    return [name, value === "NULL" ? null : text(value)] as const;
  });

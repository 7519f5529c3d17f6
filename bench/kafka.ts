import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Bench, Measurement } from "./harness.js";

const SECONDS = 4;
/** Of a second, in `/proc` (`getconf CLK_TCK`, which Linux gives as 100 on all machines that Node runs on). */
const TICKS = 100;
const root = fileURLToPath(new URL("../..", import.meta.url));

export const bench: Bench = {
  about: `Our Kafka protocol for Kafka's own Java client: records of 100 and 1,000 bytes, produced to four partitions with acks=1 and acks=all and consumed, as many as go in ${SECONDS} seconds each; 50,000 of 1,000 bytes a second, paced, until their acknowledgement; and from produce to consume, 1,000 a second; and the server's processor time for each million of the records that it took, with all that it did for them (on Linux), which a busy machine changes less. Beside Kafka's own broker, which does not wait for its disk, and a broker that only answers: the wire's ceiling. Aims: as many records as Kafka, 60% of the ceiling, paced p99 at most 25 ms. Parts, for a quick look: produce, consume, paced, tail; 100, 1000; acks=1, acks=all.`,
  contenders: [
    { name: "ours", run: (parts) => served(["bench/dist/kafka-server.js", "wal"], parts) },
    { name: "ours, all is stored", run: (parts) => served(["bench/dist/kafka-server.js", "stored"], parts) },
    { name: "Kafka", run: (parts) => served(["scripts/kafka.mjs"], parts) },
    {
      name: "the wire",
      run: (parts) => served(["bench/dist/kafka-wire.js"], ["produce", ...onlyWhich(parts)]),
    },
  ],
  rounds: 1,
};

/** It reads nothing that could be consumed. */
const onlyWhich = (parts: readonly string[]) =>
  parts.filter((part) => !["produce", "consume", "paced", "tail"].includes(part));

/** A server in a process of its own, which says its address first and ends with its standard input. */
async function served(
  [script = "", ...args]: readonly string[],
  parts: readonly string[],
): Promise<Measurement> {
  const folder = await mkdtemp(join(tmpdir(), "bench-kafka-"));
  const server = spawn(process.execPath, [join(root, script), ...args], {
    stdio: ["pipe", "pipe", "inherit"],
    cwd: folder,
  });
  try {
    const address = await createInterface({ input: server.stdout })[Symbol.asyncIterator]().next();
    if (address.done) throw new Error(`${script} did not start. Run "npm run test:interop" once.`);
    const before = await processorSeconds(server.pid);
    const { records = 0, ...measured } = JSON.parse(
      await client([address.value, String(SECONDS), ...parts]),
    ) as Measurement;
    const spent = (await processorSeconds(server.pid)) - before;
    return { ...measured, ...(spent > 0 && { "server.cpuSeconds/M": (spent / records) * 1e6 }) };
  } finally {
    const ended = new Promise((resolve) => server.once("exit", resolve));
    server.stdin.end();
    await ended;
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a process and those that it started have spent so far; 0 where there is no `/proc`. */
async function processorSeconds(pid: number | undefined): Promise<number> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // After the name, which is in parentheses and may have anything in it: ticks as a user are the 12th, as the system the 13th.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const children = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim().split(" ");
    const theirs = await Promise.all(
      children.filter(Boolean).map((child) => processorSeconds(Number(child))),
    );
    return theirs.reduce((sum, each) => sum + each, (Number(fields[11]) + Number(fields[12])) / TICKS);
  } catch {
    return 0;
  }
}

async function client(args: readonly string[]): Promise<string> {
  const { kafkaHome } = (await import(`${root}scripts/places.mjs`)) as { kafkaHome(): string };
  const program = join(root, "bench", "java", "KafkaBench.java");
  const jars = join(kafkaHome(), "client-4", "*");
  const java = spawn("java", ["-Xmx1g", "-cp", jars, program, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  for await (const chunk of java.stdout) output += chunk;
  return output.trim().split("\n").at(-1) ?? "";
}

import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { LogCore } from "../../lib/lakehouse/log/core.js";
import { connectLog, serveGrpc } from "../../lib/lakehouse/log/index.js";
import { Log } from "../../lib/lakehouse/log/log.js";
import { logLost } from "../../lib/lakehouse/log/metrics.js";
import { LocalStore } from "../../lib/lakehouse/storage/index.js";
import { readAll, texts } from "../log/support/lake-log.js";
import { type ChildProgram, childProgram } from "../storage/child.js";
import { type EtcdCluster, findEtcd, needsEtcd, startEtcd } from "./etcd-cluster.js";

const binary = findEtcd();

const PARTITIONS = 6;
const WAIT = { timeout: 60_000, interval: 100 };

// Appends for ever to all partitions that it leads, and prints the place of each record that is acknowledged.
const SERVER = `
  const [root, name, meta, from, ack] = args;
  const store = new storage.LocalStore(root + "/warehouse");
  const opened = new log.Log({ store, folder: root + "/" + name, meta });
  // Who only appends goes by who leads; this one is to lead its share.
  await opened.upkeep();
  const topic = opened.topic("flights");
  let next = Number(from);
  const appendOn = async (partition) => {
    for (;;) {
      const value = String(next++);
      try {
        const [{ baseOffset }] = await topic.append({ value }, { partition, ack });
        process.stdout.write([partition, baseOffset, value].join(" ") + "\\n");
      } catch (error) {
        if (!/NOT_LEADER|FENCED|STORAGE_FAILED|NO_SUCH_PARTITION|LOG_UNAVAILABLE/.test(error.code)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await Promise.all(Array.from({ length: ${PARTITIONS} }, (_, partition) => appendOn(partition)));
`;

describe("a log on etcd", needsEtcd, () => {
  let etcd: EtcdCluster;
  let server: ChildProgram;
  let places = 0;
  beforeAll(async () => {
    etcd = await startEtcd(binary as string);
    server = await childProgram(SERVER, ["storage", "log"]);
  });
  afterAll(async () => {
    await etcd?.dispose();
    await server?.dispose();
  });

  /** Servers, each with a folder of its own, over one store. */
  async function place() {
    const root = await mkdtemp(join(tmpdir(), "log-etcd-"));
    onTestFinished(() => rm(root, { recursive: true, force: true }));
    const meta = `${etcd.uri}/log-${places++}`;
    const open = (name: string) => {
      const core = new LogCore({
        store: new LocalStore(join(root, "warehouse")),
        folder: join(root, name),
        meta,
      });
      onTestFinished(() => core.close());
      return core;
    };
    return Object.assign(open, { root, meta });
  }

  test("two servers share the partitions, and the end of one is the other's beginning", async () => {
    const open = await place();
    const [a, b] = [open("a"), open("b")];
    await a.startWriting();
    const topic = await a.createTopic("flights", { partitions: 8 });
    await b.startWriting();
    const clusterA = await a.cluster();
    const clusterB = await b.cluster();
    const numbers = [0, 1, 2, 3, 4, 5, 6, 7];
    const ledBy = (cluster: typeof clusterA) => numbers.filter((number) => cluster.leads(topic.id, number));
    await until(() => ledBy(clusterA).length === 4 && ledBy(clusterB).length === 4);
    expect((await b.topic("flights")).id).toBe(topic.id);
    expect(clusterA.brokers().map(({ id }) => id)).toEqual([1, 2]);
    const log = { a: logOf(a), b: logOf(b) };
    for (const [name, cluster] of [
      ["a", clusterA],
      ["b", clusterB],
    ] as const)
      for (const partition of ledBy(cluster))
        await log[name].topic("flights").append({ value: `${partition}` }, { partition, ack: "stored" });
    const [elsewhere = 0] = ledBy(clusterB);
    // It goes to who leads.
    const sent = await log.a
      .topic("flights")
      .append({ value: "by a" }, { partition: elsewhere, ack: "stored" });
    expect(sent).toEqual([{ partition: elsewhere, baseOffset: 1n, lastOffset: 1n }]);
    for (const one of [log.a, log.b])
      expect(texts(await readAll(one.topic("flights"))).sort()).toEqual([...numbers.map(String), "by a"]);
    await b.close();
    await until(() => ledBy(clusterA).length === 8);
    await log.a.topic("flights").append({ value: "after" }, { partition: elsewhere, ack: "stored" });
    expect(texts(await readAll(log.a.topic("flights"), { partition: elsewhere }))).toEqual([
      `${elsewhere}`,
      "by a",
      "after",
    ]);
  });

  test("who reads and appends by gRPC goes on at another server where one ends", async () => {
    const open = await place();
    const [a, b] = [logOf(open("a")), logOf(open("b"))];
    const [first, second] = [await serveGrpc(a), await serveGrpc(b)];
    const remote = await connectLog([first.url, second.url]);
    onTestFinished(() => remote.close());
    onTestFinished(() => second.close());
    await remote.createTopic("flights", { partitions: 4 });
    const producer = remote.producer({ ack: "stored" });
    const append = async (from: number) => {
      for (let i = from; i < from + 20; i++)
        await producer.append("flights", { value: String(i) }, { partition: i % 4 });
    };
    const reading = new AbortController();
    const seen = new Set<string>();
    // Some are coordinated by one server, some by the other.
    const readers = ["r", "s", "t", "u"].map(async (group) => {
      const options = { group, signal: reading.signal, sessionTimeoutMs: 6_000 };
      for await (const { records } of remote.consume(["flights"], options))
        for (const value of texts(records)) seen.add(`${group} ${value}`);
    });
    await append(0);
    await until(() => seen.size === 80);
    expect((await remote.groups.describe("r")).state).toBe("Stable");
    expect((await remote.groups.list()).map(({ group }) => group)).toEqual(["r", "s", "t", "u"]);
    await first.close();
    await a.close();
    await append(20);
    await until(() => seen.size === 160);
    reading.abort();
    await Promise.all(readers);
    const all = await readAll(b.topic("flights"));
    expect(
      texts(all)
        .map(Number)
        .sort((x, y) => x - y),
    ).toEqual(Array.from({ length: 40 }, (_, i) => i));
  });

  test("transactions by gRPC have one effect each, whoever coordinates them and their groups, and where one ends", async () => {
    const open = await place();
    const [a, b] = [logOf(open("a")), logOf(open("b"))];
    const [first, second] = [await serveGrpc(a), await serveGrpc(b)];
    const remote = await connectLog([first.url, second.url]);
    onTestFinished(() => remote.close());
    onTestFinished(() => second.close());
    const names = ["r", "s", "t", "u"];
    for (const topic of ["flights", ...names]) await remote.createTopic(topic, { partitions: 2 });
    const values = Array.from({ length: 20 }, (_, i) => String(i));
    const append = async (some: readonly string[]) => {
      for (const value of some)
        await remote
          .producer({ ack: "stored" })
          .append("flights", { value }, { partition: Number(value) % 2 });
    };
    const stop = new AbortController();
    // Ids and groups are coordinated by one server or the other, and each has both.
    const copying = names.map(async (name) => {
      const producer = remote.producer({ transactionalId: name, ack: "stored" });
      const options = { group: `${name}${name}`, commit: "manual", sessionTimeoutMs: 6_000 } as const;
      while (!stop.signal.aborted)
        try {
          for await (const batch of remote.consume(["flights"], { ...options, signal: stop.signal }))
            await producer.transaction(async (tx) => {
              await tx.append(
                name,
                batch.records.map(({ value }) => ({ value })),
              );
              await tx.sendBatch(batch);
              await tx.sendOffsets(`${name}-offsets`, [{ topic: "flights", partition: 0, offset: 1n }]);
            });
        } catch (error) {
          expect((error as { code?: string }).code).toMatch(/^(ILLEGAL_GENERATION|ABORTED|LOG_UNAVAILABLE)$/);
        }
    });
    const copied = async (name: string) => {
      const all = texts(await readAll(b.topic(name), { isolation: "read_committed" }));
      return all.sort((x, y) => Number(x) - Number(y));
    };
    const untilCopied = async (count: number) => {
      for (const name of names) await expect.poll(async () => (await copied(name)).length, WAIT).toBe(count);
    };
    await append(values.slice(0, 10));
    await untilCopied(10);
    await first.close();
    await a.close();
    await append(values.slice(10));
    await untilCopied(20);
    stop.abort();
    await Promise.all(copying);
    for (const name of names) {
      expect(await copied(name)).toEqual(values);
      expect((await remote.groups.describe(`${name}-offsets`)).offsets).toMatchObject([{ offset: 1n }]);
    }
  });

  test("whoever is killed, stopped or cut off from etcd, another goes on, and no record that is stored is lost", async () => {
    const open = await place();
    // It only looks on.
    const watching = open("first");
    const { id } = await watching.createTopic("flights", { partitions: PARTITIONS, segmentMs: 500 });
    const cluster = await watching.cluster();
    const ledBy = () => {
      const leaders = Array.from({ length: PARTITIONS }, (_, number) => cluster.leader(id, number)?.broker);
      return leaders.includes(undefined) ? 0 : new Set(leaders).size;
    };
    const address = etcd.members[0]?.address as string;
    const line = await cuttable(address);
    onTestFinished(line.close);
    const acknowledged = new Map<string, string>();
    let starts = 0;
    const start = (name: string, meta = open.meta) => {
      const child = server.start(open.root, name, meta, String(++starts * 1_000_000), "stored");
      let failure: unknown;
      child.done.catch((error: unknown) => {
        failure = error;
      });
      onTestFinished(() => void child.process.kill("SIGKILL"));
      let read = 0;
      let recent: ReadonlySet<string>[] = [];
      /** To how many partitions it has appended since it was asked before, and the nine times before that. */
      const busy = () => {
        if (child.process.exitCode !== null) throw failure;
        const lines = child.output().split("\n").slice(0, -1);
        const partitions = new Set<string>();
        for (const line of lines.slice(read)) {
          const [partition = "", offset, value = ""] = line.split(" ");
          acknowledged.set(value, `${partition}/${offset}`);
          partitions.add(partition);
        }
        read = lines.length;
        recent = [...recent.slice(-9), partitions];
        return new Set(recent.flatMap((one) => [...one])).size;
      };
      const forget = () => {
        busy();
        recent = [];
      };
      return { ...child, busy, forget };
    };
    type Server = ReturnType<typeof start>;
    const isAll = async (one: Server) => {
      await until(() => ledBy() === 1, 400);
      one.forget();
      await until(() => one.busy() === PARTITIONS, 400);
    };
    const isShared = (...servers: Server[]) =>
      until(() => {
        // That none has ended.
        for (const one of servers) one.busy();
        return ledBy() === 2;
      }, 400);

    const a = start("a");
    const b = start("b", line.uri(open.meta));
    await isShared(a, b);
    a.process.kill("SIGKILL");
    await isAll(b);
    const again = start("a");
    await isShared(again, b);
    again.process.kill("SIGSTOP");
    await isAll(b);
    again.process.kill("SIGCONT");
    await isShared(again, b);
    line.cut();
    await isAll(again);
    line.mend();
    await isShared(again, b);
    for (const one of [a, b, again]) {
      one.process.kill("SIGKILL");
      await one.done.catch(() => undefined);
      one.busy();
    }

    const log = logOf(open("last"));
    const found = new Map<string, string>();
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const records = await readAll(log.topic("flights"), { partition });
      expect(records.map(({ offset }) => offset)).toEqual(records.map((_, i) => BigInt(i)));
      for (const [i, value] of texts(records).entries()) {
        expect(found.has(value), `${value} is there once`).toBe(false);
        found.set(value, `${partition}/${i}`);
      }
    }
    expect(acknowledged.size).toBeGreaterThan(500);
    for (const [value, at] of acknowledged) expect(found.get(value), `record ${value}`).toBe(at);
  });

  test("a server that is back before another has taken over goes on with what was on its disk alone", async () => {
    const open = await place();
    const first = open("first");
    await first.createTopic("flights", { partitions: PARTITIONS, segmentMs: 600_000 });
    await first.close();
    const one = server.start(open.root, "a", open.meta, "0", "wal");
    one.done.catch(() => undefined);
    await until(() => one.output().split("\n").length > 50);
    one.process.kill("SIGKILL");
    await one.done.catch(() => undefined);
    const core = open("a");
    await core.startWriting();
    await core.flush();
    const log = logOf(core);
    for (const line of one.output().split("\n").slice(0, -1)) {
      const [partition, offset, value] = line.split(" ");
      const [record] = await readAll(log.topic("flights"), {
        partition: Number(partition),
        from: BigInt(offset as string),
      });
      expect(Buffer.from(record?.value ?? []).toString()).toBe(value);
    }
  });

  test("a server that comes back after another took over says what it has lost, and writes it nowhere", async () => {
    const open = await place();
    const first = open("first");
    await first.createTopic("flights", { segmentMs: 600_000 });
    await first.close();
    const one = open("a");
    await logOf(one).topic("flights").append({ value: "stored" }, { ack: "stored" });
    const child = server.start(open.root, "b", open.meta, "0", "wal");
    onTestFinished(() => void child.process.kill("SIGKILL"));
    child.done.catch(() => undefined);
    await one.close();
    await until(() => child.output().split("\n").length > 10, 400);
    child.process.kill("SIGKILL");
    await child.done.catch(() => undefined);
    const acknowledged = child.output().split("\n").length - 1;
    const other = open("c");
    await other.startWriting();
    const cluster = await other.cluster();
    const { id } = await other.topic("flights");
    await until(() => cluster.leads(id, 0), 400);
    await logOf(other).topic("flights").append({ value: "other" }, { ack: "stored" });
    const lost: number[] = [];
    const stop = logLost.subscribe(({ records }) => lost.push(records));
    await open("b").startWriting();
    stop();
    expect(lost.reduce((sum, records) => sum + records, 0)).toBeGreaterThanOrEqual(acknowledged);
    expect(texts(await readAll(logOf(other).topic("flights")))).toEqual(["stored", "other"]);
  });
});

/** A way to etcd that can be cut: then what is sent goes nowhere, and no connection says so. */
async function cuttable(address: string) {
  let isCut = false;
  const sockets = new Set<Socket>();
  const [host, port] = address.split(":");
  const proxy = createServer((near) => {
    const far = connect(Number(port), host);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("data", (bytes) => {
        if (!isCut) to.write(bytes);
      });
      from.on("error", () => to.destroy());
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const { port: own } = proxy.address() as { port: number };
  return {
    uri: (meta: string) => meta.replace(/\/\/[^/]+/, `//127.0.0.1:${own}`),
    cut: () => {
      isCut = true;
    },
    mend: () => {
      isCut = false;
      for (const socket of sockets) socket.destroy();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}

function logOf(core: LogCore): Log {
  return new Log({ core, catalog: undefined as never });
}

/** Looks ten times a second. */
async function until(isSo: () => boolean, times = 200): Promise<void> {
  for (let i = 0; i < times; i++) {
    if (isSo()) return;
    await sleep(100);
  }
  throw new Error(`It does not come: ${isSo}`);
}

import { expect, onTestFinished, test } from "vitest";
import { serveSchemaRegistry } from "../../lib/lakehouse/log/index.js";
import { authentications, type LogAppend, logAppends } from "../../lib/lakehouse/log/metrics.js";
import { openLog, testFolder } from "./support/lake-log.js";
import { beginTransaction, Sending } from "./support/producing.js";
import { PASSWORD } from "./support/sasl-client.js";

test("each batch that a client appends is counted once, by whichever way it comes", async () => {
  const log = openLog(testFolder());
  await log.createTopic("flights");
  const counted: LogAppend[] = [];
  onTestFinished(logAppends.subscribe((event: LogAppend) => counted.push(event)));
  const acks = () => counted.splice(0).map(({ ack, bytes }) => [ack, bytes > 0]);
  await log.topic("flights").append({ value: "late" }, { ack: "stored" });
  expect(acks()).toEqual([["stored", true]]);
  const producer = log.producer();
  await producer.append("flights", { value: "late" });
  expect(acks()).toEqual([["wal", true]]);
  const { core } = log;
  const identity = { producerId: 1_000n, epoch: 0 };
  await new Sending(core, identity, "idempotent").send("flights", 0, ["late"]);
  expect(acks()).toEqual([["wal", true]]);
  const { owner, sending } = await beginTransaction(core, "pilot", "flights", [0]);
  await sending.send("flights", 0, ["late"]);
  await (await core.transactions()).endTransaction(owner, "commit");
  expect(acks()).toEqual([["wal", true]]);
  await expect(new Sending(core, identity, "idempotent").again("flights", 0, ["late"], 9)).rejects.toThrow();
  expect(acks()).toEqual([]);
});

test("a password over HTTP is counted by its outcome", async () => {
  const log = openLog(testFolder());
  await log.security.setUser("alice", { password: PASSWORD, isAdmin: true });
  const registry = await serveSchemaRegistry({ registry: log.schemas, port: 0 });
  onTestFinished(() => registry.close());
  const counted: unknown[] = [];
  onTestFinished(authentications.subscribe((event: object) => counted.push(event)));
  for (const password of [PASSWORD, "wrong"]) {
    const authorization = `Basic ${Buffer.from(`alice:${password}`).toString("base64")}`;
    await fetch(`${registry.uri}/subjects`, { headers: { authorization } });
  }
  expect(counted).toEqual([
    { mechanism: "Basic", outcome: "ok" },
    { mechanism: "Basic", outcome: "failed" },
  ]);
});

import { describe, expect, onTestFinished, test } from "vitest";
import {
  connectLog,
  type Log,
  type NewAcl,
  type ServeGrpcOptions,
} from "../../../lib/lakehouse/log/index.js";
import { post, serve } from "../rpc/support/servers.js";
import { certificate } from "../support/certificates.js";
import { openLog, testFolder } from "../support/lake-log.js";
import { PASSWORD } from "../support/sasl-client.js";

const authority = certificate("test authority");
const localhost = certificate("localhost", authority);
const tls = { cert: localhost.cert, key: localhost.key };
const ca = authority.cert;

async function secured(options: ServeGrpcOptions = {}, acls: readonly NewAcl[] = []) {
  const log = openLog(testFolder());
  await log.createTopic("flights");
  await log.createTopic("secrets");
  await log.security.setUser("admin", { password: PASSWORD, isAdmin: true });
  await log.security.setUser("alice", { password: PASSWORD });
  await log.security.addAcls(acls);
  const { url } = await serve(log, options);
  return { log, url };
}

async function connected(url: string, user: string, password = PASSWORD) {
  const remote = await connectLog(url, { credentials: { user, password }, ca });
  onTestFinished(() => remote.close());
  return remote;
}

const DENIED: NewAcl = {
  user: "*",
  permission: "deny",
  operation: "read",
  resource: "topic",
  name: "flights",
};

const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });

describe.each([
  ["without TLS", {}],
  ["over TLS", { tls }],
])("%s", (_, options) => {
  test("the user's password is asked for, by gRPC and by Connect", async () => {
    const { url } = await secured(options);
    const remote = await connected(url, "admin");
    await remote.topic("flights").append({ value: "late" });
    expect((await remote.topics()).map(({ name }) => name)).toEqual(["flights", "secrets"]);
    const stranger = await connectLog(url, { ca });
    onTestFinished(() => stranger.close());
    await expect(stranger.topics()).rejects.toMatchObject({ code: "AUTHENTICATION_FAILED" });
    for (const credentials of [
      { user: "admin", password: "wrong" },
      { user: "nobody", password: PASSWORD },
    ])
      await expect(connectLog(url, { credentials, ca })).rejects.toMatchObject({
        code: "AUTHENTICATION_FAILED",
      });
  });

  test("a user does what the list allows, and sees no more", async () => {
    const { log, url } = await secured(options, [
      { user: "alice", operation: "read", resource: "topic", name: "fli", pattern: "prefixed" },
      { user: "alice", operation: "read", resource: "group", name: "mine" },
    ]);
    await log.topic("flights").append({ value: "late" });
    const alice = await connected(url, "alice");
    expect((await alice.topics()).map(({ name }) => name)).toEqual(["flights"]);
    const read: number[] = [];
    for await (const { records } of alice.topic("flights").read()) read.push(records.length);
    expect(read).toEqual([1]);
    const denied = { code: "TOPIC_AUTHORIZATION_FAILED" };
    await expect(alice.topic("flights").append({ value: "x" })).rejects.toMatchObject(denied);
    // A producer's id is for who may write somewhere.
    await expect(alice.producer().append("flights", { value: "x" })).rejects.toMatchObject({
      code: "CLUSTER_AUTHORIZATION_FAILED",
    });
    await expect(alice.topic("secrets").describe()).rejects.toMatchObject(denied);
    await expect(alice.topic("nothing").describe()).rejects.toMatchObject(denied);
    await expect(alice.deleteTopic("flights")).rejects.toMatchObject(denied);
    await expect(alice.createTopic("flights2")).rejects.toMatchObject(denied);
    await expect(alice.addPartitions("flights", 2)).rejects.toMatchObject(denied);
    await expect(alice.alterTopic("flights", { retentionMs: 1 })).rejects.toMatchObject(denied);
    await expect(alice.flush()).rejects.toMatchObject({ code: "CLUSTER_AUTHORIZATION_FAILED" });
    const consume = async (topics: string[], group: string) => {
      for await (const batch of alice.consume(topics, { group })) return batch.records.length;
      return 0;
    };
    expect(await consume(["flights"], "mine")).toBe(1);
    await expect(consume(["flights"], "theirs")).rejects.toMatchObject({
      code: "GROUP_AUTHORIZATION_FAILED",
    });
    await expect(consume(["flights", "secrets"], "mine")).rejects.toMatchObject(denied);
    await expect(alice.groups.describe("theirs")).rejects.toMatchObject({
      code: "GROUP_AUTHORIZATION_FAILED",
    });
  });
});

test("transactions are for who may write in their name, wherever their producer is known from", async () => {
  const { log, url } = await secured({}, [
    { user: "alice", operation: "write", resource: "topic", name: "flights" },
    { user: "alice", operation: "read", resource: "topic", name: "flights" },
    { user: "alice", operation: "write", resource: "transactionalId", name: "alice-", pattern: "prefixed" },
    { user: "alice", operation: "read", resource: "group", name: "mine" },
  ]);
  const [alice, admin] = [await connected(url, "alice"), await connected(url, "admin")];
  const mine = alice.producer({ transactionalId: "alice-1" });
  await mine.transaction((tx) => tx.append("flights", { value: "1" }));
  await expect(mine.transaction((tx) => tx.append("secrets", { value: "1" }))).rejects.toMatchObject({
    code: "TOPIC_AUTHORIZATION_FAILED",
  });
  const offsets = [{ topic: "flights", partition: 0, offset: 1n }];
  await expect(mine.transaction((tx) => tx.sendOffsets("theirs", offsets))).rejects.toMatchObject({
    code: "GROUP_AUTHORIZATION_FAILED",
  });
  const denied = { code: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED" };
  const theirs = alice.producer({ transactionalId: "admin-1" });
  await expect(theirs.transaction((tx) => tx.append("flights", { value: "x" }))).rejects.toMatchObject(
    denied,
  );
  // Who knows another's producer gets no part of its transaction, by none of the calls.
  await log.topic("flights").append({ value: "to be read" });
  await admin.producer({ transactionalId: "admin-1" }).transaction(async (tx) => {
    await tx.append("secrets", { value: "whole" });
    const entry = await (await log.core.transactions()).describe("admin-1");
    const producer = { id: String(entry?.producerId), epoch: entry?.epoch };
    const transaction = { transactionalId: "admin-1", producer, number: entry?.number };
    const by = (method: string, message: object) =>
      post(url, method, message, basic(`alice:${PASSWORD}`)).then(
        ({ answer }) => answer.details[0].debug.code,
      );
    const request = { topic: "flights", partition: 0, records: [{ value: "" }] };
    for (const call of [
      by("TransactionService/Commit", { transaction }),
      by("TransactionService/Abort", { transaction }),
      by("TransactionService/AddOffsets", { transaction, group: "mine" }),
      by("TransactionService/SendOffsets", { transaction, group: "mine" }),
      by("ProducerService/Append", { ...request, producer: { sequence: 0, transaction } }),
      by("ProducerService/InitProducer", { transactionalId: "admin-1", current: producer }),
    ])
      expect(await call).toBe(denied.code);
    const reading = alice.consume(["flights"], { group: "mine", commit: "manual" });
    const { value: batch } = await reading.next();
    const { producerId = 0n, epoch = 0, number } = entry ?? {};
    const owner = { transactionalId: "admin-1", producerId, epoch, number };
    // It is the end of the reading, as of all that may not be done in a stream.
    expect(await batch?.sendIn?.send(owner)).toBe(false);
    await expect(reading.next()).rejects.toMatchObject(denied);
  });
  const read: string[] = [];
  for await (const { records } of admin.topic("secrets").read({ isolation: "read_committed" }))
    for (const { value } of records) read.push(String(value && Buffer.from(value)));
  expect(read).toEqual(["whole"]);
});

test("a subject's schemas are for who may do the same with its topic", async () => {
  const { log, url } = await secured({}, [
    { user: "alice", operation: "describe", resource: "topic", name: "flights" },
  ]);
  const schema = { schema: '"long"' };
  await log.schemas.register("flights-value", schema);
  await log.schemas.register("secrets-value", { schema: '"string"' });
  const { schemas } = await connected(url, "alice");
  expect(await schemas.subjects()).toEqual(["flights-value"]);
  expect(await schemas.byId(1)).toMatchObject(schema);
  expect(await schemas.version("flights-value", "latest")).toMatchObject({ id: 1 });
  expect(await schemas.uses(2)).toEqual([]);
  const topic = { code: "TOPIC_AUTHORIZATION_FAILED" };
  const cluster = { code: "CLUSTER_AUTHORIZATION_FAILED" };
  for (const [refused, call] of [
    [topic, () => schemas.byId(2)],
    [topic, () => schemas.versions("secrets-value")],
    [topic, () => schemas.version("secrets-value", 1)],
    [topic, () => schemas.lookup("secrets-value", { schema: '"string"' })],
    [topic, () => schemas.check("secrets-value", schema)],
    [topic, () => schemas.referencedBy("secrets-value", 1)],
    [topic, () => schemas.mode("secrets-value")],
    [topic, () => schemas.register("flights-value", { schema: '"double"' })],
    [topic, () => schemas.deleteSubject("flights-value")],
    [topic, () => schemas.deleteVersion("flights-value", 1)],
    [topic, () => schemas.setCompatibility("NONE", "flights-value")],
    [topic, () => schemas.setMode("READONLY", "flights-value")],
    [cluster, () => schemas.setCompatibility("NONE")],
    [cluster, () => schemas.setMode("READONLY", "")],
  ] as const)
    await expect(call(), String(call)).rejects.toMatchObject(refused);
  expect(await schemas.compatibility()).toBe("BACKWARD");
});

test.each([
  ["is denied what it reads", (log: Log) => log.security.addAcls([DENIED])],
  ["is no user any more", (log: Log) => log.security.deleteUser("alice")],
  ["has another password", (log: Log) => log.security.setUser("alice", { password: `${PASSWORD}!` })],
] as const)("streams that wait end when their caller %s, and leave their group", async (_, change) => {
  const { log, url } = await secured({}, [
    { user: "alice", operation: "read", resource: "topic", name: "flights" },
    { user: "alice", operation: "read", resource: "group", name: "mine" },
  ]);
  const alice = await connected(url, "alice");
  const streams = [
    alice.topic("flights").read({ follow: true }),
    alice.consume(["flights"], { group: "mine" }),
  ];
  const reading = streams.map((stream) => stream[Symbol.asyncIterator]().next());
  for (const one of reading) one.catch(() => undefined);
  const members = async () => (await log.groups.list())[0]?.members.length ?? 0;
  await expect.poll(members).toBe(1);
  await change(log);
  await (await log.core.security()).refresh();
  const codes = await Promise.all(reading.map((one) => one.catch(({ code }: { code: string }) => code)));
  for (const code of codes) expect(code).toMatch(/^(TOPIC|GROUP)_AUTHORIZATION_FAILED$/);
  await expect.poll(members).toBe(0);
});

test("a stream from before anybody was asked ends when everyone is", async () => {
  const log = openLog(testFolder());
  await log.createTopic("flights");
  const { url } = await serve(log);
  const remote = await connectLog(url);
  onTestFinished(() => remote.close());
  await remote.topic("flights").append({ value: "open" });
  const values: string[] = [];
  const reading = (async () => {
    for await (const { records } of remote.topic("flights").read({ follow: true }))
      for (const { value } of records) values.push(String(value));
  })();
  reading.catch(() => undefined);
  await expect.poll(() => values.length).toBe(1);
  await log.security.setUser("admin", { password: PASSWORD, isAdmin: true });
  await (await log.core.security()).refresh();
  await expect(reading).rejects.toMatchObject({ code: "AUTHENTICATION_FAILED" });
});

test("who calls is looked at before what he sends", async () => {
  const { url } = await secured();
  const call = (headers: Record<string, string>) => post(url, "AdminService/ListTopics", {}, headers);
  expect((await call(basic(`admin:${PASSWORD}`))).status).toBe(200);
  const answers = [
    await call({}),
    await call(basic("admin:wrong")),
    await call(basic("admin")),
    await call({ authorization: "Bearer x" }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
  const unread = await fetch(`${url}/sololakehouse.log.v1.ProducerService/Append`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "this is no JSON",
  });
  expect(unread.status).toBe(401);
  // Of a server's health anybody may ask, and pages in a browser of nothing.
  const health = (headers: Record<string, string>) =>
    fetch(`${url}/grpc.health.v1.Health/Check`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: "{}",
    });
  expect((await health({})).status).toBe(200);
  expect((await health({ origin: "https://example.com" })).status).toBe(403);
  const page = await call({ ...basic(`admin:${PASSWORD}`), origin: url }).catch(() => undefined);
  expect(page?.status).not.toBe(200);
});

test("a stream ends when its user may no longer read", async () => {
  const { log, url } = await secured({}, [
    { user: "alice", operation: "read", resource: "topic", name: "flights" },
  ]);
  const alice = await connected(url, "alice");
  await log.topic("flights").append({ value: "1" });
  const batches = alice.topic("flights").read({ follow: true })[Symbol.asyncIterator]();
  expect((await batches.next()).done).toBe(false);
  await log.security.removeAcls(() => true);
  await (await log.core.security()).refresh();
  await log.topic("flights").append({ value: "2" });
  await expect(batches.next()).rejects.toMatchObject({ code: "TOPIC_AUTHORIZATION_FAILED" });
});

test("a certificate of the right maker that names a user is enough", async () => {
  const clients = certificate("clients");
  const { url } = await secured({ tls, clientCa: clients.cert });
  const by = async (one: { cert: string; key: string }) => {
    const remote = await connectLog(url, { ca, cert: one.cert, key: one.key });
    onTestFinished(() => remote.close());
    return remote.topics();
  };
  expect(await by(certificate("admin", clients))).toHaveLength(2);
  expect(await by(certificate("alice", clients))).toHaveLength(0);
  await expect(by(certificate("nobody", clients))).rejects.toMatchObject({ code: "AUTHENTICATION_FAILED" });
  await expect(by(certificate("admin", certificate("others")))).rejects.toMatchObject({
    code: "AUTHENTICATION_FAILED",
  });
});

test("a password goes nowhere that others could read it", async () => {
  const credentials = { user: "admin", password: PASSWORD };
  await expect(connectLog("http://example.com:50051", { credentials })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
  });
  const inUrl = connectLog(`http://admin:${encodeURIComponent(PASSWORD)}@127.0.0.1:50051`);
  await expect(inUrl).rejects.toThrow(/^(?!.*correct).*$/);
  const { url } = await secured({ host: "0.0.0.0", insecure: true });
  const at = url.replace("0.0.0.0", "127.0.0.1");
  await expect(connectLog(at, { credentials })).rejects.toMatchObject({ code: "AUTHENTICATION_FAILED" });
});

test.each([
  ["neither TLS nor users", {}, false],
  ["no TLS", {}, true],
  ["no users", { tls }, false],
])("a server that others can reach does not start with %s", async (_, options, hasUser) => {
  const log = openLog(testFolder());
  if (hasUser) await log.security.setUser("alice", { password: PASSWORD });
  await expect(serve(log, { ...options, host: "0.0.0.0" })).rejects.toMatchObject({ code: "INVALID_CONFIG" });
});

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type KafkaServer, Log, serveKafka } from "../../../lib/lakehouse/log/index.js";
import { kafkaFailures } from "../../../lib/lakehouse/log/metrics.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { certificate } from "../../log/support/certificates.js";
import { Engine } from "../engine.js";
import { javaOptions } from "./clients/engine-clients.js";
import { LOGINS, type Login, type SecuredClient, type Target } from "./clients/logins.js";

const MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] as const;
const PASSWORD = 'pa"ss, wörd=1';
const authority = certificate("test authority");
const localhost = certificate("localhost", authority);

let root: string;
let log: Log;
let server: KafkaServer;
let target: Target;
const failures: unknown[] = [];
let forget: () => void;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "slh-secured-"));
  log = new Log({ store: new LocalStore(join(root, "warehouse")), folder: join(root, "log") });
  for (const topic of ["mine", "theirs"]) await log.createTopic(topic, { compression: "none" });
  await log.topic("theirs").append({ value: "secret" });
  await log.security.setUser("admin", { password: PASSWORD, isAdmin: true });
  await log.security.setUser('ali"ce', { password: PASSWORD });
  await log.security.addAcls(
    [
      { operation: "read", resource: "topic", name: "mine" } as const,
      { operation: "write", resource: "topic", name: "mine" } as const,
      { operation: "read", resource: "group", name: "my-", pattern: "prefixed" } as const,
    ].map((acl) => ({ ...acl, user: 'ali"ce' })),
  );
  server = await serveKafka(log, { port: 0, tls: { cert: localhost.cert, key: localhost.key } });
  const caFile = join(root, "ca.pem");
  await writeFile(caFile, authority.cert);
  target = { bootstrap: `127.0.0.1:${server.port}`, ca: authority.cert, caFile };
  forget = kafkaFailures.subscribe(({ error }) => failures.push(error));
});
afterAll(async () => {
  forget();
  await server.stop();
  await log.close();
  await rm(root, { recursive: true, force: true });
});

const alice = (mechanism: Login["mechanism"], password = PASSWORD): Login => ({
  mechanism,
  user: 'ali"ce',
  password,
});

/** What a client says when it fails, with what caused it; nothing where it does not. */
async function said(work: Promise<void>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return inspect(error, { depth: 10 });
  }
}

describe.each(Object.entries(LOGINS))("%s", (_, { open, needs = {}, says }) => {
  let client: SecuredClient;
  beforeAll(() => {
    client = open(target);
  });
  afterAll(() => client.close());

  test.each(MECHANISMS)("logs in by %s with the right password", needs, async (mechanism) => {
    expect(await said(client.produce(alice(mechanism), "mine"))).toBeUndefined();
    expect(await said(client.consume(alice(mechanism), "mine", `my-${mechanism}`))).toBeUndefined();
  });

  test.each(MECHANISMS)("says that the password is wrong, or the user, by %s", needs, async (mechanism) => {
    expect(await said(client.produce(alice(mechanism, "wrong"), "mine"))).toMatch(says.login);
    expect(await said(client.produce({ mechanism, user: "nobody", password: PASSWORD }, "mine"))).toMatch(
      says.login,
    );
  });

  test("says that a topic or a group is not for it", needs, async () => {
    const login = alice("SCRAM-SHA-256");
    expect(await said(client.produce(login, "theirs"))).toMatch(says.topic);
    expect(await said(client.consume(login, "theirs", "my-group"))).toMatch(says.topic);
    expect(await said(client.consume(login, "mine", "their-group"))).toMatch(says.group);
  });
});

describe.each([3, 4] as const)("Java's admin client %i", (version) => {
  test("makes users and entries of the list, which hold at once", async () => {
    const engine = new Engine("KafkaClient.java", javaOptions(version));
    const { bootstrap, ca } = target;
    const as = (user: string) => ({
      bootstrap,
      settings: {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.jaas.config": `org.apache.kafka.common.security.scram.ScramLoginModule required username="${user}" password="${PASSWORD.replace(/["\\]/g, "\\$&")}";`,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.certificates": ca,
      },
    });
    const call = (user: string, step: string, more: object = {}) =>
      engine.call<unknown>("admin", { ...as(user), step, ...more });
    const user = `carol-${version}`;
    try {
      await call("admin", "setUser", { user, password: PASSWORD });
      expect(await call("admin", "users")).toMatchObject({
        [user]: ["SCRAM_SHA_512 8192"],
        admin: ["SCRAM_SHA_256 16384", "SCRAM_SHA_512 16384"],
      });
      const rate = { type: "user", name: user, key: "producer_byte_rate" };
      await call("admin", "setQuota", { ...rate, value: 1_000_000 });
      expect(await call("admin", "quotas", { type: "user" })).toEqual({
        [`{user=${user}}`]: { producer_byte_rate: 1_000_000 },
      });
      await expect(call("admin", "setQuota", { ...rate, type: "client-id", value: 5 })).rejects.toThrow(
        "UnsupportedVersionException",
      );
      await call("admin", "setQuota", rate);
      expect(await call("admin", "quotas", { type: "user" })).toEqual({});
      expect(await call(user, "topics")).toEqual([]);
      await call("admin", "allow", { user, topic: "min" });
      expect(await call(user, "topics")).toEqual(["mine"]);
      expect(await call(user, "mayWhat", { topic: "mine" })).toEqual(["DESCRIBE", "READ"]);
      expect(await call("admin", "acls")).toContainEqual(
        expect.stringMatching(new RegExp(`name=min, patternType=PREFIXED.*User:${user}.*READ.*ALLOW`)),
      );
      for (const [step, more, error] of [
        ["createTopic", { topic: "new" }, "TopicAuthorizationException"],
        ["deleteTopic", { topic: "mine" }, "TopicAuthorizationException"],
        ["partitions", { topic: "theirs" }, "TopicAuthorizationException"],
        ["createPartitions", { topic: "mine", partitions: 2 }, "TopicAuthorizationException"],
        ["configs", { topic: "mine" }, "TopicAuthorizationException"],
        ["alterConfigs", { topic: "mine", configs: { "retention.ms": "1" } }, "TopicAuthorizationException"],
        ["deleteRecords", { topic: "mine", offset: 1 }, "TopicAuthorizationException"],
        ["group", { group: "my-group" }, "GroupAuthorizationException"],
        ["users", {}, "ClusterAuthorizationException"],
        ["setUser", { user: "admin", password: "mine now" }, "ClusterAuthorizationException"],
        ["acls", {}, "ClusterAuthorizationException"],
        ["quotas", { type: "user" }, "ClusterAuthorizationException"],
        ["setQuota", { ...rate, value: 5 }, "ClusterAuthorizationException"],
        ["allow", { user, topic: "t" }, "ClusterAuthorizationException"],
      ] as const)
        await expect(call(user, step, more), step).rejects.toThrow(error);
      expect(await call("admin", "disallow", { topic: "mine" })).toBeGreaterThan(0);
      await call("admin", "deleteUser", { user });
      await expect(call(user, "topics")).rejects.toThrow("SaslAuthenticationException");
    } finally {
      await engine.close();
      await log.security.addAcls(
        (["read", "write"] as const).map((operation) => ({
          ...{ operation, resource: "topic" as const, name: "mine", user: 'ali"ce' },
        })),
      );
    }
  });
});

test("no password is in what went wrong meanwhile", () => {
  const texts = failures.map(
    (error) => `${(error as Error).message} ${JSON.stringify(error)} ${(error as Error).stack}`,
  );
  expect(texts.filter((text) => text.includes(PASSWORD) || text.includes("wrong"))).toEqual([]);
});

/** Logging in by tokens (OAUTHBEARER), as Kafka's own clients do it. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type KafkaServer, Log, serveKafka } from "../../../lib/lakehouse/log/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { claims, type Key, newKey, trusting } from "../../log/support/tokens.js";
import { Engine } from "../engine.js";
import { javaOptions } from "./clients/engine-clients.js";

const OAUTHBEARER = "org.apache.kafka.common.security.oauthbearer";
const RECORD = { key: null, value: "61", partition: 0, headers: [] };

let root: string;
let log: Log;
let server: KafkaServer;
let key: Key;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "slh-tokens-"));
  log = new Log({ store: new LocalStore(join(root, "warehouse")), folder: join(root, "log") });
  await log.createTopic("flights", { compression: "none" });
  await log.security.setUser("alice", { isAdmin: true });
  key = await newKey("one", "RS256");
  const keys = join(root, "keys.json");
  await writeFile(keys, JSON.stringify({ keys: [key.jwk] }));
  server = await serveKafka(log, { port: 0, tokens: trusting(keys) });
});
afterAll(async () => {
  await server.stop();
  await log.close();
  await rm(root, { recursive: true, force: true });
});

const appended = async () => Number((await log.topic("flights").offsets())[0]?.end);

/** @returns whether the record is there. */
async function produces(engine: Engine, settings: object): Promise<boolean> {
  const before = await appended();
  const call = {
    ...{ bootstrap: `127.0.0.1:${server.port}`, topic: "flights", records: [RECORD] },
    settings: { "security.protocol": "SASL_PLAINTEXT", ...settings },
  };
  const failure = await engine.call("produce", call).then(
    () => undefined,
    (error: unknown) => String(error),
  );
  expect((await appended()) > before).toBe(failure === undefined);
  if (failure !== undefined) expect(failure).toMatch(/SaslAuthentication|TimeoutException|was not delivered/);
  return failure === undefined;
}

async function tokens() {
  return {
    good: await key.sign(claims("alice")),
    stranger: await (await newKey("one", "RS256")).sign(claims("alice")),
  };
}

const java = {
  "sasl.mechanism": "OAUTHBEARER",
  "max.block.ms": "3000",
};
const module = (claims: string) => `${OAUTHBEARER}.OAuthBearerLoginModule required ${claims};`;

test.each([3, 4] as const)(
  "Java's client %d is let in by a token of the issuer, and not by a stranger's",
  async (version) => {
    const file = join(root, `token-${version}`);
    const url = pathToFileURL(file).href;
    const allowed = `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${url}`;
    const engine = new Engine("KafkaClient.java", [allowed, ...javaOptions(version)]);
    const login = {
      ...java,
      "sasl.jaas.config": module(""),
      "sasl.oauthbearer.token.endpoint.url": url,
      "sasl.login.callback.handler.class": `${OAUTHBEARER}.OAuthBearerLoginCallbackHandler`,
    };
    try {
      const { good, stranger } = await tokens();
      await writeFile(file, good);
      expect(await produces(engine, { ...login, "max.block.ms": "60000" })).toBe(true);
      await writeFile(file, stranger);
      expect(await produces(engine, login)).toBe(false);
    } finally {
      engine.close();
    }
  },
);

test("Java's client 4 is not let in by a token that it makes itself, unsigned", async () => {
  const engine = new Engine("KafkaClient.java", javaOptions(4));
  const login = { ...java, "sasl.jaas.config": module('unsecuredLoginStringClaim_sub="alice"') };
  try {
    expect(await produces(engine, login)).toBe(false);
  } finally {
    engine.close();
  }
});

test("librdkafka is let in by a token of the issuer, and by none of its own", async () => {
  const engine = new Engine("confluent_client.py");
  const login = { "sasl.mechanisms": "OAUTHBEARER", "message.timeout.ms": 2_000 };
  try {
    const { good, stranger } = await tokens();
    expect(await produces(engine, { ...login, token: good })).toBe(true);
    expect(await produces(engine, { ...login, token: stranger })).toBe(false);
    const own = {
      "enable.sasl.oauthbearer.unsecure.jwt": true,
      "sasl.oauthbearer.config": "principal=alice scope=flights",
    };
    expect(await produces(engine, { ...login, ...own })).toBe(false);
  } finally {
    engine.close();
  }
});

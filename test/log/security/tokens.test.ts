import { createHmac, createPublicKey } from "node:crypto";
import { createServer } from "node:http";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import {
  connectLog,
  type Log,
  serveSchemaRegistry,
  type TokenOptions,
} from "../../../lib/lakehouse/log/index.js";
import { metadata } from "../../../lib/lakehouse/log/kafka/protocol/messages/cluster.js";
import { saslAuthenticate, saslHandshake } from "../../../lib/lakehouse/log/kafka/protocol/messages/sasl.js";
import { TokenVerifier } from "../../../lib/lakehouse/log/security/tokens.js";
import { post, serve as serveGrpc } from "../rpc/support/servers.js";
import { Client, serve as serveKafka } from "../support/kafka-client.js";
import { openLog, testFolder } from "../support/lake-log.js";
import { PASSWORD } from "../support/sasl-client.js";
import { AUDIENCE, claims, type Key, keysFile, newKey, trusting, writeKeys } from "../support/tokens.js";

const FAILED = 58;
const UNSUPPORTED_MECHANISM = 33;

async function secured(): Promise<Log> {
  const log = openLog(testFolder());
  await log.createTopic("flights");
  await log.security.setUser("alice", { isAdmin: true });
  await log.security.setUser("bob", { password: PASSWORD });
  return log;
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const said = (token: string) => Buffer.from(`n,,\x01auth=Bearer ${token}\x01\x01`);

async function tell(client: Client, authBytes: Uint8Array) {
  const { errorCode } = await client.ask(saslHandshake, 1, { mechanism: "OAUTHBEARER" });
  if (errorCode !== 0) return { errorCode, sessionLifetimeMs: 0n, errorMessage: null };
  return client.ask(saslAuthenticate, 2, { authBytes });
}

/** Everything that takes a token: whether it does. */
async function doors(log: Log, tokens: TokenOptions) {
  const { server } = await serveKafka({ tokens }, log);
  const { url } = await serveGrpc(log, { tokens });
  const registry = await serveSchemaRegistry({ registry: log.schemas, port: 0, tokens });
  onTestFinished(() => registry.close());
  return {
    kafka: async (token: string) => (await tell(await Client.to(server), said(token))).errorCode === 0,
    grpc: async (token: string) =>
      (await post(url, "AdminService/ListTopics", {}, bearer(token))).status === 200,
    registry: async (token: string) =>
      (await fetch(`${registry.uri}/subjects`, { headers: bearer(token) })).status === 200,
  };
}

const encoded = (json: object) => Buffer.from(JSON.stringify(json)).toString("base64url");

function unsigned(header: object, payload: object, signature = ""): string {
  return `${encoded(header)}.${encoded(payload)}.${signature}`;
}

/** Signed with what everybody can read: the public key, in one of its forms. */
function confused(payload: object, secret: string | Buffer): string {
  const text = `${encoded({ alg: "HS256", kid: "one", typ: "JWT" })}.${encoded(payload)}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

/** Tokens that nobody should take, by what is wrong with them. */
async function forgeries(key: Key): Promise<Record<string, string>> {
  const good = claims("alice");
  const stranger = await newKey("one", "RS256");
  const { exp: _, ...endless } = good;
  const { sub: __, ...nameless } = good;
  const right = await key.sign(good);
  const [header = "", , signature = ""] = right.split(".");
  const pem = createPublicKey({ key: key.jwk as never, format: "jwk" }).export({
    type: "spki",
    format: "pem",
  });
  return {
    "no token": "x",
    "an empty signature": right.slice(0, right.lastIndexOf(".") + 1),
    "another payload under its signature": `${header}.${encoded(claims("bob"))}.${signature}`,
    "of another issuer": await key.sign({ ...good, iss: "https://other.example" }),
    "for another audience": await key.sign({ ...good, aud: "another" }),
    "for no audience": await key.sign({ ...good, aud: [] }),
    expired: await key.sign(claims("alice", -1_000)),
    "without an end": await key.sign(endless),
    "not valid yet": await key.sign({ ...good, nbf: Math.floor(Date.now() / 1000) + 600 }),
    "without a user": await key.sign(nameless),
    "of a user that is no text": await key.sign({ ...good, sub: ["alice"] as unknown as string }),
    "of a user that the log does not have": await key.sign(claims("nobody")),
    "of a user named as objects name theirs": await key.sign(claims("constructor")),
    "signed by a stranger who takes the key's name": await stranger.sign(good),
    "that brings its own key": await stranger.sign(good, { jwk: stranger.jwk as never }),
    "that says where its key is": await stranger.sign(good, { jku: "http://127.0.0.1:1/", kid: "two" }),
    "of an unknown key": await stranger.sign(good, { kid: "two" }),
    "unsigned, and saying so": unsigned({ alg: "none" }, good),
    "unsigned, and saying so loudly": unsigned({ alg: "NONE" }, good),
    "unsigned, with a signature": unsigned({ alg: "none" }, good, signature),
    "unsigned, of no algorithm": unsigned({}, good),
    "signed with the public key as a secret": confused(good, String(pem)),
    "signed with the public key as a secret, in JSON": confused(good, JSON.stringify(key.jwk)),
    "signed with the public key's number as a secret": confused(
      good,
      Buffer.from(String(key.jwk.n ?? key.jwk.x), "base64url"),
    ),
    "with a critical extension that nobody knows": await key
      .sign(good, { crit: ["x"], x: 1 } as never)
      .catch(() => unsigned({ alg: key.jwk.alg, kid: "one", crit: ["x"], x: 1 }, good, signature)),
  };
}

describe.each(["ES256", "RS256"])("%s", (alg) => {
  test("a token of the issuer is taken by every server, and none that only looks like one", async () => {
    const key = await newKey("one", alg);
    const open = await doors(await secured(), trusting(keysFile(key.jwk)));
    const tokens = {
      ...(await forgeries(key)),
      good: await key.sign(claims("alice")),
      "good for several": await key.sign({ ...claims("alice"), aud: ["other", AUDIENCE] }),
    };
    const taken = await Promise.all(
      Object.entries(tokens).flatMap(([name, token]) =>
        Object.entries(open).map(async ([door, takes]) => ((await takes(token)) ? `${door}: ${name}` : "")),
      ),
    );
    expect(taken.filter((one) => one !== "").sort()).toEqual(
      ["good", "good for several"]
        .flatMap((name) => Object.keys(open).map((door) => `${door}: ${name}`))
        .sort(),
    );
  });
});

test("why a token is refused is said, and nothing of it or of the keys", async () => {
  const key = await newKey();
  const verifier = await TokenVerifier.open(trusting(keysFile(key.jwk)));
  const reasons: Record<string, string> = {
    [await key.sign(claims("alice", -1_000))]: "it has expired",
    [await key.sign({ ...claims("alice"), iss: "x" })]: "its claim iss is not what it has to be",
    [unsigned({ alg: "none" }, claims("alice"))]: "it is not signed in a way that is taken here",
    x: "it is no signed JWT",
  };
  for (const [token, why] of Object.entries(reasons))
    await expect(verifier.check(token)).rejects.toMatchObject({
      code: "AUTHENTICATION_FAILED",
      message: `The token is not accepted: ${why}. Get another from its issuer.`,
    });
  expect(await verifier.check(await key.sign(claims("alice")))).toMatchObject({ user: "alice" });
  const byName = await TokenVerifier.open({ ...trusting(keysFile(key.jwk)), userClaim: "azp" });
  expect(await byName.check(await key.sign({ ...claims("x"), azp: "bob" }))).toMatchObject({ user: "bob" });
});

test.each([
  "",
  "n,,",
  "n,,\x01\x01",
  "n,,\x01auth=Bearer \x01\x01",
  "n,,auth=Bearer TOKEN",
  "n,,\x01auth=Bearer TOKEN\x01",
  "n,,\x01auth=Basic TOKEN\x01\x01",
  "y,,\x01auth=Bearer TOKEN\x01\x01",
  "n,a=bob,\x01auth=Bearer TOKEN\x01\x01",
  "n,,\x01auth=Bearer TOKEN\x01auth=Bearer TOKEN\x01\x01",
  `n,,${"\x01a=b".repeat(2_000)}\x01\x01`,
  "\x01",
])("what is no message with a token, as %j, is refused", async (text) => {
  const key = await newKey();
  const { server } = await serveKafka({ tokens: trusting(keysFile(key.jwk)) }, await secured());
  const token = await key.sign(claims("alice"));
  const client = await Client.to(server);
  expect((await tell(client, Buffer.from(text.replaceAll("TOKEN", token)))).errorCode).toBe(FAILED);
  await client.closed();
});

test("a client may say for whom it acts, where that is itself, and send extensions", async () => {
  const key = await newKey();
  const { server } = await serveKafka({ tokens: trusting(keysFile(key.jwk)) }, await secured());
  const token = await key.sign(claims("alice"));
  for (const text of [
    `n,a=alice,\x01auth=Bearer ${token}\x01\x01`,
    `n,,\x01logicalCluster=a\x01auth=Bearer ${token}\x01b=c\x01\x01`,
  ])
    expect((await tell(await Client.to(server), Buffer.from(text))).errorCode).toBe(0);
});

test("where nobody is trusted, or others could read it, no token is taken", async () => {
  const key = await newKey();
  const log = await secured();
  const token = await key.sign(claims("alice"));
  const { server } = await serveKafka({}, log);
  expect((await tell(await Client.to(server), said(token))).errorCode).toBe(UNSUPPORTED_MECHANISM);
  const { url } = await serveGrpc(log);
  const refused = await post(url, "AdminService/ListTopics", {}, bearer(token));
  expect(refused).toMatchObject({ status: 401, ways: 'Basic realm="log"' });
  const open = { host: "0.0.0.0", insecure: true, tokens: trusting(keysFile(key.jwk)) };
  const { server: wide } = await serveKafka(open, log);
  const client = await Client.to({ ...wide, host: "127.0.0.1" });
  expect((await tell(client, said(token))).errorCode).toBe(UNSUPPORTED_MECHANISM);
  const { port } = await serveGrpc(log, open);
  const at = `http://127.0.0.1:${port}`;
  expect((await post(at, "AdminService/ListTopics", {}, bearer(token))).status).toBe(401);
  await expect(
    connectLog("http://log.example", { credentials: { token: () => token } }),
  ).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("a login by token lasts as long as the token, and is renewed by another of the same user", async () => {
  const key = await newKey();
  const { server } = await serveKafka({ tokens: trusting(keysFile(key.jwk)) }, await secured());
  const ask = (client: Client) => client.ask(metadata, 9, { topics: null });
  const short = () => key.sign(claims("alice"));
  const client = await Client.to(server);
  const { sessionLifetimeMs } = await tell(client, said(await short()));
  expect(Number(sessionLifetimeMs)).toBeGreaterThan(0);
  expect(Number(sessionLifetimeMs)).toBeLessThanOrEqual(60_000);
  await ask(client);
  const other = await Client.to(server);
  await tell(other, said(await short()));
  expect((await tell(other, said(await key.sign(claims("bob"))))).errorCode).toBe(FAILED);
  await other.closed();
  const renewed = await Client.to(server);
  await tell(renewed, said(await short()));
  const long = await key.sign(claims("alice", 3_600_000));
  expect((await tell(renewed, said(long))).errorCode).toBe(0);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 61_000 });
  onTestFinished(() => void vi.useRealTimers());
  await ask(renewed);
  await expect(ask(client)).rejects.toThrow();
  // sessionMs may be shorter.
  const { server: strict } = await serveKafka(
    { tokens: trusting(keysFile(key.jwk)), sessionMs: 1_000 },
    await secured(),
  );
  const asked = await tell(await Client.to(strict), said(await key.sign(claims("alice"))));
  expect(asked.sessionLifetimeMs).toBe(1_000n);
});

test("what a client reads by gRPC ends with its token, and goes on with the next", async () => {
  const key = await newKey();
  const log = await secured();
  const { url } = await serveGrpc(log, { tokens: trusting(keysFile(key.jwk)) });
  let token = await key.sign(claims("alice", 2_000));
  const remote = await connectLog(url, { credentials: { token: async () => token } });
  onTestFinished(() => remote.close());
  const reading = remote.topic("flights").read({ follow: true }).next();
  await expect(reading).rejects.toMatchObject({ code: "AUTHENTICATION_FAILED" });
  await expect(remote.topics()).rejects.toMatchObject({ code: "AUTHENTICATION_FAILED" });
  token = await key.sign(claims("alice"));
  expect(await remote.topics()).toHaveLength(1);
  token = await key.sign(claims("bob"));
  expect(await remote.topics()).toHaveLength(0);
});

test("the issuer's keys may change while the server runs, in a file and at a URL", async () => {
  const [old, young] = [await newKey("old"), await newKey("young")];
  const path = keysFile(old.jwk);
  const verifier = await TokenVerifier.open(trusting(path));
  await verifier.check(await old.sign(claims("alice")));
  writeKeys(path, young.jwk, (await newKey("third")).jwk);
  await expect
    .poll(async () => verifier.check(await young.sign(claims("alice"))).catch(() => undefined))
    .toBeDefined();
  await expect(verifier.check(await old.sign(claims("alice")))).rejects.toMatchObject({
    message: expect.stringContaining("a key that is not trusted here"),
  });
  writeKeys(path);
  await expect
    .poll(async () => verifier.check(await young.sign(claims("alice"))).catch(() => undefined))
    .toBeUndefined();

  const issuer = createServer((_, response) => response.end(JSON.stringify({ keys: [old.jwk] })));
  await new Promise<void>((resolve) => issuer.listen(0, "127.0.0.1", resolve));
  const { port } = issuer.address() as { port: number };
  const remote = await TokenVerifier.open(trusting(`http://127.0.0.1:${port}/keys`));
  expect(await remote.check(await old.sign(claims("alice")))).toMatchObject({ user: "alice" });
  issuer.closeAllConnections();
  await new Promise((resolve) => issuer.close(resolve));
  const gone = await TokenVerifier.open(trusting(`http://127.0.0.1:${port}/keys`));
  await expect(gone.check(await old.sign(claims("alice")))).rejects.toMatchObject({
    code: "AUTHENTICATION_FAILED",
    message: expect.stringContaining("cannot be read for the moment"),
  });
});

test("what cannot be trusted is refused when the server is started", async () => {
  const { jwk } = await newKey();
  for (const [tokens, code] of [
    [trusting("http://keys.example/jwks"), "INVALID_CONFIG"],
    [trusting(`${testFolder()}/nowhere.json`), "INVALID_CONFIG"],
    [trusting(keysFile()), "INVALID_CONFIG"],
    [trusting(keysFile({ ...jwk, d: "secret" })), "INVALID_CONFIG"],
    [trusting(keysFile({ kty: "oct", k: "secret" })), "INVALID_CONFIG"],
    [{ ...trusting(keysFile(jwk)), issuer: "" }, "INVALID_CONFIG"],
    [{ ...trusting(keysFile(jwk)), audience: undefined as unknown as string }, "INVALID_CONFIG"],
    [{ ...trusting(keysFile(jwk)), algorithm: "none" } as TokenOptions, "INVALID_ARGUMENT"],
  ] as const)
    await expect(TokenVerifier.open(tokens), JSON.stringify(tokens)).rejects.toMatchObject({ code });
});

test("who is refused is told by what he may show who he is: a token, too, where some are taken", async () => {
  const key = await newKey();
  const log = await secured();
  const tokens = trusting(keysFile(key.jwk));
  const { url } = await serveGrpc(log, { tokens });
  const registry = await serveSchemaRegistry({ registry: log.schemas, port: 0, tokens });
  onTestFinished(() => registry.close());
  const ways = 'Basic realm="log", Bearer realm="log"';
  expect(await post(url, "AdminService/ListTopics", {})).toMatchObject({ status: 401, ways });
  const refused = await fetch(`${registry.uri}/subjects`);
  expect(refused.status).toBe(401);
  expect(refused.headers.get("www-authenticate")).toBe(ways);
});

import { connect } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { apiVersions, metadata } from "../../../lib/lakehouse/log/kafka/protocol/messages/cluster.js";
import { saslAuthenticate, saslHandshake } from "../../../lib/lakehouse/log/kafka/protocol/messages/sasl.js";
import { Client, serve } from "../support/kafka-client.js";
import { openLog, testFolder } from "../support/lake-log.js";
import { loggedIn, logIn, PASSWORD, plainToken, ScramClient } from "../support/sasl-client.js";

const ILLEGAL_STATE = 34;
const UNSUPPORTED_MECHANISM = 33;
const FAILED = 58;
const MECHANISMS = ["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"];

/** A server of a log with a user. */
async function secured(options: Parameters<typeof serve>[0] = {}, user = "alice") {
  const log = openLog(testFolder());
  await log.security.setUser(user, { password: PASSWORD, isAdmin: true });
  return serve(options, log);
}

const ask = (client: Client) => client.ask(metadata, 9, { topics: null });
const APIS = { clientSoftwareName: "test", clientSoftwareVersion: "1" };

describe.each(MECHANISMS)("%s", (mechanism) => {
  test("lets in who has the password, and nobody else", async () => {
    const { server } = await secured();
    const client = await Client.to(server);
    expect((await logIn(client, mechanism, "alice", PASSWORD)).errorCode).toBe(0);
    expect((await ask(client)).brokers).toHaveLength(1);
    const answers: unknown[] = [];
    for (const [user, password] of [
      ["alice", "wrong"],
      ["alice", ""],
      ["alice", `${PASSWORD} `],
      ["Alice", PASSWORD],
      ["nobody", PASSWORD],
      ["constructor", PASSWORD],
      ["", ""],
    ] as const) {
      const other = await Client.to(server);
      const { errorCode, errorMessage } = await logIn(other, mechanism, user, password);
      answers.push(errorMessage);
      expect([user, errorCode]).toEqual([user, FAILED]);
      await other.closed();
    }
    // It does not say whether it was the name or the password.
    expect(new Set(answers).size).toBe(1);
  });

  test.each(["o'neil", 'say "hi"', "a,b=c", "=2C", "ünïcode-名前", "a b"])(
    "knows a user named %s",
    async (name) => {
      const { server } = await secured({}, name);
      expect((await logIn(await Client.to(server), mechanism, name, PASSWORD)).errorCode).toBe(0);
    },
  );

  test("does so by the oldest handshake, too, in which tokens come bare", async () => {
    const { server } = await secured();
    const client = await Client.to(server);
    expect((await client.ask(saslHandshake, 0, { mechanism })).errorCode).toBe(0);
    const send = async (token: Buffer) => {
      const length = Buffer.alloc(4);
      length.writeInt32BE(token.length);
      client.socket.write(Buffer.concat([length, token]));
      const from = await client.next();
      return Buffer.from(from.view(from.left));
    };
    if (mechanism === "PLAIN") expect(await send(plainToken("alice", PASSWORD))).toHaveLength(0);
    else {
      const scram = new ScramClient(mechanism, "alice", PASSWORD);
      const { token, verifier } = scram.final(await send(scram.first()));
      expect(String(await send(token))).toBe(verifier);
    }
    expect((await ask(client)).brokers).toHaveLength(1);
  });
});

describe("before a login", () => {
  test("only what it takes to log in is answered", async () => {
    const { server } = await secured();
    const client = await Client.to(server);
    expect((await client.ask(apiVersions, 3, APIS)).errorCode).toBe(0);
    await expect(ask(client)).rejects.toThrow("closed");
    const other = await Client.to(server);
    expect(
      (await other.ask(saslAuthenticate, 2, { authBytes: plainToken("alice", PASSWORD) })).errorCode,
    ).toBe(ILLEGAL_STATE);
    await other.closed();
    const third = await Client.to(server);
    expect(await third.ask(saslHandshake, 1, { mechanism: "GSSAPI" })).toMatchObject({
      errorCode: UNSUPPORTED_MECHANISM,
      mechanisms: MECHANISMS,
    });
    await third.closed();
  });

  test("no large request is taken, and none takes memory from others", async () => {
    const { server } = await secured({ memoryBytes: 64 * 1024 });
    const held: Client[] = [];
    for (let i = 0; i < 50; i++) {
      const client = await Client.to(server);
      // A request that begins and goes no further.
      client.socket.write(Buffer.from("00001fff0011", "hex"));
      held.push(client);
    }
    const client = await loggedIn(server, "alice");
    expect((await ask(client)).brokers).toHaveLength(1);
    const large = await Client.to(server);
    large.socket.write(Buffer.from("00002001", "hex"));
    await large.closed();
    expect(held.every(({ socket }) => !socket.destroyed)).toBe(true);
  });

  test("a connection that does not log in is closed, one that did stays", async () => {
    const { server } = await secured({ authenticateMs: 400 });
    // On a busy machine a login may take too long as well.
    const client = await vi.waitFor(() => loggedIn(server, "alice"), 60_000);
    const silent = await Client.to(server);
    const slow = await Client.to(server);
    slow.send(saslHandshake, 1, { mechanism: "SCRAM-SHA-256" });
    const drip = setInterval(() => slow.socket.write(Buffer.of(0)), 100);
    await Promise.all([silent.closed(), slow.closed()]);
    clearInterval(drip);
    expect((await ask(client)).brokers).toHaveLength(1);
  });

  test("one address has no more connections than it may", async () => {
    const { server } = await secured({ maxConnectionsPerAddress: 2 });
    const [first, second] = [await loggedIn(server, "alice"), await loggedIn(server, "alice")];
    await (await Client.to(server)).closed();
    first.socket.destroy();
    await vi.waitFor(() => loggedIn(server, "alice"), 60_000);
    expect((await ask(second)).brokers).toHaveLength(1);
  });
});

describe("SCRAM", () => {
  const begin = async (server: { host: string; port: number }) => {
    const client = await Client.to(server as never);
    await client.ask(saslHandshake, 1, { mechanism: "SCRAM-SHA-256" });
    return client;
  };
  const say = (client: Client, text: string | Buffer) =>
    client.ask(saslAuthenticate, 2, { authBytes: Buffer.from(text) });

  test("a message that was overheard is of no use again", async () => {
    const { server } = await secured();
    const scram = new ScramClient("SCRAM-SHA-256", "alice", PASSWORD);
    const client = await begin(server);
    const first = await say(client, scram.first());
    const { token, verifier } = scram.final(Buffer.from(first.authBytes));
    expect(String((await say(client, token)).authBytes)).toBe(verifier);
    const thief = await begin(server);
    await say(thief, scram.first());
    expect((await say(thief, token)).errorCode).toBe(FAILED);
    const hasty = await begin(server);
    expect((await say(hasty, token)).errorCode).toBe(FAILED);
  });

  test("a user that there is not has a salt, the same each time, and another than the next", async () => {
    const { server } = await secured();
    const saltOf = async (user: string) => {
      const { errorCode, authBytes } = await say(await begin(server), `n,,n=${user},r=abcdefgh`);
      const [, salt, iterations] = /,s=([^,]*),i=(\d+)$/.exec(String(Buffer.from(authBytes))) ?? [];
      return { errorCode, length: salt?.length, iterations, salt };
    };
    const known = await saltOf("alice");
    const [ghost, again, other] = [await saltOf("ghost"), await saltOf("ghost"), await saltOf("other")];
    const { salt: _, ...shape } = known;
    expect(ghost).toMatchObject(shape);
    expect(again).toEqual(ghost);
    expect(other.salt).not.toBe(ghost.salt);
  });

  test.each([
    ["binds a channel", "p=tls-unique,,n=alice,r=abcdefgh"],
    ["acts for another", "n,a=bob,n=alice,r=abcdefgh"],
    ["has an extension that must be known", "n,,m=x,n=alice,r=abcdefgh"],
    ["has an extension", "n,,n=alice,r=abcdefgh,tokenauth=true"],
    ["has a name that is not escaped", "n,,n=al=ice,r=abcdefgh"],
    ["has no nonce", "n,,n=alice,r="],
    ["has a nonce that is none", "n,,n=alice,r=äbc"],
    ["is no UTF-8", Buffer.from("6e2c2c6e3dff2c723d61626364", "hex")],
    ["is empty", ""],
  ])("a first message that %s is refused", async (_, message) => {
    const { server } = await secured();
    expect((await say(await begin(server), message)).errorCode).toBe(FAILED);
  });

  const other = (letter: string) => (letter === "x" ? "y" : "x");

  test("a last message that changes what was agreed is refused", async () => {
    const { server } = await secured();
    for (const change of [
      (token: string) => token.replace("c=biws", "c=eSws"),
      (token: string) => token.replace(/r=(.)/, (_, first) => `r=${other(first)}`),
      (token: string) => token.replace(/(.),p=/, (_, last) => `${other(last)},p=`),
      (token: string) => token.replace(/p=.*/, "p="),
      (token: string) => token.replace(/p=..../, "p=AAAA"),
      (token: string) => `${token},x=y`,
    ]) {
      const scram = new ScramClient("SCRAM-SHA-256", "alice", PASSWORD);
      const client = await begin(server);
      const { authBytes } = await say(client, scram.first());
      const token = change(String(scram.final(Buffer.from(authBytes)).token));
      expect((await say(client, token)).errorCode).toBe(FAILED);
    }
  });
});

describe("a login", () => {
  test("ends with its time, unless it is renewed by the same user", async () => {
    const log = openLog(testFolder());
    await log.security.setUser("alice", { password: PASSWORD, isAdmin: true });
    await log.security.setUser("bob", { password: PASSWORD });
    const { server } = await serve({ sessionMs: 2_000 }, log);
    const client = await Client.to(server);
    await client.ask(saslHandshake, 1, { mechanism: "PLAIN" });
    const answer = await client.ask(saslAuthenticate, 2, { authBytes: plainToken("alice", PASSWORD) });
    expect(answer).toMatchObject({ errorCode: 0, sessionLifetimeMs: 2_000n });
    const [changed, over] = [await loggedIn(server, "alice"), await loggedIn(server, "alice")];
    for (let i = 0; i < 6; i++) {
      await new Promise((resolve) => setTimeout(resolve, 400));
      expect((await logIn(client, "SCRAM-SHA-512", "alice", PASSWORD)).errorCode).toBe(0);
      expect((await ask(client)).brokers).toHaveLength(1);
    }
    await expect(ask(over)).rejects.toThrow("closed");
    expect((await logIn(changed, "SCRAM-SHA-256", "bob", PASSWORD)).errorCode).toBe(FAILED);
    await changed.closed();
  });

  test("ends when the user's password is changed, or the user is deleted, without a restart", async () => {
    const { log, server } = await secured();
    await log.security.setUser("bob", { password: PASSWORD, isAdmin: true });
    const security = await log.core.security();
    await security.refresh();
    const [alice, bob] = [await loggedIn(server, "alice"), await loggedIn(server, "bob")];
    await log.security.setUser("alice", { password: "another one" });
    await log.security.deleteUser("bob");
    await security.refresh();
    await expect(ask(alice)).rejects.toThrow("closed");
    await expect(ask(bob)).rejects.toThrow("closed");
    expect((await logIn(await Client.to(server), "PLAIN", "alice", PASSWORD)).errorCode).toBe(FAILED);
    expect((await logIn(await Client.to(server), "PLAIN", "alice", "another one")).errorCode).toBe(0);
  });

  test("is asked of everyone as soon as there is a user, and of nobody before", async () => {
    const { log, server } = await serve();
    const client = await Client.to(server);
    expect(await client.ask(saslHandshake, 1, { mechanism: "PLAIN" })).toMatchObject({
      errorCode: ILLEGAL_STATE,
    });
    expect((await ask(client)).brokers).toHaveLength(1);
    await log.security.setUser("alice", { password: PASSWORD });
    await (await log.core.security()).refresh();
    await expect(ask(client)).rejects.toThrow("closed");
    await loggedIn(server, "alice");
    await log.security.deleteUser("alice");
    await (await log.core.security()).refresh();
    await expect(ask(await Client.to(server))).rejects.toThrow("closed");
  });

  test("by PLAIN is not offered where others could read the password", async () => {
    const { server } = await secured({ host: "0.0.0.0", insecure: true });
    const client = await Client.to({ ...server, host: "127.0.0.1" });
    const handshake = await client.ask(saslHandshake, 1, { mechanism: "PLAIN" });
    expect(handshake).toMatchObject({ errorCode: UNSUPPORTED_MECHANISM, mechanisms: MECHANISMS.slice(0, 2) });
    const other = await Client.to({ ...server, host: "127.0.0.1" });
    expect((await logIn(other, "SCRAM-SHA-512", "alice", PASSWORD)).errorCode).toBe(0);
  });
});

describe("a server that others can reach", () => {
  test.each([
    ["neither TLS nor users", {}, false],
    ["no TLS", {}, true],
    ["no users", { tls: {} }, false],
  ])("does not start with %s, unless that is meant", async (_, options, hasUser) => {
    const log = openLog(testFolder());
    if (hasUser) await log.security.setUser("alice", { password: PASSWORD });
    await expect(serve({ ...options, host: "0.0.0.0" }, log)).rejects.toMatchObject({
      code: "INVALID_CONFIG",
    });
    const { server } = await serve({ host: "0.0.0.0", insecure: true }, log);
    const socket = connect(server.port, "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    await new Promise((resolve) => socket.once("connect", resolve));
  });
});

import { inspect } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { connectLog, serveGrpc, serveSchemaRegistry } from "../../../lib/lakehouse/log/index.js";
import { alterUserScramCredentials } from "../../../lib/lakehouse/log/kafka/protocol/messages/security.js";
import {
  accessRefusals,
  authentications,
  kafkaFailures,
  metrics,
  policyFailures,
  throttles,
} from "../../../lib/lakehouse/log/metrics.js";
import { collectMetrics } from "../../../lib/lakehouse/observability/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { Client, serve } from "../support/kafka-client.js";
import { openLog, testFolder } from "../support/lake-log.js";
import { loggedIn, logIn } from "../support/sasl-client.js";

/** Where each is given: as a password, right or wrong, and as a name by mistake. */
const SECRETS = ["right-Zx81", "wrong-Zx82", "slipped-Zx83"] as const;

test("nothing secret is in errors, events, metrics or what is printed", async () => {
  const [right, wrong, slipped] = SECRETS;
  const said: unknown[] = [];
  for (const channel of [kafkaFailures, authentications, accessRefusals, throttles, policyFailures])
    onTestFinished(channel.subscribe((event: object) => said.push(event)));
  const collected = collectMetrics(metrics);
  const printed: string[] = [];
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write;
    stream.write = ((text: unknown) => {
      printed.push(String(text));
      return true;
    }) as typeof write;
    onTestFinished(() => {
      stream.write = write;
    });
  }
  const folder = testFolder();
  const log = openLog(folder);
  await log.security.setUser("alice", { password: right, isAdmin: true });
  await log.security.setUser("bob", { password: right });
  const onFault = (error: unknown, call: string) => said.push([error, call]);
  const { server } = await serve({}, log);
  const grpc = await serveGrpc(log, { onFault });
  onTestFinished(() => grpc.close());
  const registry = await serveSchemaRegistry({ registry: log.schemas, port: 0, onFault });
  onTestFinished(() => registry.close());
  const attempts = [
    ["alice", right],
    ["alice", wrong],
    [slipped, ""],
    [slipped, wrong],
  ] as const;
  for (const [user, password] of attempts) {
    for (const mechanism of ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
      said.push((await logIn(await Client.to(server), mechanism, user, password)).errorMessage);
    const remote = await connectLog(grpc.url, { credentials: { user, password } }).catch((error) => error);
    if (remote instanceof Error) said.push(remote);
    else await remote.close();
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
    const answer = await fetch(`${registry.uri}/subjects`, { headers: { authorization } });
    said.push(await answer.text());
  }
  // Tokens where none belongs, in whole and in part.
  for (const bytes of [
    `\0alice\0${right}`,
    `\0\0\0\x18\0\x24\0\x02${right}`,
    `GET /${right} HTTP/1.1\r\n\r\n`,
  ]) {
    const client = await Client.to(server);
    client.socket.write(bytes);
    client.socket.end();
    await client.closed();
  }
  const bob = await loggedIn(server, "bob", right);
  const upsertion = {
    name: "bob",
    mechanism: 1,
    iterations: 1,
    salt: Buffer.from("salt"),
    saltedPassword: Buffer.from(right),
  };
  said.push(await bob.ask(alterUserScramCredentials, 0, { deletions: [], upsertions: [upsertion] }));
  for (const password of [`${right}\n`, `${right}\u200b`, right.repeat(200)])
    said.push(await log.security.setUser("carol", { password }).catch((error) => error));
  // The object that users are kept in has what proves them, and when it is broken, nobody is told of it.
  const store = new LocalStore(`${folder}/warehouse`);
  const uri = `${store.root}/_log/security.json`;
  const kept = Buffer.from(await store.read(uri)).toString();
  const proof = /"storedKey": "([^"]+)"/.exec(kept)?.[1] as string;
  await store.put(uri, Buffer.from(right));
  await (await log.core.security()).refresh();
  await store.put(
    uri,
    Buffer.from(JSON.stringify({ version: 1, users: [proof], acls: [], decoySecret: "" })),
  );
  await (await log.core.security()).refresh();
  said.push(await log.security.users().catch((error) => error));
  expect((await logIn(await Client.to(server), "PLAIN", "alice", right)).errorCode).toBe(0);
  said.push(collected.read());
  const everything = [...said, ...printed].map((one) =>
    inspect(one, { depth: 20, maxArrayLength: null, maxStringLength: null, showHidden: true }),
  );
  expect(everything.length).toBeGreaterThan(20);
  const secrets = [...SECRETS, proof].flatMap((secret) => [
    secret,
    Buffer.from(secret).toString("base64").replace(/=+$/, "").slice(0, -2),
    Buffer.from(secret).toString("hex"),
  ]);
  expect(everything.filter((text) => secrets.some((secret) => text.includes(secret)))).toEqual([]);
});

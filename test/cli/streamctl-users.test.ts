import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openLakehouse } from "sololakehouse";
import { expect, test, vi } from "vitest";
import { serveGrpc } from "../../lib/lakehouse/log/index.js";
import { certificate } from "../log/support/certificates.js";
import { folder, ok, streamctl } from "./streamctl-lake.js";

test("users and what they may do are set, listed and deleted, and no password is kept", async () => {
  expect(await ok("user", "list")).toContain("no users yet");
  const { password } = JSON.parse(await ok("user", "set", "alice", "--generate", "--admin", "--json"));
  expect(password).toMatch(/^[\w-]{32}$/);
  const file = join(folder, "password");
  await writeFile(file, "hunter2 \n");
  await ok("user", "set", "bob", "--password-file", file, "--produce-rate", "1000000");
  await ok("user", "set", "bob", "--fetch-rate", "2000");
  await ok("acl", "add", "--user", "bob", "--operation", "read", "write", "--topic", "air.", "--prefix");
  await ok("acl", "add", "--user", "*", "--operation", "describe", "--cluster", "--deny");
  const list = async (...args: string[]) => JSON.parse(await ok("acl", "list", "--json", ...args));
  expect(await list()).toHaveLength(3);
  expect(await list("--user", "bob", "--operation", "read")).toEqual([
    {
      ...{ user: "bob", permission: "allow", operation: "read", resource: "topic" },
      ...{ pattern: "prefixed", name: "air.", host: "*" },
    },
  ]);
  const users = JSON.parse(await ok("user", "list", "--json"));
  expect(users).toMatchObject([
    { name: "alice", isAdmin: true, mechanisms: ["SCRAM-SHA-256", "SCRAM-SHA-512"] },
    { name: "bob", isAdmin: false, produceBytesPerSecond: 1_000_000, fetchBytesPerSecond: 2_000 },
  ]);
  const kept = await readFile(join(folder, "lake", "warehouse", "_log", "security.json"), "utf8");
  for (const secret of [password, "hunter2", Buffer.from("hunter2 ").toString("base64")])
    expect(kept).not.toContain(secret);
  // Another bob does not have what this one had.
  await ok("user", "delete", "bob");
  expect(await list()).toHaveLength(1);
  expect((await streamctl("user", "delete", "bob")).err).toContain("NO_SUCH_USER");
  expect((await streamctl("acl", "delete")).code).toBe(1);
  await ok("acl", "delete", "--cluster");
  expect(await list()).toEqual([]);
});

test("a server is told who asks, by a file or a variable and never on the command line", async () => {
  const file = join(folder, "password");
  await writeFile(file, "hunter2\nanother line");
  await ok("user", "set", "alice", "--password-file", file, "--admin");
  const lake = await openLakehouse();
  const server = await serveGrpc(lake.log);
  try {
    const at = ["--server", server.url, "--json"];
    const refused = await streamctl("topic", "list", ...at);
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining("AUTHENTICATION_FAILED")]);
    const nothing = await streamctl("topic", "list", ...at, "--user", "alice");
    expect(nothing.err).toContain("--password-file");
    expect(await ok("topic", "list", ...at, "--user", "alice", "--password-file", file)).toBe("[]\n");
    vi.stubEnv("STREAMCTL_PASSWORD", "hunter2");
    expect(await ok("topic", "list", ...at, "--user", "alice")).toBe("[]\n");
    // Of several servers the first is gone.
    const several = ["--server", `http://127.0.0.1:1, ${server.url}`, "--json"];
    expect(await ok("topic", "list", ...several, "--user", "alice")).toBe("[]\n");
    const wrong = await streamctl("topic", "list", ...at, "--user", "mallory");
    expect(wrong.err).toContain("AUTHENTICATION_FAILED");
    expect(wrong.err).not.toContain("hunter2");
  } finally {
    await server.close();
    await lake.close();
  }
});

test("certificates that cannot be used are told of before anything listens or connects", async () => {
  const [one, other] = [certificate("one"), certificate("other")];
  const file = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const cert = await file("cert.pem", one.cert);
  const key = await file("key.pem", one.key);
  const otherKey = await file("other.pem", other.key);
  const wrong = /INVALID_CONFIG: The certificate and its key cannot be used: .*mismatch/;
  const serve = (...args: string[]) =>
    streamctl("serve", "--grpc", "0", "--kafka", "0", "--schemas", "0", ...args);
  expect((await serve("--tls-cert", cert, "--tls-key", otherKey)).err).toMatch(wrong);
  expect((await serve("--client-ca", cert)).err).toContain("Clients show certificates where TLS is spoken");
  const ask = (...args: string[]) => streamctl("topic", "list", "--server", "https://127.0.0.1:1", ...args);
  expect((await ask("--client-cert", cert, "--client-key", otherKey)).err).toMatch(wrong);
  expect((await ask("--ca", key)).err).toContain("There is no certificate in what is to be trusted");
});

test("nobody gets the password of who makes the user, and a log without users gets no list", async () => {
  vi.stubEnv("STREAMCTL_PASSWORD", "hunter2");
  const acl = ["acl", "add", "--user", "bob", "--operation", "read", "--topic", "a"];
  expect((await streamctl(...acl)).err).toMatch(/has no users[\s\S]*Make a user first/);
  expect(await ok("user", "list")).toContain("nobody is asked who they are");
  const { password } = JSON.parse(await ok("user", "set", "bob", "--generate", "--json"));
  await ok("user", "set", "bob", "--fetch-rate", "2000");
  const file = join(folder, "password");
  await writeFile(file, `\ufeff${password}\r\n`);
  const both = await streamctl("user", "set", "bob", "--generate", "--password-file", file);
  expect(both.err).toContain("--password-file or --generate");
  const lake = await openLakehouse();
  const server = await serveGrpc(lake.log);
  try {
    const at = ["topic", "list", "--json", "--server", server.url];
    expect((await streamctl(...at, "--user", "bob")).err).toContain("AUTHENTICATION_FAILED");
    expect((await streamctl(...at, "--password-file", file)).err).toContain("Give --user, too");
    expect((await streamctl(...at, "--client-cert", file)).err).toContain("--client-cert and --client-key");
    expect(await ok(...at, "--user", "bob", "--password-file", file)).toBe("[]\n");
  } finally {
    await server.close();
    await lake.close();
  }
  await ok("user", "delete", "bob");
  expect(await ok("user", "list")).toContain("whoever comes is refused");
});

/** What only a process has: signals, pipes that are closed. From the build. */
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { openLakehouse } from "sololakehouse";
import { afterEach, beforeEach, expect, test } from "vitest";
import { certificate } from "../log/support/certificates.js";
import { streamctl } from "./process.js";

let folder: string;
let env: Record<string, string>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "streamctl-"));
  const root = join(folder, "lake");
  env = { SLH_LAKE: root };
  const lake = await openLakehouse({ root });
  await lake.log.createTopic("t");
  await lake.close();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Until a server has said where it is; then it is `use`d, and told to end. */
function served(
  use: (url: string, schemas: string) => Promise<void>,
  signal: "SIGTERM" | "SIGINT" = "SIGTERM",
  ...more: readonly string[]
) {
  const using: Promise<void>[] = [];
  const ports = ["--grpc", "0", "--kafka", "0", "--schemas", "0"];
  const ran = streamctl(["serve", ...ports, "--json", ...more], env, (child) =>
    child.stdout.once("data", (line: string) => {
      const { grpc, schemas } = JSON.parse(line);
      const done = use(grpc, schemas).finally(() => child.kill(signal));
      using.push(done);
      done.catch(() => undefined);
    }),
  );
  return ran.then(async (result) => {
    await Promise.all(using);
    return result;
  });
}

test.each(["SIGTERM", "SIGINT"] as const)(
  "a server that gets %s brings what it has into the object store",
  async (signal) => {
    const { code, err } = await served(async (url) => {
      expect((await streamctl(["produce", "t", "a", "b", "--server", url], env)).code).toBe(0);
    }, signal);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const lake = await openLakehouse({ root: join(folder, "lake") });
    expect(await lake.log.topic("t").offsets()).toMatchObject([{ end: 2n, stored: 2n }]);
    await lake.close();
  },
);

test("a server is found by the lakehouse that it serves, and what is not stored yet is seen", async () => {
  const { code } = await served(async () => {
    expect(await streamctl(["produce", "t", "a"], env)).toMatchObject({ code: 0, err: "" });
    expect((await streamctl(["consume", "t", "--format", "raw"], env)).out).toBe("a\n");
    const second = await streamctl(["serve", "--grpc", "0", "--kafka", "0", "--schemas", "0"], env);
    expect(second.code).toBe(1);
    expect(second.err).toContain("LOG_IN_USE");
  });
  expect(code).toBe(0);
  expect(await readFile(join(folder, "lake/log/server.json"), "utf8").catch(() => "gone")).toBe("gone");
  expect((await streamctl(["consume", "t", "--format", "raw"], env)).out).toBe("a\n");
});

test("a server that speaks TLS is found, too, whoever vouches for it and wherever it listens", async () => {
  const { cert, key } = certificate("elsewhere");
  const [certFile, keyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  await writeFile(certFile, cert);
  await writeFile(keyFile, key);
  const tls = ["--host", "0.0.0.0", "--insecure", "--tls-cert", certFile, "--tls-key", keyFile];
  const { code, err } = await served(
    async (url) => {
      expect(await streamctl(["produce", "t", "a"], env)).toMatchObject({ code: 0, err: "" });
      expect((await streamctl(["consume", "t", "--format", "raw"], env)).out).toBe("a\n");
      const by = (at: string) => streamctl(["topic", "list", "--server", at], env);
      const here = url.replace("0.0.0.0", "127.0.0.1");
      expect((await by(here)).err).toContain("--ca of streamctl");
      expect((await by(here.replace("https:", "http:"))).err).toContain("It may speak TLS alone: https://.");
    },
    "SIGTERM",
    ...tls,
  );
  expect({ code, err }).toEqual({ code: 0, err: "" });
});

test("a server goes on with the certificate that takes the place of its own, and streamctl still finds it", async () => {
  // One file has both, so that no reader sees one without the other.
  const file = join(folder, "tls.pem");
  const put = async ({ cert, key }: { readonly cert: string; readonly key: string }) => {
    await writeFile(`${file}.new`, cert + key);
    await rename(`${file}.new`, file);
  };
  const shown = async (url: string) => {
    const socket = connect({ port: Number(new URL(url).port), host: "127.0.0.1", rejectUnauthorized: false });
    await once(socket, "secureConnect");
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  };
  await put(certificate("first"));
  const next = certificate("next");
  const { code, err } = await served(
    async (url) => {
      expect(await streamctl(["produce", "t", "a"], env)).toMatchObject({ code: 0 });
      await put(next);
      const wanted = new X509Certificate(next.cert).fingerprint256;
      while ((await shown(url)) !== wanted) await new Promise((resolve) => setTimeout(resolve, 100));
      // What it left for streamctl comes a moment later.
      while ((await streamctl(["produce", "t", "b"], env)).code !== 0);
    },
    "SIGTERM",
    ...["--tls-cert", file, "--tls-key", file],
  );
  expect({ code, err }).toEqual({ code: 0, err: "" });
});

test("the registry takes a Protobuf schema as a descriptor, and gives one, as Confluent's clients in Python want it", async () => {
  // message A { int32 b = 1; } in a.proto, as protoc compiles it.
  const descriptor = "CgdhLnByb3RvIhEKAUESDAoBYhgBIAEoBVIBYmIGcHJvdG8z";
  const { code, err } = await served(async (_, schemas) => {
    const register = (subject: string, schema: string) =>
      fetch(`${schemas}/subjects/${subject}/versions`, {
        method: "POST",
        body: JSON.stringify({ schemaType: "PROTOBUF", schema }),
      });
    expect(await (await register("t-value", descriptor)).json()).toMatchObject({ id: 1, version: 1 });
    expect((await register("other", 'syntax = "proto3"; message A { int32 b = 1; }')).status).toBe(200);
    const asked = await fetch(`${schemas}/subjects/other/versions/latest?format=serialized`);
    expect(((await asked.json()) as { schema: string }).schema).toMatch(/^[A-Za-z0-9+/]+=*$/);
  });
  expect({ code, err }).toEqual({ code: 0, err: "" });
});

test("a server that does not answer is not passed over, since what it has would be missing", async () => {
  const silent = createServer().listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  await writeFile(
    join(folder, "lake/log/server.json"),
    JSON.stringify({ url: `http://127.0.0.1:${port}`, id: "a" }),
  );
  try {
    const { code, err } = await streamctl(["consume", "t"], env);
    expect(code).toBe(1);
    expect(err).toMatch(/LOG_UNAVAILABLE: .*has not answered[\s\S]*delete that file/);
  } finally {
    silent.close();
  }
});

test("a server that was killed is not asked, and its records are there", async () => {
  await streamctl(["serve", "--grpc", "0", "--kafka", "0", "--schemas", "0", "--json"], env, (child) =>
    child.stdout.once("data", (line: string) => {
      const { grpc } = JSON.parse(line);
      void streamctl(["produce", "t", "a", "--server", grpc], env).then(() => child.kill("SIGKILL"));
    }),
  );
  expect((await streamctl(["produce", "t", "b"], env)).out).toContain("partition 0 from 1 to 1");
  expect((await streamctl(["consume", "t", "--format", "raw"], env)).out).toBe("a\nb\n");
});

test("lines are appended as they come, and Ctrl-C ends it after what was read", async () => {
  const { code, out } = await streamctl(["produce", "t"], env, (child) => {
    child.stdin.write("a\nb\n");
    // What is appended is in the write-ahead log at once.
    const wal = join(folder, "lake/log/wal");
    const look = setInterval(async () => {
      const files = await readdir(wal).catch(() => []);
      const sizes = await Promise.all(files.map(async (name) => (await stat(join(wal, name))).size));
      if (!sizes.some((size) => size > 100)) return;
      clearInterval(look);
      child.kill("SIGINT");
    }, 50);
  });
  expect({ code, out }).toEqual({ code: 130, out: "Appended 2 records to t: partition 0 from 0 to 1.\n" });
});

test("who follows is ended by Ctrl-C, with what was printed", async () => {
  await streamctl(["produce", "t", "a"], env);
  const ran = await streamctl(["consume", "t", "--follow", "--format", "raw"], env, (child) =>
    child.stdout.once("data", () => child.kill("SIGINT")),
  );
  expect(ran).toEqual({ code: 130, out: "a\n", err: "" });
});

test("a reader that has seen enough is no error", async () => {
  const lake = await openLakehouse({ root: join(folder, "lake") });
  await lake.log.topic("t").append(Array.from({ length: 20_000 }, (_, i) => ({ value: `${i}`.padEnd(100) })));
  await lake.close();
  for (const more of [[], ["--follow"], ["--json"]]) {
    const { code, err } = await streamctl(["consume", "t", ...more], env, ({ stdin, stdout }) => {
      stdin.end();
      stdout.once("data", () => stdout.destroy());
    });
    expect({ code, err }).toEqual({ code: 0, err: "" });
  }
});

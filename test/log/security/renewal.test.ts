import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { serveGrpc, serveKafka, serveSchemaRegistry } from "../../../lib/lakehouse/log/index.js";
import { certificate } from "../support/certificates.js";
import { openLog, testFolder } from "../support/lake-log.js";

const authority = certificate("authority");
const [old, next] = [certificate("localhost", authority), certificate("localhost", authority)];
const fingerprint = ({ cert }: { readonly cert: string }) => new X509Certificate(cert).fingerprint256;

async function shaken(port: number): Promise<TLSSocket> {
  const socket = connect({ port, host: "127.0.0.1", ca: authority.cert });
  onTestFinished(() => void socket.destroy());
  await once(socket, "secureConnect");
  return socket;
}

test("each server goes on with another certificate, and connections that are there go on, too", async () => {
  const log = openLog(testFolder());
  const tls = { cert: old.cert, key: old.key };
  const kafka = await serveKafka(log, { port: 0, tls });
  const grpc = await serveGrpc(log, { tls });
  const schemas = await serveSchemaRegistry({ registry: log.schemas, port: 0, tls });
  onTestFinished(async () => {
    await Promise.all([kafka.stop(), grpc.close(), schemas.close()]);
  });
  const ports = [kafka.port, grpc.port, Number(new URL(schemas.uri).port)];
  for (const [i, server] of [kafka, grpc, schemas].entries()) {
    const port = ports[i] as number;
    const before = await shaken(port);
    expect(before.getPeerCertificate().fingerprint256).toBe(fingerprint(old));
    // A key that is not the certificate's changes nothing.
    expect(() => server.setTls({ cert: next.cert, key: old.key })).toThrow(
      expect.objectContaining({ code: "INVALID_CONFIG" }),
    );
    expect((await shaken(port)).getPeerCertificate().fingerprint256).toBe(fingerprint(old));
    server.setTls({ cert: next.cert, key: next.key });
    expect((await shaken(port)).getPeerCertificate().fingerprint256).toBe(fingerprint(next));
    expect(before.closed || before.destroyed).toBe(false);
  }
});

test("a server without TLS gets none while it runs", async () => {
  const log = openLog(testFolder());
  const kafka = await serveKafka(log, { port: 0 });
  onTestFinished(() => kafka.stop());
  expect(() => kafka.setTls({ cert: next.cert, key: next.key })).toThrow(
    expect.objectContaining({ code: "INVALID_CONFIG" }),
  );
  const socket = connectTcp(kafka.port, kafka.host);
  await once(socket, "connect");
  socket.destroy();
});

import { onTestFinished } from "vitest";
import {
  connectLog,
  type GrpcServer,
  type Log,
  type RemoteLog,
  type ServeGrpcOptions,
  serveGrpc,
} from "../../../../lib/lakehouse/log/index.js";

/** A server of a log, closed after the test. */
export async function serve(log: Log, options: ServeGrpcOptions = {}): Promise<GrpcServer> {
  const server = await serveGrpc(log, options);
  onTestFinished(() => server.close());
  return server;
}

/** A log as its clients see it. */
export async function connected(log: Log, options: ServeGrpcOptions = {}): Promise<RemoteLog> {
  const { url } = await serve(log, options);
  const remote = await connectLog(url);
  onTestFinished(() => remote.close());
  return remote;
}

export const SERVICE = "sololakehouse.log.v1";

/** A call as curl makes it: JSON over HTTP/1.1. */
export async function post(
  url: string,
  method: string,
  message: object,
  headers: Record<string, string> = {},
) {
  const response = await fetch(`${url}/${SERVICE}.${method}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(message),
  });
  const ways = response.headers.get("www-authenticate");
  return { status: response.status, answer: await response.json(), ways };
}

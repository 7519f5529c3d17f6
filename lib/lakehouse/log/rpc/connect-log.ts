import type { RemoteLog } from "./remote-log.js";

export type LogCredentials =
  | { readonly user: string; readonly password: string }
  | { readonly token: () => string | Promise<string> };

export interface ConnectLogOptions {
  /** How long a call may take that does not stream, in milliseconds: a minute where not given. */
  readonly timeoutMs?: number | undefined;
  /**
   * A user of the log, where it has users, or a token that names one: what is asked for it for each call, so that it can be
   * renewed. They are sent over TLS, or to this machine.
   */
  readonly credentials?: LogCredentials | undefined;
  /** Certificates of who vouches for the server's, as PEM, where the system does not know them. */
  readonly ca?: string | Buffer | undefined;
  /** A client's certificate and its key, as PEM, for servers that take one in place of credentials. */
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
}

/**
 * A log that another process serves, by gRPC. It has what a log has, and fails as one does.
 *
 * @param url as `serveGrpc` and `streamctl serve` say it; of several servers that share the log, all of theirs: where one is
 *   gone, the next is asked.
 * @throws LakehouseError LOG_UNAVAILABLE where none of the log's servers answers; AUTHENTICATION_FAILED; INVALID_ARGUMENT
 * @example
 * const log = await connectLog("http://127.0.0.1:50051");
 * await log.topic("flights").append({ key: "HNL", value: "late" }, { ack: "stored" });
 * await log.close();
 */
export async function connectLog(
  url: string | readonly string[],
  options: ConnectLogOptions = {},
): Promise<RemoteLog> {
  const { openRemoteLog } = await import("./remote-log.js");
  return openRemoteLog(url, options);
}

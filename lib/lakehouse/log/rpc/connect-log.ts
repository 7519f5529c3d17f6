import type { RemoteLog } from "./remote-log.js";

export interface ConnectLogOptions {
  /** How long a call may take that does not stream, in milliseconds: a minute where not given. */
  readonly timeoutMs?: number | undefined;
}

/**
 * A log that another process serves, by gRPC. It has what a log has, and fails as one does.
 *
 * @param url as `serveGrpc` and `streamctl serve` say it.
 * @throws LakehouseError LOG_UNAVAILABLE where none of the log's servers answers; INVALID_ARGUMENT
 * @example
 * const log = await connectLog("http://127.0.0.1:50051");
 * await log.topic("flights").append({ key: "HNL", value: "late" }, { ack: "stored" });
 * await log.close();
 */
export async function connectLog(url: string, options: ConnectLogOptions = {}): Promise<RemoteLog> {
  const { openRemoteLog } = await import("./remote-log.js");
  return openRemoteLog(url, options);
}

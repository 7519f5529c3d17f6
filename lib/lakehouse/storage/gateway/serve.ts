import type { ObjectStore } from "../store.js";
import type { GatewayCredentials } from "./sigv4.js";

export interface S3GatewayOptions {
  /** Default: the one that the system gives. */
  readonly port?: number | undefined;
  /** Default `127.0.0.1`. The gateway speaks plain HTTP: on another address put TLS before it. */
  readonly host?: string | undefined;
  /** Default: made at random. */
  readonly credentials?: GatewayCredentials | undefined;
  /** The one bucket, whose keys are the store's. Default `lake`. */
  readonly bucket?: string | undefined;
}

export interface S3Gateway {
  /** `http://host:port` */
  readonly endpoint: string;
  readonly bucket: string;
  readonly credentials: GatewayCredentials;
  /** Ends all connections and gives up unfinished uploads. */
  stop(): Promise<void>;
}

/**
 * Serves a store over the S3 protocol, so that engines that know only S3 can read and write it: path-style
 * requests on one bucket, each with a Signature V4 (header, presigned URL or signed chunks), conditional puts,
 * ranges, ListObjectsV2, deletes, multipart uploads, checksums. No versions, ACLs or copies; user metadata is
 * remembered for the objects put last, which is what a client needs to know its own put again.
 *
 * @throws INVALID_ARGUMENT for a bucket name that S3 would not take; STORAGE_FAILED when it cannot listen.
 *
 * @example
 * const gateway = await serveS3(new LocalStore(".lake/warehouse"));
 * const s3 = new S3Store(`s3://${gateway.bucket}`, gateway);
 * await gateway.stop();
 */
export async function serveS3(store: ObjectStore, options: S3GatewayOptions = {}): Promise<S3Gateway> {
  // Loaded where a gateway is started: most who use storage start none.
  const { startGateway } = await import("./server.js");
  return startGateway(store, options);
}

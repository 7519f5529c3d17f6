import { randomBytes, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { invalidArgument } from "../../errors.js";
import { storageFailed } from "../errors.js";
import type { ObjectStore } from "../store.js";
import { type Exchange, sendEmpty, sendXml } from "./exchange.js";
import { S3Fault, toFault } from "./fault.js";
import { Listings } from "./listing.js";
import { RecentMetadata } from "./metadata.js";
import { Uploads } from "./multipart.js";
import { deleteObject, deleteObjects, getObject, putObject } from "./object.js";
import type { S3Gateway, S3GatewayOptions } from "./serve.js";
import { parseTarget, verifySignature } from "./sigv4.js";
import { xmlDocument } from "./xml.js";

/** The server behind `serveS3`: see there. */
export async function startGateway(store: ObjectStore, options: S3GatewayOptions): Promise<S3Gateway> {
  const bucket = options.bucket ?? "lake";
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) {
    throw invalidArgument(
      bucket,
      `${JSON.stringify(bucket)} is no bucket name.`,
      "Use 3 to 63 lower-case letters, digits, dots and hyphens.",
    );
  }
  const credentials = options.credentials ?? {
    accessKeyId: `SLH${randomBytes(8).toString("hex").toUpperCase()}`,
    secretAccessKey: randomBytes(24).toString("base64url"),
  };
  const host = options.host ?? "127.0.0.1";
  const listings = new Listings();
  const uploads = new Uploads();
  const metadata = new RecentMetadata();
  // Large uploads take longer than Node's default of five minutes for a whole request.
  const server = createServer({ requestTimeout: 0 }, (request, response) => {
    void answer(request, response);
  });

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const requestId = randomUUID();
    response.setHeader("x-amz-request-id", requestId);
    try {
      const target = parseTarget(request.url ?? "/");
      const verified = verifySignature(request, target, credentials);
      const slash = target.path.indexOf("/", 1);
      const exchange: Exchange = {
        request,
        response,
        verified,
        store,
        metadata,
        bucket,
        key: slash < 0 ? "" : target.path.slice(slash + 1),
        query: new Map(target.query),
      };
      const requested = target.path.slice(1, slash < 0 ? undefined : slash);
      if (requested === "") return listBuckets(exchange);
      if (requested !== bucket) throw new S3Fault("NoSuchBucket", "The specified bucket does not exist.");
      await route(exchange, listings, uploads);
    } catch (error) {
      sendFault(request, response, toFault(error, { store, bucket }), requestId);
    }
  };

  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      reject(
        storageFailed(
          `${host}:${options.port ?? 0}`,
          `The S3 gateway cannot listen on ${host}:${options.port ?? 0} (${cause.message}).`,
          "Choose another port.",
          cause,
        ),
      );
    });
    server.listen(options.port ?? 0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    bucket,
    credentials,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await uploads.close();
    },
  };
}

/** Parts of the S3 API that a request names in its query, and that the gateway does not have. */
const UNSUPPORTED = new Set(
  (
    "accelerate acl analytics attributes cors encryption intelligent-tiering inventory legal-hold lifecycle logging " +
    "metrics notification object-lock ownershipControls policy policyStatus publicAccessBlock replication " +
    "requestPayment restore retention select tagging torrent versionId versions website"
  ).split(" "),
);

async function route(exchange: Exchange, listings: Listings, uploads: Uploads): Promise<void> {
  const { request, query, key } = exchange;
  const unsupported = [...query.keys()].find((name) => UNSUPPORTED.has(name));
  if (unsupported !== undefined) throw new S3Fault("NotImplemented", `The gateway has no ${unsupported}.`);
  const method = request.method ?? "";
  if (key === "") return onBucket(exchange, method, listings, uploads);
  switch (method) {
    case "GET":
    case "HEAD":
      if (query.has("uploadId")) throw new S3Fault("NotImplemented", "ListParts is not supported.");
      return getObject(exchange);
    case "PUT":
      return query.has("uploadId") ? uploads.putPart(exchange) : putObject(exchange);
    case "DELETE":
      return query.has("uploadId") ? uploads.abort(exchange) : deleteObject(exchange);
    case "POST":
      if (query.has("uploads")) return uploads.create(exchange);
      if (query.has("uploadId")) return uploads.complete(exchange);
  }
  throw new S3Fault("MethodNotAllowed", "The method is not allowed on an object.");
}

async function onBucket(
  exchange: Exchange,
  method: string,
  listings: Listings,
  uploads: Uploads,
): Promise<void> {
  const { query, response } = exchange;
  if (method === "HEAD") return sendEmpty(response, 200);
  if (method === "POST" && query.has("delete")) return deleteObjects(exchange);
  if (method === "GET") {
    if (query.has("location")) return sendXml(response, "LocationConstraint", "");
    if (query.has("versioning")) return sendXml(response, "VersioningConfiguration", "");
    if (query.has("uploads")) return uploads.list(exchange);
    if (query.get("list-type") === "2") return listings.list(exchange);
    throw new S3Fault("NotImplemented", "Only version 2 of ListObjects is supported.");
  }
  throw new S3Fault("MethodNotAllowed", "The method is not allowed on the bucket.");
}

function listBuckets({ request, response, bucket }: Exchange): void {
  if (request.method !== "GET") throw new S3Fault("MethodNotAllowed", "The method is not allowed here.");
  sendXml(response, "ListAllMyBucketsResult", {
    Owner: { ID: "sololakehouse", DisplayName: "sololakehouse" },
    Buckets: { Bucket: { Name: bucket, CreationDate: new Date(0).toISOString() } },
  });
}

function sendFault(
  request: IncomingMessage,
  response: ServerResponse,
  fault: S3Fault,
  requestId: string,
): void {
  if (response.headersSent) {
    response.destroy(); // in the middle of a body: a broken connection is the only error left
    return;
  }
  const bare = request.method === "HEAD" || fault.status === 304;
  const body = bare
    ? ""
    : xmlDocument("Error", { Code: fault.code, Message: fault.message, RequestId: requestId }, false);
  for (const [name, value] of Object.entries(fault.headers)) response.setHeader(name, value);
  if (!bare) response.setHeader("content-type", "application/xml");
  if (fault.status !== 304) response.setHeader("content-length", Buffer.byteLength(body));
  response.writeHead(fault.status);
  response.end(body);
}

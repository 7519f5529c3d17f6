import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { S3Fault } from "./fault.js";

/*
 * AWS Signature Version 4 as the S3 API reference describes it: "Authenticating Requests (AWS Signature
 * Version 4)", for the Authorization header and for presigned URLs.
 */

export interface GatewayCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A request line taken apart. `query` keeps every pair in its order, decoded. */
export interface RequestTarget {
  readonly path: string;
  readonly query: readonly (readonly [string, string])[];
}

/** What the verified signature says of the body, which has not been read yet. */
export interface Verified {
  /** Value of x-amz-content-sha256: a hex digest, `UNSIGNED-PAYLOAD`, or `STREAMING-…`. */
  readonly payload: string;
  /** Signs the chunks of a `STREAMING-AWS4-HMAC-SHA256-PAYLOAD…` body, each with the signature before it. */
  readonly signChunk: (kind: "PAYLOAD" | "TRAILER", before: string, hashes: readonly string[]) => string;
  readonly signature: string;
}

const ALGORITHM = "AWS4-HMAC-SHA256";
const MAX_SKEW_MS = 15 * 60 * 1000;
const MAX_EXPIRES_S = 7 * 24 * 60 * 60;

interface Claim {
  readonly credential: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly timestamp: string;
  readonly payload: string;
  /** Seconds of validity of a presigned URL. */
  readonly expires?: number | undefined;
}

/** @throws S3Fault unless the request carries a valid signature of the one key. */
export function verifySignature(
  request: IncomingMessage,
  target: RequestTarget,
  credentials: GatewayCredentials,
  now = Date.now(),
): Verified {
  const claim = readClaim(request, target);
  const [accessKeyId, date, region, service, terminator, ...rest] = claim.credential.split("/");
  if (service !== "s3" || terminator !== "aws4_request" || rest.length > 0 || !date || !region) {
    throw new S3Fault(
      "AuthorizationHeaderMalformed",
      "The credential scope is not <key>/<date>/<region>/s3/aws4_request.",
    );
  }
  if (accessKeyId !== credentials.accessKeyId) {
    throw new S3Fault("InvalidAccessKeyId", "The access key does not exist.");
  }
  checkTime(claim, date, now);
  checkSignedHeaders(request, claim);

  const scope = [date, region, service, terminator].join("/");
  const key = [date, region, service, terminator].reduce<Buffer>(
    (secret, part) => hmac(secret, part),
    Buffer.from(`AWS4${credentials.secretAccessKey}`),
  );
  const toSign = [ALGORITHM, claim.timestamp, scope, sha256(canonicalRequest(request, target, claim))].join(
    "\n",
  );
  if (!sameText(hmac(key, toSign).toString("hex"), claim.signature)) {
    throw new S3Fault("SignatureDoesNotMatch", "The signature that was calculated is not the one provided.");
  }
  return {
    payload: claim.payload,
    signature: claim.signature,
    signChunk: (kind, before, hashes) =>
      hmac(key, [`${ALGORITHM}-${kind}`, claim.timestamp, scope, before, ...hashes].join("\n")).toString(
        "hex",
      ),
  };
}

function readClaim(request: IncomingMessage, target: RequestTarget): Claim {
  const query = new Map(target.query);
  const header = request.headers.authorization;
  if (header === undefined && query.get("X-Amz-Algorithm") === ALGORITHM) {
    const expires = Number(query.get("X-Amz-Expires"));
    if (!Number.isInteger(expires) || expires < 1 || expires > MAX_EXPIRES_S) {
      throw new S3Fault("AccessDenied", "X-Amz-Expires is not between 1 second and 7 days.");
    }
    return {
      credential: query.get("X-Amz-Credential") ?? "",
      signedHeaders: (query.get("X-Amz-SignedHeaders") ?? "").split(";"),
      signature: query.get("X-Amz-Signature") ?? "",
      timestamp: query.get("X-Amz-Date") ?? "",
      payload: single(request, "x-amz-content-sha256") ?? "UNSIGNED-PAYLOAD",
      expires,
    };
  }
  if (header === undefined) throw new S3Fault("AccessDenied", "Anonymous requests are not allowed.");
  const parts = new Map(
    header
      .slice(ALGORITHM.length)
      .split(",")
      .map((part) => {
        const [name = "", ...value] = part.trim().split("=");
        return [name, value.join("=")] as const;
      }),
  );
  const [credential, signedHeaders, signature] = ["Credential", "SignedHeaders", "Signature"].map((name) =>
    parts.get(name),
  );
  if (!header.startsWith(`${ALGORITHM} `) || !credential || !signedHeaders || !signature) {
    throw new S3Fault("AuthorizationHeaderMalformed", `The Authorization header is not one of ${ALGORITHM}.`);
  }
  const payload = single(request, "x-amz-content-sha256");
  if (payload === undefined) throw new S3Fault("InvalidRequest", "x-amz-content-sha256 is missing.");
  const timestamp = single(request, "x-amz-date") ?? "";
  return { credential, signedHeaders: signedHeaders.split(";"), signature, timestamp, payload };
}

function checkTime(claim: Claim, date: string, now: number): void {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(claim.timestamp);
  if (parts === null || !claim.timestamp.startsWith(date)) {
    throw new S3Fault("AccessDenied", "The request's date is missing, or is not the one of its credential.");
  }
  const [, year, month, day, hour, minute, second] = parts;
  const signedAt = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  const validFor = claim.expires === undefined ? MAX_SKEW_MS : claim.expires * 1000;
  if (!(now - signedAt <= validFor)) {
    throw claim.expires === undefined
      ? new S3Fault("RequestTimeTooSkewed", "The request was signed too long ago.")
      : new S3Fault("AccessDenied", "The presigned URL has expired.");
  }
  if (signedAt - now > MAX_SKEW_MS)
    throw new S3Fault("RequestTimeTooSkewed", "The request was signed in the future.");
}

/** What is not signed could have been added on the way, so everything that changes the meaning must be. */
function checkSignedHeaders(request: IncomingMessage, claim: Claim): void {
  const unsigned = Object.keys(request.headers).filter(
    (name) => (name === "host" || name.startsWith("x-amz-")) && !claim.signedHeaders.includes(name),
  );
  if (unsigned.length > 0) {
    throw new S3Fault("AccessDenied", `Headers that must be signed are not: ${unsigned.join(", ")}.`);
  }
}

function canonicalRequest(request: IncomingMessage, target: RequestTarget, claim: Claim): string {
  const query = target.query
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]) => `${awsEncode(name)}=${awsEncode(value)}`)
    .sort();
  const headers = claim.signedHeaders.map((name) => {
    const values = request.headersDistinct[name] ?? [];
    return `${name}:${values.map((value) => value.trim().replace(/ +/g, " ")).join(",")}\n`;
  });
  return [
    request.method,
    target.path.split("/").map(awsEncode).join("/"),
    query.join("&"),
    headers.join(""),
    claim.signedHeaders.join(";"),
    claim.payload,
  ].join("\n");
}

/** Takes a request line apart. @throws S3Fault where its percent-encoding is broken. */
export function parseTarget(url: string): RequestTarget {
  const question = url.indexOf("?");
  const path = question < 0 ? url : url.slice(0, question);
  const query = question < 0 ? "" : url.slice(question + 1);
  try {
    return {
      path: decodeURIComponent(path),
      query: query
        .split("&")
        .filter((pair) => pair !== "")
        .map((pair) => {
          const equals = pair.indexOf("=");
          const name = equals < 0 ? pair : pair.slice(0, equals);
          return [
            decodeURIComponent(name),
            equals < 0 ? "" : decodeURIComponent(pair.slice(equals + 1)),
          ] as const;
        }),
    };
  } catch {
    throw new S3Fault("InvalidURI", "The request's URI is not percent-encoded UTF-8.");
  }
}

/** RFC 3986: everything but the unreserved characters is encoded. */
export function awsEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function single(request: IncomingMessage, name: string): string | undefined {
  return request.headersDistinct[name]?.[0];
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

export function sha256(text: string | Uint8Array): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Compares in constant time, so that a signature cannot be guessed digit by digit. */
export function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

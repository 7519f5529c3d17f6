import { createHash, createHmac } from "node:crypto";
import type { S3Gateway } from "../../../lib/lakehouse/storage/index.js";

/** Sends a request signed by hand, for bodies that no SDK would send. */
export async function sendSigned(
  { endpoint, credentials }: S3Gateway,
  method: string,
  pathname: string,
  headers: Record<string, string>,
  body: string,
): Promise<{ status: number; code: string | undefined; etag: string | null }> {
  const timestamp = `${new Date().toISOString().replace(/[-:]|\.\d+/g, "")}`;
  const scope = `${timestamp.slice(0, 8)}/us-east-1/s3/aws4_request`;
  const all: Record<string, string> = { ...headers, host: new URL(endpoint).host, "x-amz-date": timestamp };
  const names = Object.keys(all).sort();
  const canonical = [
    method,
    pathname,
    "",
    ...names.map((name) => `${name}:${all[name]}`),
    "",
    names.join(";"),
    headers["x-amz-content-sha256"],
  ].join("\n");
  const hmac = (key: string | Buffer, data: string) => createHmac("sha256", key).update(data).digest();
  const key = scope.split("/").reduce<string | Buffer>(hmac, `AWS4${credentials.secretAccessKey}`);
  const digest = createHash("sha256").update(canonical).digest("hex");
  const signature = hmac(key as Buffer, `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${digest}`).toString(
    "hex",
  );
  const authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  const { host: _, ...sent } = all;
  const answer = await fetch(`${endpoint}${pathname}`, { method, headers: { ...sent, authorization }, body });
  const code = /<Code>(\w+)</.exec(await answer.text())?.[1];
  return { status: answer.status, code, etag: answer.headers.get("etag") };
}

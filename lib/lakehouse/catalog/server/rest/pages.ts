import type { Page, PageRequest } from "../../model/paging.js";
import { badRequest } from "../http/fault.js";
import type { Call } from "./operation.js";

const MAX_PAGE_SIZE = 10_000;

/**
 * What a listing is asked for. Without `pageToken` the spec wants everything in one answer; an empty one asks for
 * the first page.
 */
export function pageOf({ query }: Call): PageRequest {
  const { pageToken, pageSize } = query;
  if (pageSize !== undefined && !/^[1-9]\d{0,8}$/.test(pageSize)) {
    throw badRequest(`pageSize is ${JSON.stringify(pageSize)}: it should be a number of at least 1.`);
  }
  if (pageToken === undefined) return { pageSize: Number.POSITIVE_INFINITY };
  return {
    pageSize: pageSize === undefined ? undefined : Math.min(Number(pageSize), MAX_PAGE_SIZE),
    pageToken: pageToken === "" ? undefined : decodeToken(pageToken),
  };
}

/** `null` after the last page (REST spec, `PageToken`). */
export function nextToken({ nextPageToken }: Page<unknown>): string | null {
  return nextPageToken === undefined ? null : Buffer.from(nextPageToken, "utf8").toString("base64url");
}

/** Tokens are ours alone to read: what we did not make is refused. */
function decodeToken(token: string): string {
  const bytes = Buffer.from(token, "base64url");
  const text = bytes.toString("utf8");
  const isOurs = bytes.length > 0 && Buffer.from(text, "utf8").toString("base64url") === token;
  if (!isOurs || /\p{Cc}/u.test(text)) throw badRequest("pageToken is none that a listing gave.");
  return text;
}

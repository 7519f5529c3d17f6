import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { stringifyJson } from "../../../iceberg/index.js";
import { Fault } from "../http/fault.js";
import { faultToJson } from "./faults.js";

/** How long a client may take to read what is wrong with its request, in milliseconds. */
const REFUSAL_MS = 1000;

/**
 * Answers what is no HTTP: a header with a control character, say. The connection is closed once the client had the
 * time to read why: at once, the rest of its request would meet a closed door, and the answer be lost with it.
 */
export function refuseUnreadable(
  error: Error & { readonly code?: string | undefined },
  socket: Socket,
): void {
  if (error.code === "ECONNRESET" || socket.destroyed) {
    socket.destroy();
    return;
  }
  // What comes after the first mistake is as unreadable.
  if (socket.writableEnded) return;
  const status = statusOf(error.code);
  const message = `The request is no HTTP that can be read (${error.message}).`;
  const body = stringifyJson(faultToJson(new Fault(status, "BadRequestException", message)));
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
  setTimeout(() => socket.destroy(), REFUSAL_MS).unref();
}

function statusOf(code: string | undefined): number {
  if (code === "HPE_HEADER_OVERFLOW") return 431;
  return code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : 400;
}

import { LakehouseError } from "sololakehouse/errors";
import type { Refusal } from "../contract.js";

/** A request that is refused, with the status and the words for it. */
export class Refused extends Error {
  readonly status: number;
  readonly body: Refusal;

  /** @param more what else the answer says, beside code, message and remedy */
  constructor(status: number, code: string, message: string, remedy?: string, more: object = {}) {
    super(message);
    this.name = "Refused";
    this.status = status;
    this.body = { code, message, remedy, ...more };
  }
}

/** The status and the body for whatever a handler threw. What is no error of ours is a fault, told in its own words. */
export function answerTo(error: unknown): { status: number; body: Refusal } {
  if (error instanceof Refused) return error;
  if (error instanceof LakehouseError) {
    const { code, message, remedy } = error;
    return { status: /^(NO_SUCH|OBJECT_NOT_FOUND)/.test(code) ? 404 : 400, body: { code, message, remedy } };
  }
  const { statusCode = 500, message = String(error) } = (error ?? {}) as {
    statusCode?: number;
    message?: string;
  };
  return { status: statusCode, body: { code: statusCode < 500 ? "BAD_REQUEST" : "FAULT", message } };
}

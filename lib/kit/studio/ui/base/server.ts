/// <reference lib="dom" />
import type { Refusal } from "../../contract.js";

/** The server's no: its code decides, its message and remedy are shown. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly refusal: Refusal,
  ) {
    super(refusal.message);
    this.name = "Refused";
  }
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/**
 * Asks this page's own server.
 *
 * @throws Refused for a status of 400 or above, and where the server is not there (status 0).
 */
export async function ask<T>(path: string, method: Method = "GET", body?: unknown): Promise<T> {
  const response = await fetch(path, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  }).catch(() => undefined);
  if (!response)
    throw new Refused(0, {
      code: "NOT_REACHED",
      message: "The studio does not answer.",
      remedy: "Start it again in a terminal: slh studio",
    });
  const text = await response.text();
  const json = response.headers.get("content-type")?.includes("json") === true && text !== "";
  const answer: unknown = json ? JSON.parse(text) : text;
  if (!response.ok) throw new Refused(response.status, refusalIn(answer, response.status));
  return answer as T;
}

function refusalIn(answer: unknown, status: number): Refusal {
  const given = answer !== null && typeof answer === "object" ? (answer as Partial<Refusal>) : {};
  return {
    ...given,
    code: given.code ?? "REFUSED",
    message: given.message ?? `The studio refused this (${status}).`,
  };
}

/** What went wrong, and what to do, in words. */
export function inWords(error: unknown): string {
  if (error instanceof Refused) return [error.message, error.refusal.remedy].filter(Boolean).join(" ");
  return error instanceof Error ? error.message : String(error);
}

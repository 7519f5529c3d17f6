import { createHash } from "node:crypto";
import { badRequest } from "../http/fault.js";

/** What a request was answered, ready to be sent again. */
export interface Rendered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON; empty for none. */
  readonly payload: string;
}

/** For how long a key is remembered: the ISO 8601 duration that `/v1/config` advertises. */
export const KEY_LIFETIME = "PT30M";
const KEY_LIFETIME_MS = 30 * 60_000;

const MAX_BYTES = 16 << 20;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

interface Entry {
  readonly request: string;
  readonly answer: Promise<Rendered>;
  readonly until: number;
  size: number;
}

/**
 * Answers by idempotency key: the same request again gets the same answer and has no further effect, also while the
 * first is under way. Faults of the server are not kept, and nothing is when it starts anew: the request is run
 * again, with a token by which the catalog knows a change that it made.
 */
export class KnownAnswers {
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  /**
   * @param request what the key was sent with: the same key with another request is refused
   * @param run gets the token of the change: the same for the same request with the same key
   * @throws Fault 400
   */
  async answer(
    key: string,
    request: readonly string[],
    run: (token: string) => Promise<Rendered>,
  ): Promise<Rendered> {
    if (!UUID.test(key)) throw badRequest("Idempotency-Key should be a UUID.");
    const id = key.toLowerCase();
    const fingerprint = createHash("sha256").update(JSON.stringify(request)).digest("base64");
    this.#expire();
    const known = this.#entries.get(id);
    if (known !== undefined) {
      if (known.request !== fingerprint) {
        throw badRequest("This Idempotency-Key came with another request: every operation needs its own.");
      }
      return known.answer;
    }
    const entry: Entry = {
      request: fingerprint,
      answer: run(`${id} ${fingerprint}`),
      until: Date.now() + KEY_LIFETIME_MS,
      size: 200,
    };
    this.#entries.set(id, entry);
    this.#bytes += entry.size;
    const forget = (): void => this.#forget(id, entry);
    try {
      const answer = await entry.answer;
      if (answer.status >= 500) forget();
      else this.#grow(entry, answer.payload.length);
      return answer;
    } catch (error) {
      forget();
      throw error;
    }
  }

  #grow(entry: Entry, bytes: number): void {
    entry.size += bytes;
    this.#bytes += bytes;
    for (const [id, oldest] of this.#entries) {
      if (this.#bytes <= MAX_BYTES || oldest === entry) break;
      this.#forget(id, oldest);
    }
  }

  #expire(): void {
    const now = Date.now();
    // In the order in which they came, so that the first that holds ends the search.
    for (const [id, entry] of this.#entries) {
      if (entry.until > now) break;
      this.#forget(id, entry);
    }
  }

  #forget(id: string, entry: Entry): void {
    if (this.#entries.get(id) !== entry) return;
    this.#entries.delete(id);
    this.#bytes -= entry.size;
  }
}

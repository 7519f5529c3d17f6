import { readJson } from "../../../iceberg/index.js";
import { catalogUnavailable, notAuthorized } from "../../errors.js";

export interface OAuthOptions {
  /** `id:secret`, or a secret alone. */
  readonly credential: string;
  /** URI of the token endpoint. */
  readonly tokenUri: string;
  readonly scope: string;
}

/** A token is renewed when less than this of its lifetime is left, in milliseconds. */
const MARGIN_MS = 30_000;

/** Bearer tokens by OAuth2 client credentials (RFC 6749, section 4.4), asked for when needed and kept while they hold. */
export class TokenSource {
  readonly #options: OAuthOptions;
  #token: Promise<string> | undefined;
  #expires = 0;

  constructor(options: OAuthOptions) {
    this.#options = options;
  }

  /** @throws LakehouseError NOT_AUTHORIZED, CATALOG_UNAVAILABLE */
  token(): Promise<string> {
    if (this.#token === undefined || Date.now() > this.#expires - MARGIN_MS) {
      this.#expires = Number.POSITIVE_INFINITY;
      const token = this.#ask();
      this.#token = token;
      // A failure is not kept: the next request asks again.
      token.catch(() => this.refused());
    }
    return this.#token;
  }

  /** The server does not take the token any more. */
  refused(): void {
    this.#token = undefined;
  }

  async #ask(): Promise<string> {
    const { credential, tokenUri, scope } = this.#options;
    const colon = credential.indexOf(":");
    const form = new URLSearchParams({
      grant_type: "client_credentials",
      scope,
      client_id: credential.slice(0, Math.max(colon, 0)),
      client_secret: credential.slice(colon + 1),
    });
    let response: Response;
    let text: string;
    try {
      response = await fetch(tokenUri, {
        method: "POST",
        body: form,
        redirect: "manual",
        signal: AbortSignal.timeout(30_000),
      });
      text = await response.text();
    } catch (cause) {
      throw catalogUnavailable(
        tokenUri,
        `The token endpoint ${tokenUri} does not answer (${(cause as Error).message}).`,
        undefined,
        cause,
      );
    }
    if (!response.ok) {
      throw (response.status >= 500 ? catalogUnavailable : notAuthorized)(
        tokenUri,
        `The token endpoint ${tokenUri} refused with status ${response.status}.`,
        "Check the credential for this catalog.",
      );
    }
    const root = readJson(text, { subject: tokenUri, kind: catalogUnavailable });
    const seconds = root.optional("expires_in")?.number() ?? 3600;
    this.#expires = Date.now() + seconds * 1000;
    return root.get("access_token").string();
  }
}

import { invalidArgument } from "../../../errors.js";
import { TokenSource } from "./oauth.js";
import { type HttpRequest, Transport, type TransportOptions } from "./transport.js";

/** How a catalog server is reached, whatever it speaks. */
export interface ConnectionOptions {
  /** Bearer token. */
  readonly token?: string | undefined;
  /** OAuth2 client credentials, `id:secret`: tokens are asked for and renewed with them. */
  readonly credential?: string | undefined;
  /** Token endpoint: where the protocol names none it is needed with a credential. */
  readonly oauth2ServerUri?: string | undefined;
  /** OAuth2 scope. `catalog` where not given. */
  readonly scope?: string | undefined;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Tries of one request that may be tried again. 5 where not given. */
  readonly maxAttempts?: number | undefined;
  /** For one try, in milliseconds. 60 s where not given. */
  readonly timeoutMs?: number | undefined;
}

/** What a protocol adds to the options of its user. */
export interface Protocol<R extends HttpRequest> extends Pick<TransportOptions<R>, "toError"> {
  /** The token endpoint where the user names none. */
  readonly tokenUri?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** What a client shows to a catalog server, as the environment says: a secret in a URI would turn up in messages. */
export function connectionFromEnv(
  env: Readonly<Record<string, string | undefined>> = process.env,
): ConnectionOptions {
  return {
    token: env.SLH_CATALOG_CLIENT_TOKEN || undefined,
    credential: env.SLH_CATALOG_CLIENT_CREDENTIAL || undefined,
    oauth2ServerUri: env.SLH_CATALOG_OAUTH2_URI || undefined,
    scope: env.SLH_CATALOG_SCOPE || undefined,
  };
}

/** Throws `INVALID_ARGUMENT` for a credential without the endpoint that takes it, or one that is part of the URI. */
export function transportTo<R extends HttpRequest>(
  base: string,
  options: ConnectionOptions,
  protocol: Protocol<R>,
): Transport<R> {
  const uri = base.replace(/\/+$/, "");
  const { token, maxAttempts = 5, timeoutMs = 60_000 } = options;
  if (holdsCredential(uri)) {
    throw invalidArgument(
      "uri",
      "The address of the catalog's server holds a name or a password.",
      "Give a token or a credential beside it.",
    );
  }
  return new Transport({
    uri,
    token: token ?? tokenSource(uri, options, protocol.tokenUri),
    headers: { ...protocol.headers, ...options.headers },
    maxAttempts,
    timeoutMs,
    toError: protocol.toError,
  });
}

function holdsCredential(uri: string): boolean {
  const { username, password } = URL.canParse(uri) ? new URL(uri) : { username: "", password: "" };
  return username !== "" || password !== "";
}

function tokenSource(
  uri: string,
  { credential, oauth2ServerUri, scope = "catalog" }: ConnectionOptions,
  defaultTokenUri: string | undefined,
): TokenSource | undefined {
  if (credential === undefined) return undefined;
  const tokenUri = oauth2ServerUri ?? defaultTokenUri;
  if (tokenUri !== undefined) return new TokenSource({ credential, tokenUri, scope });
  throw invalidArgument(
    uri,
    "A credential is of no use without the token endpoint that takes it.",
    "Give oauth2ServerUri; of our own server it is <uri>/v1/oauth/tokens.",
  );
}

import type { JsonInput } from "../../../iceberg/index.js";
import type { Gate, IssuedToken } from "./auth.js";

const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";

export interface TokenAnswer {
  readonly status: 200 | 400 | 401;
  readonly body: JsonInput;
}

/**
 * Answers a request for a token: by client credentials (RFC 6749, section 4.4), or by exchange of a token that is
 * about to expire (RFC 8693). Refusals have OAuth's own shape, not the catalog's.
 */
export function answerTokenRequest(
  gate: Gate,
  form: URLSearchParams,
  authorization: string | undefined,
): TokenAnswer {
  const scope = form.get("scope") ?? "catalog";
  if (!scope.split(" ").includes("catalog")) {
    return refusal(400, "invalid_scope", "The only scope is catalog.");
  }
  switch (form.get("grant_type")) {
    case "client_credentials": {
      const [id, secret] = clientOf(form, authorization);
      const issued = gate.issueTo(id, secret);
      return issued === undefined
        ? refusal(401, "invalid_client", "The client is not known, or its secret is another.")
        : granted(issued, {});
    }
    case TOKEN_EXCHANGE: {
      const issued = gate.renew(form.get("subject_token") ?? "");
      return issued === undefined
        ? refusal(
            400,
            "invalid_grant",
            "The subject token is none that this server issued, or it has expired.",
          )
        : granted(issued, { issued_token_type: ACCESS_TOKEN });
    }
    case null:
      return refusal(400, "invalid_request", "grant_type is missing.");
    default:
      return refusal(400, "unsupported_grant_type", "Use client_credentials or token-exchange.");
  }
}

/** The client's id and secret, from the form or by HTTP Basic, where both are percent-encoded first. */
function clientOf(form: URLSearchParams, authorization: string | undefined): [string, string] {
  const [, basic] = /^Basic +(\S+)$/i.exec(authorization ?? "") ?? [];
  if (form.has("client_id") || basic === undefined) {
    return [form.get("client_id") ?? "", form.get("client_secret") ?? ""];
  }
  const text = Buffer.from(basic, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return [decoded(text.slice(0, Math.max(colon, 0))), decoded(text.slice(colon + 1))];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function granted({ token, expiresInS }: IssuedToken, more: { [key: string]: JsonInput }): TokenAnswer {
  const body = {
    access_token: token,
    token_type: "bearer",
    expires_in: expiresInS,
    scope: "catalog",
    ...more,
  };
  return { status: 200, body };
}

function refusal(status: 400 | 401, error: string, description: string): TokenAnswer {
  return { status, body: { error, error_description: description } };
}

import { invalidConfig, type LakehouseError } from "../../errors.js";
import { trackingUnavailable } from "../errors.js";

/** A request may take this long: the server's database may wait for 20 s itself. */
const TIMEOUT_MS = 60_000;

/** An answer of the server that says no, by MLflow's own code. */
export class RefusedRequest extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** MLflow's server over HTTP, with its errors as they are. */
export class MlflowConnection {
  /** Without a name and password. */
  readonly uri: string;
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;

  /**
   * @param uri such as `http://127.0.0.1:5000`; a name and password in it are sent as basic authentication, as are those of
   *   `MLFLOW_TRACKING_USERNAME` and `_PASSWORD`; `MLFLOW_TRACKING_TOKEN` is sent as a bearer token.
   */
  constructor(uri: string, env: Readonly<Record<string, string | undefined>> = process.env) {
    const url = parse(uri);
    if (url === null || !/^https?:$/.test(url.protocol))
      throw invalidConfig(uri, `${uri} is no address of an MLflow server.`, "Write http://host:5000, say.");
    const name = decodeURIComponent(url.username) || env.MLFLOW_TRACKING_USERNAME;
    const password = decodeURIComponent(url.password) || env.MLFLOW_TRACKING_PASSWORD;
    url.username = "";
    url.password = "";
    this.uri = url.href.replace(/\/+$/, "");
    this.#base = `${this.uri}/api/2.0`;
    const basic = name && `Basic ${Buffer.from(`${name}:${password ?? ""}`).toString("base64")}`;
    const bearer = env.MLFLOW_TRACKING_TOKEN && `Bearer ${env.MLFLOW_TRACKING_TOKEN}`;
    const authorization = basic || bearer;
    this.#headers = authorization ? { authorization } : {};
  }

  /** One call of the API. @throws RefusedRequest; LakehouseError TRACKING_UNAVAILABLE. */
  async call<Answer>(
    method: "GET" | "POST" | "PATCH",
    path: string,
    given: Readonly<Record<string, unknown>> = {},
  ): Promise<Answer> {
    const query = method === "GET" ? `?${new URLSearchParams(given as Record<string, string>)}` : "";
    const response = await this.#send(`mlflow/${path}${query}`, {
      method,
      headers: { "content-type": "application/json" },
      ...(method !== "GET" && { body: JSON.stringify(given) }),
    });
    const text = await this.#whole(response.text());
    try {
      // Of 64 bits: none of those that are read here exceeds what a number holds, times and steps.
      return JSON.parse(text) as Answer;
    } catch (cause) {
      throw this.#unavailable(`it answered ${JSON.stringify(text.slice(0, 100))}`, cause);
    }
  }

  async put(path: string, content: Uint8Array): Promise<void> {
    const response = await this.#send(`mlflow-artifacts/artifacts/${path}`, {
      method: "PUT",
      headers: { "content-type": "application/octet-stream" },
      body: content as Uint8Array<ArrayBuffer>,
    });
    await this.#whole(response.arrayBuffer());
  }

  async get(path: string): Promise<Uint8Array> {
    const response = await this.#send(`mlflow-artifacts/artifacts/${path}`, {});
    return new Uint8Array(await this.#whole(response.arrayBuffer()));
  }

  async list(
    path: string,
  ): Promise<readonly { path: string; is_dir: boolean; file_size?: string | number }[]> {
    const query = new URLSearchParams({ path });
    const response = await this.#send(`mlflow-artifacts/artifacts?${query}`, {});
    const { files = [] } = JSON.parse(await this.#whole(response.text())) as {
      files?: { path: string; is_dir: boolean; file_size?: string | number }[];
    };
    return files;
  }

  async #send(path: string, init: RequestInit): Promise<Response> {
    const send = () =>
      fetch(`${this.#base}/${path}`, {
        ...init,
        headers: { ...(init.headers as Record<string, string>), ...this.#headers },
        signal: AbortSignal.timeout(TIMEOUT_MS),
        // An answer from elsewhere is none of this server's, and the password is for nobody else.
        redirect: "error",
      });
    const isRepeatable = init.method === undefined || /^(GET|PUT)$/.test(init.method);
    const response = await this.#whole(
      // The server closes a connection that is idle, at times just when it is used again.
      send().catch((error: Error) => {
        if (!isRepeatable || error.name === "TimeoutError") throw error;
        return send();
      }),
    );
    if (response.ok) return response;
    const text = await this.#whole(response.text());
    const { error_code: code, message } = refusal(text);
    if (code !== undefined && response.status < 500) throw new RefusedRequest(code, message ?? text);
    if (response.status === 404) throw new RefusedRequest("NOT_FOUND", `${path} was not found`);
    throw this.#unavailable(`it answered ${response.status} ${(message ?? text).slice(0, 200)}`);
  }

  async #whole<Result>(work: Promise<Result>): Promise<Result> {
    try {
      return await work;
    } catch (cause) {
      const { message, cause: inner } = cause as Error;
      throw this.#unavailable((inner as Error | undefined)?.message || message, cause);
    }
  }

  #unavailable(why: string, cause?: unknown): LakehouseError {
    return trackingUnavailable(
      this.uri,
      `The MLflow server at ${this.uri} cannot be used: ${why.replace(/\.$/, "")}.`,
      "Look whether it runs, and whether this is its address.",
      cause,
    );
  }
}

function parse(uri: string): URL | null {
  try {
    return new URL(uri);
  } catch {
    return null;
  }
}

function refusal(text: string): { readonly error_code?: string; readonly message?: string } {
  try {
    return JSON.parse(text) as { readonly error_code?: string };
  } catch {
    return {};
  }
}

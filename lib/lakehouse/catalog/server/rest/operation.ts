import type { JsonInput, JsonNode } from "../../../iceberg/index.js";
import type { BranchingCatalog } from "../../model/branching-catalog.js";
import type { ServerContext } from "../http/api.js";
import { badRequest } from "../http/fault.js";
import type { ScanPlans } from "./scan-plans.js";

/** What all operations of REST work with. */
export interface RestContext extends ServerContext {
  readonly plans: ScanPlans;
}

/** One request, taken apart. */
export interface Call {
  readonly context: RestContext;
  /** The catalog, on the ref that the request's prefix names; it makes the request's change once. */
  readonly catalog: BranchingCatalog;
  /** Decoded path parameters. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** `undefined` where the request has none. */
  readonly body: JsonNode | undefined;
}

export interface Answer {
  readonly status: 200 | 204 | 304;
  readonly body?: JsonInput | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** One operation of the REST spec. */
export interface Operation {
  /** As the spec writes it, and `/v1/config` lists it: `GET /v1/{prefix}/namespaces`. */
  readonly endpoint: string;
  /** Takes an `Idempotency-Key`: the same request again has no further effect, and the same answer. */
  readonly idempotent?: true;
  /** A failure in the middle of it leaves the outcome unknown. */
  readonly commits?: true;
  run(call: Call): Promise<Answer>;
}

export const NO_CONTENT: Answer = { status: 204 };

export function bodyOf({ body }: Call): JsonNode {
  if (body === undefined) throw badRequest("The request has no body: send one as application/json.");
  return body;
}

export function param({ params }: Call, name: string): string {
  return params[name] ?? "";
}

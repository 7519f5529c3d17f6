import { afterAll, beforeAll, expect, test } from "vitest";
import { needsRestSpecification, restSpecification } from "../../support/needs.js";
import { OpenApi } from "./openapi.js";
import { type Served, serve } from "./served.js";

export const NS = "/v1/{prefix}/namespaces";
export const TABLES = `${NS}/{namespace}/tables`;
export const TABLE = `${TABLES}/{table}`;
export const VIEWS = `${NS}/{namespace}/views`;
export const VIEW = `${VIEWS}/{view}`;

export const schema = {
  type: "struct",
  fields: [
    { id: 1, name: "id", required: true, type: "long" },
    { id: 2, name: "data", required: false, type: "string" },
  ],
};

export const viewVersion = {
  "version-id": 1,
  "timestamp-ms": 1_700_000_000_000,
  "schema-id": 0,
  summary: { "engine-name": "test" },
  representations: [{ type: "sql", sql: "select 1", dialect: "spark" }],
  "default-namespace": ["ns"],
};

export interface Given {
  readonly prefix?: string;
  readonly namespace?: string;
  readonly table?: string;
  readonly view?: string;
  readonly planId?: string;
  readonly query?: string;
  readonly body?: unknown;
  /** The body as it is sent, where JSON.stringify would lose digits. */
  readonly raw?: string;
  readonly headers?: Record<string, string>;
}

/**
 * A server for a file of tests, and what they ask it with. Every answer is one that the specification describes for its
 * operation and status. Where the specification's file is missing, tests hold the server to what they say themselves.
 */
export function restAnswers() {
  const spec = restSpecification === undefined ? undefined : new OpenApi(restSpecification);
  let held = 0;
  let served: Served;
  const seen = new Set<string>();
  beforeAll(async () => {
    served = await serve({
      clientConfig: { "s3.endpoint": "http://localhost:9000" },
      clientCredentials: { "s3.access-key-id": "id", "s3.secret-access-key": "secret" },
    });
    await served.catalog.createNamespace("ns", { owner: "ada" });
  });
  afterAll(() => served?.stop());

  /** Sends a request and holds the answer against the specification. */
  async function ask(endpoint: string, given: Given = {}) {
    const [method = "", template = ""] = endpoint.split(" ");
    const { prefix = "main", namespace = "ns", table = "t", view = "v", query = "", body, headers } = given;
    const values: Record<string, string> = { prefix, namespace, table, view, "plan-id": given.planId ?? "" };
    const path = template.replaceAll(/\{([\w-]+)\}/g, (_, name: string) =>
      encodeURIComponent(values[name] ?? ""),
    );
    const response = await fetch(`${served.server.uri}${path}${query === "" ? "" : `?${query}`}`, {
      method,
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: given.raw ?? JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = text === "" ? undefined : JSON.parse(text);
    if (spec !== undefined) {
      const problems = spec.problems(endpoint, response.status, json);
      expect(problems, `${endpoint} → ${response.status} ${text.slice(0, 300)}`).toEqual([]);
      held++;
    }
    if (json?.error?.code !== undefined) expect(json.error.code).toBe(response.status);
    if (response.ok) seen.add(endpoint);
    return { status: response.status, json, headers: response.headers };
  }

  const error = ({ json, status }: { json: { error: { type: string } }; status: number }) => [
    status,
    json.error.type,
  ];

  const create = (name: string, more: object = {}) =>
    ask(`POST ${TABLES}`, { body: { name, schema, ...more } });

  /** Holds that the tests before have asked every endpoint of the server that is theirs. */
  function coverEndpoints(isTheirs: (endpoint: string) => boolean): void {
    const endpoints = async (): Promise<string[]> =>
      (await ask("GET /v1/config")).json.endpoints.filter(isTheirs);

    test("cover every endpoint that the server says it has", async () => {
      expect((await endpoints()).filter((endpoint) => !seen.has(endpoint))).toEqual([]);
    });

    test(
      "were all held against the specification, which has every endpoint",
      needsRestSpecification,
      async () => {
        const known = spec?.operationIds();
        const theirs = await endpoints();
        expect(theirs.filter((endpoint) => !known?.has(endpoint))).toEqual([]);
        expect(held).toBeGreaterThanOrEqual(theirs.length);
      },
    );
  }

  return {
    ask,
    error,
    create,
    coverEndpoints,
    get served() {
      return served;
    },
  };
}

/** Planned scans have tests of their own. */
export const isOfScans = (endpoint: string): boolean => /\/(plan|tasks)\b/.test(endpoint);

import { setTimeout as sleep } from "node:timers/promises";
import { hasJdkFor, isInstalled, SERVICES } from "../../lib/kit/stack/index.js";
import { needs } from "../support/needs.js";

const { packages } = SERVICES.trino;

export const needsTrino = needs(
  hasJdkFor(packages) && isInstalled("trino", packages),
  "a JDK 25, in JAVA_HOME or among the system's, for Trino",
);

/** What a statement answers: a row by its columns' names, numbers that JSON cannot hold as text. */
export type TrinoRow = Readonly<Record<string, unknown>>;

/** Trino itself, as a client sees it. */
export interface TrinoClient {
  readonly uri: string;
  /** Makes a catalog of a properties file's text, where `connector.name` and comments may stand, too. */
  attach(name: string, properties: string): Promise<void>;
  query(sql: string, session?: Readonly<Record<string, string>>): Promise<TrinoRow[]>;
  /** The message with which it refuses a statement. */
  refused(sql: string, session?: Readonly<Record<string, string>>): Promise<string>;
}

interface Page {
  readonly nextUri?: string;
  readonly columns?: readonly { readonly name: string }[];
  readonly data?: readonly (readonly unknown[])[];
  readonly error?: { readonly failureInfo: Failure };
}

interface Failure {
  readonly message?: string;
  readonly cause?: Failure;
}

/** What went wrong, and why: its own message often says only that something did. */
const told = ({ message = "", cause }: Failure): string =>
  cause === undefined ? message : `${message}: ${told(cause)}`;

export function trinoAt(uri: string): TrinoClient {
  /** All of its client protocol: pages, one after the other. */
  const run = async (
    sql: string,
    session: Readonly<Record<string, string>> = {},
  ): Promise<{ rows: TrinoRow[]; error: string | undefined }> => {
    const headers = {
      "X-Trino-User": "sololakehouse",
      "X-Trino-Time-Zone": "UTC",
      // Else times come in milliseconds, rounded.
      "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
      "X-Trino-Session": Object.entries(session)
        .map(([name, value]) => `${name}=${value}`)
        .join(","),
    };
    const rows: TrinoRow[] = [];
    let answer = await fetch(`${uri}/v1/statement`, { method: "POST", headers, body: sql });
    for (;;) {
      if (!answer.ok) throw new Error(`Trino answers ${answer.status}: ${await answer.text()}`);
      const { nextUri, columns = [], data = [], error } = (await answer.json()) as Page;
      for (const values of data)
        rows.push(Object.fromEntries(columns.map(({ name }, index) => [name, values[index]])));
      if (error !== undefined || nextUri === undefined)
        return { rows, error: error && told(error.failureInfo) };
      if (data.length === 0) await sleep(10);
      answer = await fetch(nextUri, { headers });
    }
  };
  const query = async (sql: string, session?: Readonly<Record<string, string>>) => {
    const { rows, error } = await run(sql, session);
    if (error !== undefined) throw new Error(`Trino: ${error}\n${sql}`);
    return rows;
  };
  return {
    uri,
    attach: async (name, properties) => {
      const settings = properties
        .split("\n")
        .filter((line) => line.includes("=") && !/^(#|connector\.name)/.test(line))
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)])
        .map(([key, value]) => `"${key}" = '${value}'`);
      await query(`CREATE CATALOG ${name} USING iceberg WITH (${settings.join(", ")})`);
    },
    query,
    refused: async (sql, session) => {
      const { error } = await run(sql, session);
      if (error === undefined) throw new Error(`Trino takes ${sql}`);
      return error;
    },
  };
}

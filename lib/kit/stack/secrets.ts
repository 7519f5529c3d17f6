import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { stackUnready } from "./errors.js";

/** What is secret, by the variable of `.env` that has it. Each is made at random when the stack first starts. */
export const SECRETS = {
  /** Makes buckets and keys; no service has it. */
  SLH_STACK_S3_ADMIN_KEY: "the administrator's key at SeaweedFS",
  SLH_STACK_S3_ADMIN_SECRET: "its secret",
  /** Of who works on the lakehouse: what `slh stack env` prints, and notebooks. */
  SLH_STACK_S3_KEY: "the key that reads and writes the lakehouse's bucket",
  SLH_STACK_S3_SECRET: "its secret",
  SLH_STACK_S3_CATALOG_KEY: "the catalog's key, for the warehouse; of the log it reads alone",
  SLH_STACK_S3_CATALOG_SECRET: "its secret",
  SLH_STACK_S3_LOG_KEY: "the log's key, for its own objects",
  SLH_STACK_S3_LOG_SECRET: "its secret",
  SLH_STACK_S3_ENGINES_KEY: "the engines' key, for tables and what tasks hand on; not for the log",
  SLH_STACK_S3_ENGINES_SECRET: "its secret",
  SLH_STACK_S3_READER_KEY: "the key that reads the lakehouse's bucket",
  SLH_STACK_S3_READER_SECRET: "its secret",
  SLH_STACK_CATALOG_TOKEN: "the bearer token of the catalog",
  SLH_STACK_GRAFANA_PASSWORD: "the password of Grafana's user admin",
  SLH_STACK_TRINO_SECRET: "what Trino's nodes know each other by",
} as const;

export type SecretName = keyof typeof SECRETS;
export type Secrets = Readonly<Record<SecretName, string>>;

/**
 * The secrets in a file of `NAME=value` lines, which is made where it is missing, with mode 600. A secret that a newer
 * version asks for is added to a file that lacks it.
 *
 * @throws LakehouseError STACK_UNREADY where others can read the file.
 */
export function secretsIn(file: string): Secrets {
  const known = readSecrets(file) ?? {};
  const missing = Object.keys(SECRETS).filter((name) => !known[name as SecretName]);
  if (missing.length === 0) return known as Secrets;
  const all = {
    ...known,
    ...Object.fromEntries(missing.map((name) => [name, randomBytes(24).toString("hex")])),
  };
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, textOf(all as Secrets), { mode: 0o600 });
  renameSync(fresh, file);
  return all as Secrets;
}

const textOf = (secrets: Secrets): string =>
  [
    "# The secrets of this stack, made at random when it first started. Whoever reads this file may do all that it can.",
    ...Object.entries(SECRETS).map(([name, what]) => `# ${what}\n${name}=${secrets[name as SecretName]}`),
    "",
  ].join("\n");

/** The secrets that a file has; undefined where there is no file. Throws as `secretsIn`. */
export function readSecrets(file: string): Partial<Secrets> | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (process.platform !== "win32" && (found.mode & 0o077) !== 0)
    throw stackUnready(
      file,
      `${file} has the stack's secrets, and others can read it.`,
      `Run chmod 600 ${file}; where others have read it already, delete it while the stack is down: new ones are made.`,
    );
  const lines = readFileSync(file, "utf8").matchAll(/^([A-Z0-9_]+)=(.*)$/gm);
  return Object.fromEntries([...lines].map(([, name = "", value = ""]) => [name, value]));
}

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { invalidConfig } from "sololakehouse/errors";
import { PORTS, type ServiceName } from "./ports.js";
import type { ProcessIdentity } from "./process/identity.js";
import { readSecrets, type SecretName, secretsIn } from "./secrets.js";
import type { Place } from "./service.js";

/** A process of a service, as it was started. */
export interface Started extends ProcessIdentity {
  readonly version: string;
  /** ISO 8601. */
  readonly at: string;
}

/**
 * The folder of a stack: `.env` with its secrets, `data/<service>`, `files/<service>` with configuration, `logs`, and in
 * `run` which processes were started. A user has one stack; `SLH_STACK` names the folder of another.
 */
export class StackHome {
  readonly folder: string;

  /** @throws LakehouseError INVALID_CONFIG for a port offset that is none. */
  constructor(folder = stackFolder()) {
    this.folder = folder;
  }

  get secretsFile(): string {
    return join(this.folder, ".env");
  }

  get lake(): string {
    return join(this.folder, "lake");
  }

  readonly dataOf = (service: ServiceName): string => join(this.folder, "data", service);
  readonly filesOf = (service: ServiceName): string => join(this.folder, "files", service);
  readonly logOf = (service: ServiceName): string => join(this.folder, "logs", `${service}.log`);
  readonly #runOf = (service: ServiceName): string => join(this.folder, "run", `${service}.json`);

  get lock(): string {
    return join(this.folder, "lock");
  }

  /** What is added to each port, so that a second stack can run beside one: what `up --port-offset` was given first. */
  get offset(): number {
    const file = join(this.folder, "port-offset");
    return existsSync(file) ? portOffset(readFileSync(file, "utf8").trim()) : 0;
  }

  setOffset(offset: number): void {
    makePrivate(this.folder);
    writeFileSync(join(this.folder, "port-offset"), `${offset}\n`);
  }

  port(service: ServiceName, name: string): number {
    const ports: Readonly<Record<string, number>> = PORTS[service];
    const port = ports[name];
    if (port === undefined) throw new Error(`${service} has no port ${name}`);
    return port + this.offset;
  }

  /** Makes the folders of a service, and the secrets where there are none. */
  prepare(service: ServiceName): Place {
    makePrivate(this.folder);
    for (const folder of [
      this.dataOf(service),
      this.filesOf(service),
      join(this.folder, "logs"),
      join(this.folder, "run"),
      this.lake,
    ])
      makePrivate(folder);
    const secrets = secretsIn(this.secretsFile);
    return this.#place(service, (name) => secrets[name]);
  }

  /** Where a service runs, with its secrets; undefined where the stack has never been started. */
  place(service: ServiceName): Place | undefined {
    const secrets = readSecrets(this.secretsFile);
    return secrets && this.#place(service, (name) => secrets[name] ?? "");
  }

  #place(service: ServiceName, secret: (name: SecretName) => string): Place {
    return {
      listen: "127.0.0.1",
      data: this.dataOf(service),
      files: this.filesOf(service),
      lake: this.lake,
      host: () => "127.0.0.1",
      port: (of, name) => this.port(of, name),
      secret,
    };
  }

  started(service: ServiceName): Started | undefined {
    try {
      return JSON.parse(readFileSync(this.#runOf(service), "utf8")) as Started;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  setStarted(service: ServiceName, started: Started): void {
    const file = this.#runOf(service);
    writeFileSync(`${file}.new`, JSON.stringify(started));
    renameSync(`${file}.new`, file);
  }

  forget(service: ServiceName): void {
    rmSync(this.#runOf(service), { force: true });
  }
}

/** What is in it is its owner's alone. */
const makePrivate = (folder: string): void => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
};

/** `SLH_STACK`, or `sololakehouse/stack` in the user's folder for data. */
function stackFolder({ env, platform } = process): string {
  const { SLH_STACK: own, XDG_DATA_HOME: xdg } = env;
  if (own) return resolve(own);
  if (xdg && isAbsolute(xdg)) return join(xdg, "sololakehouse", "stack");
  if (platform === "darwin")
    return join(homedir(), "Library", "Application Support", "sololakehouse", "stack");
  return join(homedir(), ".local", "share", "sololakehouse", "stack");
}

/** The highest port is one above 50,000, and 65,535 is the last there is. */
const LARGEST_OFFSET = 10_000;

/** @throws LakehouseError INVALID_CONFIG */
export function portOffset(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= LARGEST_OFFSET) return Number(text);
  throw invalidConfig(
    "port offset",
    `${JSON.stringify(text)} cannot be added to the stack's ports.`,
    `Give a whole number from 0 to ${LARGEST_OFFSET}.`,
  );
}

import type { TlsOptions } from "node:tls";
import { invalidConfig } from "../../../errors.js";
import { checkOptions, type OptionNames } from "../../../options.js";
import type { Ack } from "../../partition/partition.js";
import type { TokenOptions } from "../../security/tokens.js";

/** How a log is served to Kafka's clients. */
export interface KafkaOptions {
  /** 127.0.0.1 where not given. */
  readonly host?: string | undefined;
  /** 9092 where not given; 0 for any that is free. */
  readonly port?: number | undefined;
  /** Where clients are told to connect, for all that they do after the first question; where this listens, if not given. */
  readonly advertised?: { readonly host: string; readonly port?: number | undefined } | undefined;
  /** Certificate and key: the listener speaks TLS alone. */
  readonly tls?: TlsOptions | undefined;
  /** That of who may make certificates for clients: one whose common name is a user of the log logs in as that user. */
  readonly clientCa?: string | Buffer | undefined;
  /** Whose tokens are taken in place of a password: by SASL's OAUTHBEARER, over TLS or from this machine. */
  readonly tokens?: TokenOptions | undefined;
  /** Listens where others can reach it without TLS, or without users who are asked who they are: who comes may do everything. */
  readonly insecure?: boolean | undefined;
  /** Where other servers of the log connect, on the same host, where there are such; any that is free where not given. */
  readonly peerPort?: number | undefined;
  /**
   * When a producer with `acks=all` is answered: `wal` where not given, and `stored` where several servers share the log.
   * `acks=1` is always `wal`.
   */
  readonly acksAll?: Ack | undefined;
  /** Makes topics that clients ask for and that are not there. False where not given. */
  readonly autoCreateTopics?: boolean | undefined;
  /** Of topics that are made without a number of partitions; 1 where not given. */
  readonly partitions?: number | undefined;
  /** Connections beyond are closed at once. 2,500 where not given. */
  readonly maxConnections?: number | undefined;
  /** Of one address. As many as in all where not given. */
  readonly maxConnectionsPerAddress?: number | undefined;
  /** The largest request that is taken, in bytes. 100 MiB where not given, as Kafka's. */
  readonly maxRequestBytes?: number | undefined;
  /** The most bytes of requests, and of records on their way to clients, that are in memory: 256 MiB each where not given. */
  readonly memoryBytes?: number | undefined;
  /** The most bytes of records in one answer, whatever the client would take. 16 MiB where not given. */
  readonly maxFetchBytes?: number | undefined;
  /** Connections on which nothing is asked for so long are closed, in milliseconds. Ten minutes where not given, as Kafka's. */
  readonly idleMs?: number | undefined;
  /** Connections that stop in the midst of a request, or do not take an answer, are closed after so long: 30 seconds where not given. */
  readonly stalledMs?: number | undefined;
  /** Where users have to log in: connections that have not are closed after so long: 15 seconds where not given. */
  readonly authenticateMs?: number | undefined;
  /** How long a login lasts, in milliseconds; clients renew theirs by themselves (KIP-368). For as long as the connection where not given. */
  readonly sessionMs?: number | undefined;
}

export type KafkaSettings = Pick<KafkaOptions, "advertised" | "tls" | "clientCa" | "tokens"> & {
  readonly [Name in keyof typeof DEFAULTS]: NonNullable<KafkaOptions[Name]>;
};

const OPTIONS: OptionNames<KafkaOptions> = {
  host: true,
  port: true,
  advertised: true,
  peerPort: true,
  tls: true,
  clientCa: true,
  tokens: true,
  insecure: true,
  acksAll: true,
  autoCreateTopics: true,
  partitions: true,
  maxConnections: true,
  maxConnectionsPerAddress: true,
  maxRequestBytes: true,
  memoryBytes: true,
  maxFetchBytes: true,
  idleMs: true,
  stalledMs: true,
  authenticateMs: true,
  sessionMs: true,
};

const DEFAULTS = {
  host: "127.0.0.1",
  port: 9092,
  peerPort: 0,
  acksAll: "wal",
  autoCreateTopics: false,
  partitions: 1,
  insecure: false,
  maxConnections: 2_500,
  maxRequestBytes: 100 * 1024 * 1024,
  memoryBytes: 256 * 1024 * 1024,
  maxFetchBytes: 16 * 1024 * 1024,
  idleMs: 10 * 60_000,
  stalledMs: 30_000,
  authenticateMs: 15_000,
  /** None. */
  sessionMs: 0,
  maxConnectionsPerAddress: 1_000_000,
} as const;

const LONGEST_MS = 2 ** 31 - 1;
const RANGES = {
  port: [0, 65_535],
  peerPort: [0, 65_535],
  partitions: [1, 10_000],
  maxConnections: [1, 1_000_000],
  maxConnectionsPerAddress: [1, 1_000_000],
  maxRequestBytes: [1024, 2 ** 31 - 1],
  memoryBytes: [1, Number.MAX_SAFE_INTEGER],
  maxFetchBytes: [1, 2 ** 31 - 1],
  idleMs: [1, LONGEST_MS],
  stalledMs: [1, LONGEST_MS],
  authenticateMs: [1, LONGEST_MS],
  sessionMs: [0, LONGEST_MS],
} as const;

/** @throws LakehouseError INVALID_ARGUMENT, INVALID_CONFIG */
export function kafkaSettings(options: KafkaOptions): KafkaSettings {
  checkOptions("serveKafka", options, OPTIONS);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const settings = { ...DEFAULTS, ...given } as KafkaSettings;
  for (const [name, [least, most]] of Object.entries(RANGES)) {
    const value = settings[name as keyof typeof RANGES];
    if (Number.isInteger(value) && value >= least && value <= most) continue;
    throw invalidConfig(
      name,
      `A Kafka listener's ${name} cannot be ${String(value)}.`,
      `Give a whole number from ${least} to ${most}.`,
    );
  }
  if (settings.acksAll !== "wal" && settings.acksAll !== "stored")
    throw invalidConfig(
      "acksAll",
      `A Kafka listener's acksAll cannot be ${JSON.stringify(settings.acksAll)}.`,
      'Give "wal" or "stored".',
    );
  return settings;
}

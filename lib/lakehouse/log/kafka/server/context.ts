import type { Cluster } from "../../cluster/cluster.js";
import type { LogCore } from "../../core.js";
import type { Budget } from "../../partition/budget.js";
import type { Caller } from "../../security/caller.js";
import type { Security } from "../../security/security.js";
import type { TokenVerifier } from "../../security/tokens.js";
import type { RequestHeader } from "../protocol/api.js";
import type { Authentication } from "./authentication.js";
import type { FetchSessions } from "./fetch-sessions.js";
import type { KafkaSettings } from "./settings.js";

/** What requests are answered from. */
export interface Broker {
  readonly core: LogCore;
  readonly settings: KafkaSettings;
  readonly security: Security;
  /** Where tokens are taken, too. */
  readonly tokens: TokenVerifier | undefined;
  readonly cluster: Cluster;
  readonly clusterId: string;
  /** Where clients are told to connect. */
  readonly host: string;
  readonly port: number;
  /** Memory for records on their way to clients. */
  readonly fetched: Budget;
  readonly fetchSessions: FetchSessions;
}

/** One request, and its connection. */
export interface Context {
  readonly broker: Broker;
  readonly header: RequestHeader;
  /** Who asks: what he may not do is refused. */
  readonly caller: Caller;
  readonly authentication: Authentication;
  /** Where the client connects from. */
  readonly clientHost: string;
  /** Aborted when the server stops, or the client is gone: what waits is to answer. */
  readonly signal: AbortSignal;
  /** The request's bytes. */
  readonly frame: Buffer;
  /** Lets the connection's next request begin, which it does else when this one is answered. */
  readonly placed: () => void;
  /** Called when the answer was taken by the client, or cannot be. */
  readonly onSent: (work: () => void) => void;
}

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ObjectStore } from "../../../storage/index.js";
import type { BranchingCatalog } from "../../model/branching-catalog.js";
import type { Gate } from "./auth.js";

/** What the operations of all protocols work with. */
export interface ServerContext {
  readonly catalog: BranchingCatalog;
  readonly store: ObjectStore;
  /** URI below which everything that a request names must lie, without a trailing slash. */
  readonly warehouse: string;
  /** The name by which clients may ask for the warehouse. */
  readonly warehouseName: string;
  /** Told to every client: how to reach the store, and nothing secret. */
  readonly clientConfig: Readonly<Record<string, string>>;
  /** Given to clients that ask for vended credentials. */
  readonly clientCredentials: Readonly<Record<string, string>> | undefined;
}

/** What a protocol is served with. */
export interface ApiOptions {
  readonly context: ServerContext;
  readonly gate: Gate;
  /** In bytes, also of what a compressed body comes to. */
  readonly bodyLimit: number;
  /** Told of faults of the server, which clients see as a bare 500. */
  readonly onFault: (error: unknown, request: string) => void;
}

/** A protocol that a server speaks beside others. */
export interface Api {
  /** True for a request that it answers, or refuses in its own words. */
  claims(request: FastifyRequest): boolean;
  /** Adds its routes, parsers and refusals to a server. */
  register(app: FastifyInstance, options: ApiOptions): void;
  refuse(reply: FastifyReply, error: unknown): FastifyReply;
}

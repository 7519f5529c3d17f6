import type { SecureContextOptions } from "node:tls";
import { type Client, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { closed, invalidArgument } from "../../errors.js";
import type { TypedSchema } from "../../iceberg/index.js";
import { checkOptions, type OptionNames } from "../../options.js";
import { configText } from "../config-text.js";
import { coordinatorGone, logUnavailable, notLeader } from "../errors.js";
import type { ConsumeOptions } from "../groups/consume-options.js";
import type { GroupBatch } from "../groups/group-reader.js";
import type { TopicRecord } from "../meta/log-meta.js";
import type { TopicConfig } from "../meta/topic-config.js";
import { sleep, systemClock } from "../partition/clock.js";
import type { ProducerOptions } from "../producer.js";
import { newSchema } from "../schemas/new-schema.js";
import type { NewSchema } from "../schemas/schema.js";
import { checkCertificates, isLoopback } from "../security/exposure.js";
import { checkPartitionCount, NEW_TOPIC_OPTIONS, type NewTopicOptions } from "../topics.js";
import type { NewTypedTopicOptions, TypedTopicOptions } from "../typed-topic.js";
import type { ConnectLogOptions, LogCredentials } from "./connect-log.js";
import { AdminService } from "./generated/sololakehouse/log/v1/admin_pb.js";
import { ConsumerService } from "./generated/sololakehouse/log/v1/consumer_pb.js";
import { ProducerService } from "./generated/sololakehouse/log/v1/producer_pb.js";
import { SchemaService } from "./generated/sololakehouse/log/v1/schema_pb.js";
import { TransactionService } from "./generated/sololakehouse/log/v1/transaction_pb.js";
import { topicOf } from "./messages.js";
import { remoteConsume } from "./remote-consume.js";
import { RemoteGroups } from "./remote-groups.js";
import { RemoteProducer } from "./remote-producer.js";
import { RemoteSchemas } from "./remote-schemas.js";
import { RemoteTopic } from "./remote-topic.js";
import { RemoteTypedTopic } from "./remote-typed-topic.js";
import { newSchemaMessage } from "./schema-messages.js";
import { fromStatus } from "./status.js";
import { sendTrace } from "./trace.js";

const TIMEOUT_MS = 60_000;
/** Of one message: a record may be as large as its topic allows. */
const MESSAGE_BYTES = 512 * 1024 * 1024;

/** What another server may answer otherwise. */
const ELSEWHERE = [logUnavailable, notLeader, coordinatorGone];
/** How long the others are asked: one that has died has successors by then. */
const ELSEWHERE_MS = 30_000;
const WAIT_MS = 200;

const OPTIONS: OptionNames<ConnectLogOptions> = {
  timeoutMs: true,
  credentials: true,
  ca: true,
  cert: true,
  key: true,
};

/** The services of one server. */
interface Services {
  readonly url: string;
  readonly producer: Client<typeof ProducerService>;
  readonly transactions: Client<typeof TransactionService>;
  readonly consumer: Client<typeof ConsumerService>;
  readonly admin: Client<typeof AdminService>;
  readonly schemas: Client<typeof SchemaService>;
}

/** What a remote log and its topics call: one of the log's servers, and another when it fails. */
export interface Remote extends Services {
  /** Does something over there; what fails is an error of the log's. */
  call<T>(work: () => Promise<T>): Promise<T>;
  /** The same for what may be done twice: where one server is gone, or is not the one to ask, the others are asked. */
  callAny<T>(work: () => Promise<T>): Promise<T>;
  /** Whether it is to be tried at another server, which is asked from then on; at the last one, for a while. */
  next(error: unknown, since: number): Promise<boolean>;
  /** Nothing will be answered any more. */
  isClosed(): boolean;
  /** The same connection, for who has one server to ask, which another's failures do not change. */
  apart(): Remote;
  /** The same for all that are of one connection. */
  readonly connection: object;
}

interface Server extends Services {
  /** @throws what no server of the log answers. */
  describe(): Promise<{ readonly id: string }>;
  close(): void;
}

/** @param certificate of the server, where it is known: then it is trusted whoever vouches for it, and whatever its name. */
export async function openRemoteLog(
  urls: string | readonly string[],
  options: ConnectLogOptions,
  certificate?: string,
): Promise<RemoteLog> {
  checkOptions("connectLog", options, OPTIONS);
  const all = typeof urls === "string" ? [urls] : urls;
  if (all.length === 0) throw invalidArgument("url", "No server is named.", "Give the URL of one.");
  for (const url of all) checkUrl(url);
  const { ca, cert, key } = options;
  checkCertificates({ cert, key }, ca);
  const known = { ca: certificate, allowPartialTrustChain: true, checkServerIdentity: () => undefined };
  const tls = { cert, key, ...(certificate === undefined ? { ca } : known) };
  const servers = all.map((url) => serverAt(url, options, tls));
  const connection = { servers, isClosed: false };
  const remote = remoteOf(connection);
  const { id } = await remote.callAny(() => remote.describe());
  return new RemoteLog(remote, id, async () => {
    connection.isClosed = true;
    for (const one of servers) one.close();
  });
}

interface Connection {
  readonly servers: readonly Server[];
  isClosed: boolean;
}

/** Asks one of the servers, until that fails. */
function remoteOf(connection: Connection): Remote & Pick<Server, "describe"> {
  const { servers } = connection;
  let current = 0;
  const server = () => servers[current % servers.length] as Server;
  const isElsewhere = (error: unknown) => ELSEWHERE.some((kind) => kind.is(error));
  const call: Remote["call"] = async (work) => {
    const asked = current;
    const { url } = server();
    try {
      return await work();
    } catch (cause) {
      const error = connection.isClosed ? closed("connection to the log") : fromStatus(cause, url);
      if (isElsewhere(error) && current === asked) current++;
      throw error;
    }
  };
  const next: Remote["next"] = async (error, since) => {
    const isLeft = systemClock.now() - since < ELSEWHERE_MS;
    if (connection.isClosed || servers.length === 1 || !isElsewhere(error) || !isLeft) return false;
    await sleep(systemClock, WAIT_MS);
    return true;
  };
  return {
    get url() {
      return server().url;
    },
    get producer() {
      return server().producer;
    },
    get transactions() {
      return server().transactions;
    },
    get consumer() {
      return server().consumer;
    },
    get admin() {
      return server().admin;
    },
    get schemas() {
      return server().schemas;
    },
    describe: () => server().describe(),
    isClosed: () => connection.isClosed,
    apart: () => remoteOf(connection),
    connection,
    call,
    next,
    callAny: async (work) => {
      for (const since = systemClock.now(); ; )
        try {
          return await call(work);
        } catch (error) {
          if (!(await next(error, since))) throw error;
        }
    },
  };
}

function serverAt(
  url: string,
  { timeoutMs = TIMEOUT_MS, credentials }: ConnectLogOptions,
  tls: SecureContextOptions,
): Server {
  const interceptors = [sendTrace, ...(credentials === undefined ? [] : [withCredentials(url, credentials)])];
  const sessionManager = new Http2SessionManager(url, undefined, tls);
  const transport: Transport = createGrpcTransport({
    baseUrl: url,
    sessionManager,
    defaultTimeoutMs: timeoutMs,
    readMaxBytes: MESSAGE_BYTES,
    interceptors,
    // Between processes of one machine or one network, it takes longer to compress than to send.
    acceptCompression: [],
  });
  // By HTTP/1.1: what does not speak HTTP/2 would end this process, by an error of the session that nobody can catch.
  const first = createConnectTransport({
    baseUrl: url,
    httpVersion: "1.1",
    defaultTimeoutMs: timeoutMs,
    interceptors,
    nodeOptions: tls,
  });
  return {
    url,
    producer: createClient(ProducerService, transport),
    transactions: createClient(TransactionService, transport),
    consumer: createClient(ConsumerService, transport),
    admin: createClient(AdminService, transport),
    schemas: createClient(SchemaService, transport),
    describe: () => createClient(AdminService, first).describeServer({}),
    close: () => sessionManager.abort(),
  };
}

/** A log that another process serves. Make it with `connectLog`. */
export class RemoteLog {
  /** Of this run of the server. */
  readonly serverId: string;
  /** The groups that read topics, and where they are. */
  readonly groups: RemoteGroups;
  /** The schemas of the topics' records. */
  readonly schemas: RemoteSchemas;
  readonly #remote: Remote;
  readonly #close: () => Promise<void>;

  /** @internal */
  constructor(remote: Remote, serverId: string, close: () => Promise<void>) {
    this.serverId = serverId;
    this.groups = new RemoteGroups(remote);
    this.schemas = new RemoteSchemas(remote);
    this.#remote = remote;
    this.#close = close;
  }

  get url(): string {
    return this.#remote.url;
  }

  /** As `Log.createTopic`. */
  createTopic<Row>(name: string, options: NewTypedTopicOptions<Row>): Promise<RemoteTypedTopic<Row>>;
  createTopic(
    name: string,
    options?: NewTopicOptions & { readonly schema?: NewSchema | undefined },
  ): Promise<RemoteTopic>;
  async createTopic<Row>(
    name: string,
    {
      schema,
      ...options
    }: NewTopicOptions & { readonly schema?: NewSchema | TypedSchema<Row> | undefined } = {},
  ): Promise<RemoteTopic> {
    checkOptions("createTopic", options, NEW_TOPIC_OPTIONS);
    const { partitions = 1, ifExists = "fail", ...config } = options;
    checkPartitionCount(name, partitions);
    const request = {
      ...{ name, partitions, config: configText(config), keepExisting: ifExists === "keep" },
      ...(schema === undefined ? {} : { schema: newSchemaMessage(await newSchema(schema)) }),
    };
    for (const since = systemClock.now(); ; )
      try {
        await this.#remote.call(() => this.#remote.admin.createTopic(request));
        return schema !== undefined && "fields" in schema ? this.topic(name, { schema }) : this.topic(name);
      } catch (error) {
        // Then nothing was made: another server leads the schemas.
        if (!notLeader.is(error) || !(await this.#remote.next(error, since))) throw error;
      }
  }

  /** A topic by its name, as `Log.topic`. That there is one is seen when it is used. */
  topic(name: string): RemoteTopic;
  topic<Row>(name: string, options: TypedTopicOptions<Row>): RemoteTypedTopic<Row>;
  topic<Row>(name: string, options?: TypedTopicOptions<Row>): RemoteTopic {
    if (options === undefined) return new RemoteTopic(name, this.#remote);
    return new RemoteTypedTopic(name, this.#remote, options);
  }

  /** Reads topics together with others of a group: as `Log.consume`. */
  consume(topics: readonly string[], options: ConsumeOptions): AsyncGenerator<GroupBatch> {
    return remoteConsume(this.#remote, topics, options);
  }

  /** A producer, whose records are there once: as `Log.producer`. */
  producer(options: ProducerOptions = {}): RemoteProducer {
    return new RemoteProducer(this.#remote, options);
  }

  /** By name. */
  async topics(): Promise<TopicRecord[]> {
    const { topics } = await this.#remote.callAny(() => this.#remote.admin.listTopics({}));
    return topics.map(topicOf);
  }

  /** As `Log.alterTopic`. */
  async alterTopic(name: string, change: Partial<TopicConfig>): Promise<TopicRecord> {
    const request = { name, config: configText(change) };
    return topicOf(await this.#remote.call(() => this.#remote.admin.alterTopic(request)));
  }

  /** As `Log.addPartitions`. */
  async addPartitions(name: string, partitions: number): Promise<TopicRecord> {
    checkPartitionCount(name, partitions);
    return topicOf(await this.#remote.call(() => this.#remote.admin.alterTopic({ name, partitions })));
  }

  /** As `Log.deleteTopic`. */
  async deleteTopic(name: string): Promise<void> {
    await this.#remote.call(() => this.#remote.admin.deleteTopic({ name }));
  }

  /** Brings all that was appended by the server into the object store. */
  async flush(): Promise<void> {
    await this.#remote.call(() => this.#remote.admin.flush({}));
  }

  /** Ends all calls that are under way. The server goes on. */
  close(): Promise<void> {
    return this.#close();
  }
}

/** @throws LakehouseError INVALID_ARGUMENT where the password or the token could be read on its way. */
function withCredentials(url: string, credentials: LogCredentials): Interceptor {
  const { protocol, hostname } = new URL(url);
  if (protocol !== "https:" && !isLoopback(hostname.replace(/^\[|\]$/g, "")))
    throw invalidArgument(
      url,
      "user" in credentials
        ? `The password of ${JSON.stringify(credentials.user)} would go to ${hostname} where others could read it.`
        : `A token would go to ${hostname} where others could read it.`,
      "Connect by https:, with TLS at the server.",
    );
  const authorization = async () => {
    if ("token" in credentials) return `Bearer ${await credentials.token()}`;
    const { user, password } = credentials;
    return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  };
  return (next) => async (request) => {
    request.header.set("authorization", await authorization());
    return next(request);
  };
}

function checkUrl(url: string): void {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) {
    // Errors say the URL.
    if (new URL(url).username === "" && new URL(url).password === "") return;
    throw invalidArgument("url", "The URL has a name or a password in it.", "Give them as credentials.");
  }
  throw invalidArgument(
    "url",
    `${JSON.stringify(url)} is no URL of a server.`,
    "Give one such as http://127.0.0.1:50051.",
  );
}

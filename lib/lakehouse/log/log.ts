import type { Catalog } from "../catalog/index.js";
import type { TypedSchema } from "../iceberg/index.js";
import { LogCore, type LogOptions } from "./core.js";
import type { ConsumeOptions } from "./groups/consume-options.js";
import type { GroupBatch } from "./groups/group-reader.js";
import { LogGroups } from "./groups/log-groups.js";
import type { TopicRecord } from "./meta/log-meta.js";
import type { TopicConfig } from "./meta/topic-config.js";
import { Producer, type ProducerOptions } from "./producer.js";
import type { Recovered } from "./recover.js";
import { SchemaRegistry } from "./schemas/registry.js";
import type { NewSchema } from "./schemas/schema.js";
import { LogSecurity } from "./security/log-security.js";
import { TopicTables } from "./tables/topic-tables.js";
import { Topic } from "./topic.js";
import type { NewTopicOptions } from "./topics.js";
import { type NewTypedTopicOptions, TypedTopic, type TypedTopicOptions } from "./typed-topic.js";
import type { UpkeepAction, UpkeepOptions } from "./upkeep/upkeep.js";

/**
 * The streaming log: topics whose records are in the object store, in segments. What is appended is first flushed to
 * this machine's disk, in a write-ahead log.
 *
 * One process writes from a folder at a time: the first `append` takes a lock, which ends with the process. Others read what
 * is in the object store. Servers that share the metadata (`meta: "etcd://…"`) write one log together, each from its own
 * folder.
 */
export class Log {
  readonly #core: LogCore;
  readonly #tables: TopicTables;
  /** The schemas of the topics' records. */
  readonly schemas: SchemaRegistry;
  /** The groups that read topics, and where they are. */
  readonly groups: LogGroups;
  /** The users of its servers, and what they may do. */
  readonly security: LogSecurity;

  /** @param options what a log of its own is made of, or one that is shared, with the catalog whose tables topics become. */
  constructor(options: LogOptions | { readonly core: LogCore; readonly catalog: Catalog }) {
    const isShared = "core" in options;
    this.#core = isShared ? options.core : new LogCore(options);
    this.schemas = new SchemaRegistry(this.#core);
    this.groups = new LogGroups(this.#core);
    this.security = new LogSecurity(this.#core.policies);
    this.#tables = new TopicTables(this.#core, this.schemas, isShared ? options.catalog : undefined);
  }

  /** @internal For the log's servers. */
  get core(): LogCore {
    return this.#core;
  }

  /**
   * Makes a topic. Its `schema`, if it is given one, is registered for the values of its records, as a version of the subject
   * `<name>-value`.
   *
   * @throws LakehouseError INVALID_RECORD_SCHEMA, INCOMPATIBLE_SCHEMA; TOPIC_EXISTS, INVALID_TOPIC, INTERNAL_TOPIC, INVALID_PARTITIONS, INVALID_ARGUMENT, INVALID_CONFIG, STORAGE_FAILED
   */
  createTopic<Row>(name: string, options: NewTypedTopicOptions<Row>): Promise<TypedTopic<Row>>;
  createTopic(
    name: string,
    options?: NewTopicOptions & { readonly schema?: NewSchema | undefined },
  ): Promise<Topic>;
  async createTopic<Row>(
    name: string,
    {
      schema,
      ...options
    }: NewTopicOptions & { readonly schema?: NewSchema | TypedSchema<Row> | undefined } = {},
  ): Promise<Topic> {
    if (schema === undefined) {
      await this.#core.createTopic(name, options);
      return this.topic(name);
    }
    const { createWithSchema } = await import("./schemas/create-topic.js");
    await createWithSchema(this.#core, this.schemas, name, options, schema);
    return "fields" in schema ? this.topic(name, { schema }) : this.topic(name);
  }

  /**
   * A topic by its name. That there is one is seen when it is used.
   *
   * @param options `schema`: of the rows that are appended and read, where the topic was made with it.
   */
  topic(name: string): Topic;
  topic<Row>(name: string, options: TypedTopicOptions<Row>): TypedTopic<Row>;
  topic<Row>(name: string, options?: TypedTopicOptions<Row>): Topic {
    if (options === undefined) return new Topic(name, this.#core, this.#tables);
    return new TypedTopic(name, this.#core, this.#tables, options);
  }

  /**
   * A producer, whose records are there once: it sends again what was refused, and is known by what it sent. With a
   * `transactionalId`, it writes in transactions.
   *
   * @throws LakehouseError INVALID_ARGUMENT
   */
  producer(options: ProducerOptions = {}): Producer {
    return new Producer(this.#core, options);
  }

  /**
   * Reads topics together with others of a group: each partition goes to one of them, and where one ends, another goes on
   * behind what it has committed.
   *
   * @throws LakehouseError NO_SUCH_TOPIC, INVALID_GROUP_ID, INCONSISTENT_GROUP_PROTOCOL, FENCED_INSTANCE_ID,
   *   INVALID_ARGUMENT; LOG_IN_USE where another process writes the log
   * @example
   * for await (const { records } of lake.log.consume(["flights"], { group: "delays" })) await handle(records);
   */
  async *consume(topics: readonly string[], options: ConsumeOptions): AsyncGenerator<GroupBatch> {
    const { consume } = await import("./groups/group-reader.js");
    const groups = await this.#core.groups();
    const { clock } = this.#core;
    yield* consume({ clock, groups, topic: (name) => this.topic(name) }, topics, options);
  }

  /** By name. */
  topics(): Promise<TopicRecord[]> {
    return this.#core.topics();
  }

  /**
   * Changes settings of a topic. The rest stays.
   *
   * @throws LakehouseError NO_SUCH_TOPIC, INTERNAL_TOPIC, INVALID_CONFIG, TOPIC_CONFLICT, STORAGE_FAILED
   */
  alterTopic(name: string, change: Partial<TopicConfig>): Promise<TopicRecord> {
    return this.#core.alterTopic(name, change);
  }

  /**
   * Gives a topic more partitions. From then on, records of one key may go to another partition than before.
   *
   * @param partitions how many there are to be in all.
   * @throws LakehouseError NO_SUCH_TOPIC, INTERNAL_TOPIC, INVALID_PARTITIONS, TOPIC_CONFLICT, STORAGE_FAILED
   */
  addPartitions(name: string, partitions: number): Promise<TopicRecord> {
    return this.#core.addPartitions(name, partitions);
  }

  /**
   * Deletes a topic: first that it is one, then its objects.
   *
   * @throws LakehouseError NO_SUCH_TOPIC, INTERNAL_TOPIC, LOG_IN_USE, STORAGE_FAILED
   */
  deleteTopic(name: string): Promise<void> {
    return this.#core.deleteTopic(name);
  }

  /**
   * Does now what the process that writes does every minute: records go that are too old or too many by their topic's
   * settings, and so do objects that nobody needs any more.
   *
   * @returns what was done; with `dryRun`, what would be.
   * @throws LakehouseError LOG_IN_USE, STORAGE_FAILED: what could be done is, all the same.
   */
  upkeep(options: UpkeepOptions = {}): Promise<UpkeepAction[]> {
    return this.#core.upkeep(options);
  }

  /** Brings all that was appended by this process into the object store. */
  flush(): Promise<void> {
    return this.#core.flush();
  }

  /**
   * Makes the metadata again from the objects alone. What is in the write-ahead log is taken up by the next append.
   *
   * @throws LakehouseError LOG_IN_USE, CORRUPT_SEGMENT, STORAGE_FAILED
   */
  recover(): Promise<Recovered> {
    return this.#core.recover();
  }

  /**
   * Tries once to bring the rest into the object store, and ends. What does not get there is in the write-ahead log. A
   * second call waits for the first.
   */
  async close(): Promise<void> {
    try {
      await this.#tables.close();
    } finally {
      await this.#core.close();
    }
  }
}

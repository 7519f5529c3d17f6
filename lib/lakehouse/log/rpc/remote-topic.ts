import { checkOptions } from "../../options.js";
import { type AppendedTo, checkRecord } from "../into-batches.js";
import type { TopicRecord } from "../meta/log-meta.js";
import type { PartitionOffsets } from "../partition/partition-reader.js";
import type { NewRecord } from "../records/batch-builder.js";
import {
  APPEND_OPTIONS,
  type AppendRecordsOptions,
  checkAck,
  checkIsolation,
  DELETE_OPTIONS,
  type DeleteRecordsOptions,
  type LogBatch,
  READ_OPTIONS,
  type ReadFrom,
  type ReadTopicOptions,
} from "../topic.js";
import type { Topic } from "./generated/sololakehouse/log/v1/admin_pb.js";
import {
  ACKS,
  batchOf,
  checkNumber,
  ISOLATIONS,
  newRecordMessage,
  readFromMessage,
  topicOf,
} from "./messages.js";
import type { Remote } from "./remote-log.js";
import { fromStatus } from "./status.js";

/** A topic that another process serves: as `Topic`, which says more. */
export class RemoteTopic {
  readonly name: string;
  readonly #remote: Remote;

  /** @internal */
  constructor(name: string, remote: Remote) {
    this.name = name;
    this.#remote = remote;
  }

  /** What the topic is. @throws LakehouseError NO_SUCH_TOPIC, LOG_UNAVAILABLE */
  async describe(): Promise<TopicRecord> {
    return topicOf((await this.#describe()).topic as Topic);
  }

  /**
   * Appends records.
   *
   * @throws LakehouseError as `Topic.append`; LOG_UNAVAILABLE where no answer came: then nobody knows whether they are there.
   */
  async append(
    records: NewRecord | readonly NewRecord[],
    options: AppendRecordsOptions = {},
  ): Promise<AppendedTo[]> {
    checkOptions("append", options, APPEND_OPTIONS);
    const { ack = "wal", partition } = options;
    checkAck(ack);
    checkNumber(partition);
    const all = Array.isArray(records) ? records : [records as NewRecord];
    for (const record of all) checkRecord(record);
    const request = {
      topic: this.name,
      records: all.map(newRecordMessage),
      ack: ACKS[ack],
      partition,
    };
    const { appended } = await this.#remote.call(() => this.#remote.producer.append(request));
    return appended.map(({ partition, baseOffset, lastOffset }) => ({ partition, baseOffset, lastOffset }));
  }

  /** Where reading from a place begins in each partition, by number. */
  async offsetsAt(from: ReadFrom): Promise<bigint[]> {
    const request = { topic: this.name, from: readFromMessage(from) };
    return (await this.#remote.callAny(() => this.#remote.admin.findOffsets(request))).offsets;
  }

  /** As `Topic.deleteRecords`. @throws LakehouseError as there; LOG_UNAVAILABLE */
  async deleteRecords(options: DeleteRecordsOptions): Promise<bigint[]> {
    checkOptions("deleteRecords", options, DELETE_OPTIONS);
    const { before, partition } = options;
    checkNumber(partition);
    const request = { topic: this.name, before: readFromMessage(before), partition };
    return (await this.#remote.call(() => this.#remote.admin.deleteRecords(request))).starts;
  }

  /** Where each partition begins and ends, by number. */
  async offsets(): Promise<PartitionOffsets[]> {
    const { offsets } = await this.#describe();
    return offsets.map(({ start, end, stored, lastStable }) => ({ start, end, stored, lastStable }));
  }

  /** Reads records, those of each partition in their order. @throws LakehouseError as `Topic.read`; LOG_UNAVAILABLE */
  async *read(options: ReadTopicOptions = {}): AsyncGenerator<LogBatch> {
    checkOptions("read", options, READ_OPTIONS);
    const { from = "beginning", partition, follow = false, isolation = "read_uncommitted", signal } = options;
    checkNumber(partition);
    checkIsolation(isolation);
    const request = {
      ...{ topic: this.name, from: readFromMessage(from), partition, follow },
      isolation: ISOLATIONS[isolation],
    };
    const ending = new AbortController();
    const stop = () => ending.abort();
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
    try {
      // However long it takes.
      const call = { signal: ending.signal, timeoutMs: 0 };
      for await (const message of this.#remote.consumer.read(request, call)) yield batchOf(message);
    } catch (error) {
      if (signal?.aborted) return;
      throw fromStatus(error, this.#remote.url);
    } finally {
      stop();
      signal?.removeEventListener("abort", stop);
    }
  }

  #describe() {
    return this.#remote.callAny(() => this.#remote.admin.describeTopic({ name: this.name }));
  }
}

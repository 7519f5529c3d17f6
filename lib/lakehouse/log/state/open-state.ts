/** States of a log: which topic they are in, and who may open them. */
import type { LogCore } from "../core.js";
import type { TopicRecord } from "../meta/log-meta.js";
import type { TopicConfig } from "../meta/topic-config.js";
import type { Ack } from "../partition/partition.js";
import { type StateFormat, type StateMap, StateTopic } from "./state-topic.js";

/** Records are small, and who reads from elsewhere waits for a segment. */
const CONFIG: Partial<TopicConfig> = {
  compression: "none",
  cleanupPolicy: "compact",
  segmentMs: 2_000,
  storedLingerMs: 10,
};

/**
 * The internal topic of a state, made where there is none.
 *
 * @param name begins with `__`.
 * @param partitions of a new one: each is a map of its own.
 */
export function stateTopic(core: LogCore, name: string, partitions: number): Promise<TopicRecord> {
  return core.internalTopic(name, { ...CONFIG, partitions });
}

/**
 * The state in a partition, to read and to change it. All of it is in memory.
 *
 * Nothing is written to it once another has led the partition: NOT_LEADER says so.
 *
 * @throws LakehouseError LOG_IN_USE where another process writes the log; as `StateTopic.open`
 */
export async function openState<Value>(
  core: LogCore,
  topic: TopicRecord,
  number: number,
  format: StateFormat<Value>,
  map?: StateMap<Value>,
): Promise<StateTopic<Value>> {
  const { isShared } = await core.cluster();
  const opened = await core.writing(topic, number);
  // What this process wrote before it was unsure of its lease may be on its way, and is not read before it is stored.
  if (isShared) await opened.flush();
  const partition = await core.internalPartition(topic, number);
  // Under a later leadership another has written in between: who opened it under this one knows nothing of that.
  const append = (batch: Uint8Array, ack: Ack) => opened.append(batch, isShared ? "stored" : ack);
  return StateTopic.open({ ...partition, append }, format, core.clock, map);
}

/** The same, as the object store has it, in a process that does not write. `refresh` reads on. */
export async function followState<Value>(
  core: LogCore,
  topic: TopicRecord,
  number: number,
  format: StateFormat<Value>,
  map?: StateMap<Value>,
): Promise<StateTopic<Value>> {
  return StateTopic.open(await core.internalPartition(topic, number), format, core.clock, map);
}

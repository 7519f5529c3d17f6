/** States of a log: which topic they are in, and who may open them. */
import type { LogCore } from "../core.js";
import type { TopicRecord } from "../meta/log-meta.js";
import type { TopicConfig } from "../meta/topic-config.js";
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
 * @throws LakehouseError LOG_IN_USE where another process writes the log; as `StateTopic.open`
 */
export async function openState<Value>(
  core: LogCore,
  topic: TopicRecord,
  number: number,
  format: StateFormat<Value>,
  map?: StateMap<Value>,
): Promise<StateTopic<Value>> {
  await core.startWritingTo(topic, number);
  return followState(core, topic, number, format, map);
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

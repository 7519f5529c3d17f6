import { keyOf } from "../keys.js";
import type { Gauge, GaugeValue } from "../observability/index.js";
import { groupNotFound } from "./errors.js";
import type { CommittedOffset } from "./groups/group-records.js";
import type { Groups } from "./groups/groups.js";
import { type LogContext, openedLogCore } from "./open-log.js";

/** Groups that are looked at: each takes a look at every partition that it reads. */
const MAX_GROUPS = 100;

/** How far consumers are behind, of a log that this process has open. */
export const gauges: readonly Gauge<Pick<LogContext, "closing">>[] = [
  {
    name: "log.group.lag.records",
    kind: "gauge",
    unit: "1",
    help: "Offsets between where a group goes on in a topic and the topic's end, of all partitions together.",
    read: async (context) => {
      const core = openedLogCore(context);
      if (core === undefined || !core.isWriting) return [];
      // Those that this process coordinates: of several servers, each tells its own.
      const groups = await core.groups();
      const lags = new Map<string, GaugeValue>();
      for (const { group } of (await groups.list()).slice(0, MAX_GROUPS)) {
        for (const { topic, partition, offset } of await offsetsOf(groups, group)) {
          const { end } = await (await core.partition(topic, partition)).reader.offsets();
          const key = keyOf([group, topic]);
          const behind = end > offset ? Number(end - offset) : 0;
          lags.set(key, { labels: { group, topic }, value: (lags.get(key)?.value ?? 0) + behind });
        }
      }
      return [...lags.values()];
    },
  },
];

/** One that was deleted meanwhile has none. */
async function offsetsOf(groups: Groups, group: string): Promise<readonly CommittedOffset[]> {
  try {
    return await groups.fetch(group);
  } catch (error) {
    if (groupNotFound.is(error)) return [];
    throw error;
  }
}

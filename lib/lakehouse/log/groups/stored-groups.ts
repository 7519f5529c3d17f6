/** Groups as the object store has them, for a process that does not write the log, and is not to become the one that does. */
import type { LogCore } from "../core.js";
import { noSuchTopic } from "../errors.js";
import { GROUP_TOPIC } from "../internal-topics.js";
import { followState } from "../state/open-state.js";
import { GroupEntries, type GroupEntry } from "./group-entries.js";
import { type CommittedOffset, GROUP_FORMAT } from "./group-records.js";
import type { GroupDescription } from "./group-types.js";
import type { GroupFilter } from "./groups.js";
import { identityOf } from "./member-records.js";
import { noSuchGroup } from "./refusals.js";

/** What is read of groups. */
export interface ReadGroups {
  list(filter?: GroupFilter): Promise<GroupDescription[]>;
  /** @throws LakehouseError GROUP_ID_NOT_FOUND */
  describe(group: string): Promise<GroupDescription>;
  /** Where a group goes on. */
  fetch(group: string): Promise<readonly CommittedOffset[]>;
}

/** @throws LakehouseError CORRUPT_STATE, STORAGE_FAILED */
export async function storedGroups(core: LogCore): Promise<ReadGroups> {
  const groups = new Map<string, GroupEntry>();
  for (const entries of await storedEntries(core))
    for (const group of entries.groups()) groups.set(group, entries.entry(group) as GroupEntry);
  return {
    list: async ({ states = [] } = {}) =>
      [...groups]
        .map(([group, entry]) => described(group, entry))
        .filter(({ state }) => states.length === 0 || states.includes(state))
        .sort((a, b) => (a.group < b.group ? -1 : 1)),
    describe: async (group) => {
      const entry = groups.get(group);
      if (entry === undefined) throw noSuchGroup(group);
      return described(group, entry);
    },
    fetch: async (group) => {
      const found: CommittedOffset[] = [];
      // One that was made again under its name has other records at its offsets.
      for (const partitions of groups.get(group)?.offsets.values() ?? [])
        for (const record of partitions.values())
          if ((await core.topicOf(record.topicId))?.name === record.topic) found.push(record);
      return found;
    },
  };
}

/** Of each partition of the groups' topic; none where no group was ever kept. */
async function storedEntries(core: LogCore): Promise<GroupEntries[]> {
  const topic = await core.topic(GROUP_TOPIC).catch((error: unknown) => {
    if (!noSuchTopic.is(error)) throw error;
  });
  const all = Array.from({ length: topic?.partitions ?? 0 }, () => new GroupEntries());
  if (topic !== undefined)
    await Promise.all(all.map((entries, number) => followState(core, topic, number, GROUP_FORMAT, entries)));
  return all;
}

/** A generation is kept when its members have been assigned what they read. */
function described(group: string, { record }: GroupEntry): GroupDescription {
  const members = record?.members ?? [];
  const isStable = members.length > 0;
  return {
    group,
    state: isStable ? "Stable" : "Empty",
    generation: record?.generation ?? 0,
    protocolType: record?.protocolType ?? "",
    protocol: isStable ? (record?.protocol ?? "") : "",
    members: members.map((member) => ({
      ...identityOf(member),
      metadata: member.metadata,
      assignment: member.assignment,
    })),
  };
}

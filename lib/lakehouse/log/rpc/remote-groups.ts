import type { CommittedOffset } from "../groups/group-records.js";
import type { GroupDescription } from "../groups/group-types.js";
import type { GroupFilter } from "../groups/groups.js";
import type { GroupDetails, ResetGroupOptions } from "../groups/log-groups.js";
import { detailsOf, groupOf } from "./group-messages.js";
import { checkNumber, readFromMessage } from "./messages.js";
import type { Remote } from "./remote-log.js";

/** The groups that read a log which another process serves: as `LogGroups`, which says more. */
export class RemoteGroups {
  readonly #remote: Remote;

  /** @internal */
  constructor(remote: Remote) {
    this.#remote = remote;
  }

  /** By name. @param filter `states`: only groups in one of them. */
  async list({ states = [] }: GroupFilter = {}): Promise<GroupDescription[]> {
    const { groups } = await this.#remote.callAny(() =>
      this.#remote.admin.listGroups({ states: [...states] }),
    );
    return groups.map(groupOf);
  }

  /** A group with its members, and how far it is. @throws LakehouseError GROUP_ID_NOT_FOUND */
  async describe(group: string): Promise<GroupDetails> {
    return detailsOf(await this.#remote.callAny(() => this.#remote.admin.describeGroup({ group })));
  }

  /** With its offsets. @throws LakehouseError GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP */
  async delete(group: string): Promise<void> {
    await this.#remote.callAny(() => this.#remote.admin.deleteGroup({ group }));
  }

  /** Lets a group go on elsewhere. @throws LakehouseError as `LogGroups.reset` */
  async reset(
    group: string,
    { topic, to, partition, dryRun = false }: ResetGroupOptions,
  ): Promise<CommittedOffset[]> {
    checkNumber(partition);
    const request = { group, topic, to: readFromMessage(to), partition, dryRun };
    const { offsets } = await this.#remote.callAny(() => this.#remote.admin.resetGroup(request));
    return offsets.map(({ topic, partition, offset }) => ({
      ...{ topic, partition, offset, leaderEpoch: -1, metadata: "" },
    }));
  }
}

import { Group } from "../../../lib/lakehouse/log/groups/group.js";
import type { GroupRecord } from "../../../lib/lakehouse/log/groups/group-records.js";
import type {
  GroupConfig,
  Joined,
  JoinRequest,
  Synced,
} from "../../../lib/lakehouse/log/groups/group-types.js";
import { World } from "../support/world.js";

export const CONFIG: GroupConfig = {
  minSessionTimeoutMs: 1_000,
  maxSessionTimeoutMs: 60_000,
  initialRebalanceDelayMs: 100,
  maxSize: 3,
};

/** A group whose clock stands still until it is told, and what was saved of it. */
export class Room {
  readonly world = new World(1);
  readonly saved: GroupRecord[] = [];
  /** Thrown by the next saving. */
  failure: Error | undefined;
  readonly group: Group;
  #ids = 0;

  constructor(config: Partial<GroupConfig> = {}, record?: GroupRecord) {
    const parts = {
      clock: this.world.clock,
      config: { ...CONFIG, ...config },
      newId: () => String(++this.#ids),
      onRebalance: () => {},
      save: async (saved: GroupRecord) => {
        const { failure } = this;
        this.failure = undefined;
        if (failure !== undefined) throw failure;
        this.saved.push(structuredClone(saved));
      },
    };
    this.group = new Group("readers", parts, record);
  }

  /** Lets so much time pass, and all be done that is due by then. */
  async pass(ms: number): Promise<void> {
    let isOver = false;
    this.world.clock.after(ms + 1, () => {
      isOver = true;
    });
    while (!isOver) await this.world.step();
    await this.quiet();
  }

  /** Lets what is due now be done. */
  async quiet(): Promise<void> {
    for (let i = 0; i < 20; i++) await Promise.resolve();
  }

  join(request: Partial<JoinRequest> = {}): Promise<Joined> {
    return noted(
      this.group.join({
        memberId: "",
        clientId: "c",
        clientHost: "/127.0.0.1",
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 20_000,
        protocolType: "consumer",
        protocols: [{ name: "range", metadata: Buffer.from("m") }],
        needsMemberId: false,
        maySkipAssignment: false,
        ...request,
      }),
    );
  }

  /** The leader gives each what is named as it. */
  sync({ memberId, generation, members }: Joined, assigned: Record<string, string> = {}): Promise<Synced> {
    const assignments = members.map(({ memberId }) => ({
      memberId,
      assignment: Buffer.from(assigned[memberId] ?? memberId),
    }));
    return noted(this.group.sync({ memberId, generation, assignments }));
  }

  /** So many have joined and have their assignments, the leader first. */
  async stable(count: number, request: Partial<JoinRequest> = {}): Promise<Joined[]> {
    const joining = Array.from({ length: count }, () => this.join(request));
    await this.pass(300);
    const joined = await Promise.all(joining);
    await Promise.all(joined.map((one) => this.sync(one)));
    return joined;
  }
}

/** A failure that is looked at later is no unhandled one. */
function noted<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

export const code = (name: string) => ({ code: name });

import { invalidArgument } from "../../errors.js";
import { checkOptions, checkText, type OptionNames } from "../../options.js";
import type { Isolation } from "../partition/partition.js";
import { ASSIGNORS, type AssignorName } from "./assignors.js";

/** How topics are read as a member of a group. */
export interface ConsumeOptions {
  /** The readers of a group share the topics' partitions: each is read by one of them. */
  readonly group: string;
  /** Where the group begins with a partition that it has not read yet: `beginning` where not given. */
  readonly from?: "beginning" | "end" | undefined;
  /**
   * `auto` (the default): a batch is done when the next one is asked for, and is committed soon after. `manual`: when its
   * `commit` is called.
   */
  readonly commit?: "auto" | "manual" | undefined;
  /** How often it is committed by itself, in milliseconds; 1,000 where not given. */
  readonly commitEveryMs?: number | undefined;
  /**
   * How partitions are shared out: `range` where not given; with `sticky`, readers keep what they have where they can, and
   * with `cooperative-sticky`, they read it on while the group rebalances. All readers of a group have the same.
   */
  readonly assignor?: AssignorName | undefined;
  /** Of a reader that comes back, after a restart say: within its session it gets the partitions that it had. */
  readonly instanceId?: string | undefined;
  /** How long the group waits for a reader that is silent, in milliseconds; 45,000 where not given. */
  readonly sessionTimeoutMs?: number | undefined;
  /** How long a batch may take while the group is rebalancing, in milliseconds; 300,000 where not given. */
  readonly rebalanceTimeoutMs?: number | undefined;
  /** As in `topic.read`. */
  readonly isolation?: Isolation | undefined;
  /** Ends the reading. */
  readonly signal?: AbortSignal | undefined;
}

const OPTIONS: OptionNames<ConsumeOptions> = {
  group: true,
  from: true,
  commit: true,
  commitEveryMs: true,
  assignor: true,
  instanceId: true,
  sessionTimeoutMs: true,
  rebalanceTimeoutMs: true,
  isolation: true,
  signal: true,
};
const CHOICES: { readonly [Name in "from" | "commit" | "assignor"]: readonly string[] } = {
  from: ["beginning", "end"],
  commit: ["auto", "manual"],
  assignor: Object.keys(ASSIGNORS),
};

/** Types do not hold in plain JavaScript. @throws LakehouseError INVALID_ARGUMENT */
export function checkConsume(topics: readonly string[], options: ConsumeOptions): void {
  checkOptions("consume", options, OPTIONS);
  checkText("consume", "group", options.group);
  if (!Array.isArray(topics) || topics.length === 0)
    throw invalidArgument("topics", "A group reads at least one topic.", "Give a list of topics' names.");
  for (const [name, choices] of Object.entries(CHOICES)) {
    const value = options[name as keyof typeof CHOICES];
    if (value !== undefined && !choices.includes(value))
      throw invalidArgument(
        name,
        `A group cannot be read with ${name} ${JSON.stringify(value)}.`,
        `Give one of ${choices.map((choice) => JSON.stringify(choice)).join(", ")}.`,
      );
  }
  for (const name of ["commitEveryMs", "sessionTimeoutMs", "rebalanceTimeoutMs"] as const) {
    const value = options[name];
    if (value !== undefined && !(Number.isInteger(value) && value >= 0 && value < 2 ** 31))
      throw invalidArgument(name, `${name} cannot be ${String(value)}.`, "Give whole milliseconds.");
  }
}

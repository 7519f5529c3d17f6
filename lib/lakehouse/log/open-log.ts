import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Catalog } from "../catalog/index.js";
import type { Closing } from "../closing.js";
import type { Profile } from "../profile.js";
import type { ObjectStore } from "../storage/index.js";
import { LogCore } from "./core.js";
import { Log } from "./log.js";

/** What the log needs of an open lakehouse. */
export interface LogContext {
  readonly profile: Profile;
  readonly store: ObjectStore;
  /** Where the tables of topics are. */
  readonly catalog: Catalog;
  readonly closing: Closing;
}

/** A lakehouse and its views have one log. */
const cores = new WeakMap<Closing, LogCore>();

/** The log of a lakehouse, opened when it is first asked for. */
export function logCoreOf({ profile, store, closing }: Omit<LogContext, "catalog">): LogCore {
  const known = cores.get(closing);
  if (known !== undefined) return known;
  const core = closing.open(
    () => new LogCore({ store, folder: join(profile.root, "log"), meta: profile.log }),
    (opened) => opened.close(),
  );
  cores.set(closing, core);
  return core;
}

/** The log of a lakehouse, where it is open. */
export function openedLogCore({ closing }: Pick<LogContext, "closing">): LogCore | undefined {
  return cores.get(closing);
}

/** What the log says of itself: who serves it, and how much of it is led. It makes none where there is none. */
export async function probeLog(context: Omit<LogContext, "catalog">): Promise<string> {
  if (!context.profile.log.startsWith("etcd:") && !existsSync(join(context.profile.root, "log")))
    return "not used yet";
  const core = logCoreOf(context);
  const cluster = await core.cluster();
  const topics = await core.topics({ internal: cluster.isShared });
  if (!cluster.isShared) return `${topics.length} topics`;
  let partitions = 0;
  let led = 0;
  for (const topic of topics)
    for (let number = 0; number < topic.partitions; number++) {
      partitions++;
      if (cluster.leader(topic.id, number) !== undefined) led++;
    }
  return `${cluster.brokers().length} servers lead ${led} of ${partitions} partitions`;
}

/** The log of an open lakehouse, as its users see it. */
export function openLog(context: LogContext): Log {
  return new Log({ core: logCoreOf(context), catalog: context.catalog });
}

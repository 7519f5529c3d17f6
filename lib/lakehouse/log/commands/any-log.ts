/** Where a command finds its log: a server that is named, one that runs on this lakehouse here, or the lakehouse itself. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import type { WithLake } from "../../room.js";
import type { Log } from "../log.js";
import { type LogContext, openLog } from "../open-log.js";
import type { RemoteLog } from "../rpc/remote-log.js";

/** What a command can do is the same here and afar. */
export type AnyLog = Log | RemoteLog;

export interface LogFlags {
  readonly server?: string;
  readonly json?: true;
}

/** Opens a log for a command, and closes it whatever happens. */
export type WithLog = (flags: LogFlags, work: (log: AnyLog) => Promise<void>) => Promise<void>;

/** What `streamctl serve` leaves in the log's folder while it runs. */
export interface ServerFile {
  readonly url: string;
  /** Of the run: another server may have its port by now. */
  readonly id: string;
}

const ANSWER_MS = 3000;

export function serverFile(folder: string): string {
  return join(folder, "server.json");
}

/** The options that all commands have which speak to a log. */
export function logOptions(command: Command): Command {
  return command
    .option("--server <url>", "ask this server, as streamctl serve says where it is")
    .option("--json", "print the result as JSON");
}

export function withLogOf(withLake: WithLake<LogContext>): WithLog {
  return async ({ server }, work) => {
    if (server !== undefined) return withRemote(server, work);
    await withLake(async (context) => {
      const remote = await findServer(join(context.profile.root, "log"));
      if (remote !== undefined) return closing(remote, work);
      await closing(openLog(context), work);
    });
  };
}

async function withRemote(url: string, work: (log: AnyLog) => Promise<void>): Promise<void> {
  const { connectLog } = await import("../rpc/connect-log.js");
  await closing(await connectLog(url), work);
}

async function closing<Opened extends AnyLog>(
  log: Opened,
  work: (log: Opened) => Promise<void>,
): Promise<void> {
  try {
    await work(log);
  } finally {
    await log.close();
  }
}

/** The server that writes this log, where one runs. One that was killed has left its file. */
async function findServer(folder: string): Promise<RemoteLog | undefined> {
  const text = await readFile(serverFile(folder), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const { connectLog } = await import("../rpc/connect-log.js");
  try {
    const { url, id } = JSON.parse(text) as ServerFile;
    // The first call is to be answered soon; what comes then may take its time.
    const probe = await connectLog(url, { timeoutMs: ANSWER_MS });
    await probe.close();
    return probe.serverId === id ? await connectLog(url) : undefined;
  } catch {
    return undefined;
  }
}

/** Where a command finds its log: a server that is named, one that runs on this lakehouse here, or the lakehouse itself. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import type { WithLake } from "../../room.js";
import { logUnavailable } from "../errors.js";
import type { Log } from "../log.js";
import { type LogContext, openLog } from "../open-log.js";
import type { ConnectLogOptions } from "../rpc/connect-log.js";
import type { RemoteLog } from "../rpc/remote-log.js";
import { type CredentialFlags, connectOptions } from "./tls.js";

/** What a command can do is the same here and afar. */
export type AnyLog = Log | RemoteLog;

export interface LogFlags extends CredentialFlags {
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
  /** What it shows, as PEM, where it speaks TLS: who has this file need not ask who vouches for it, and for which name. */
  readonly certificate?: string | undefined;
}

const ANSWER_MS = 3000;

export function serverFile(folder: string): string {
  return join(folder, "server.json");
}

/** The options that all commands have which speak to a log. */
export function logOptions(command: Command): Command {
  return command
    .option(
      "--server <urls>",
      "ask this server, as streamctl serve says where it is; of several that share a log, the others too, with commas",
    )
    .option("--user <name>", "who you are, where the log has users")
    .option(
      "--password-file <file>",
      "file whose first line is the password; without it, STREAMCTL_PASSWORD counts",
    )
    .option("--token-file <file>", "file whose first line is a token that names you, in place of a password")
    .option("--ca <file>", "certificates of who vouches for the server's, as PEM")
    .option("--client-cert <file>", "certificate of yours that names you, as PEM, in place of a password")
    .option("--client-key <file>", "its key")
    .option("--json", "print the result as JSON");
}

export function withLogOf(withLake: WithLake<LogContext>): WithLog {
  return async ({ server, ...flags }, work) => {
    const options = await connectOptions(flags);
    if (server !== undefined) return withRemote(server, options, work);
    await withLake(async (context) => {
      const remote = await findServer(join(context.profile.root, "log"), options);
      if (remote !== undefined) return closing(remote, work);
      await closing(openLog(context), work);
    });
  };
}

async function withRemote(
  urls: string,
  options: ConnectLogOptions,
  work: (log: AnyLog) => Promise<void>,
): Promise<void> {
  const { connectLog } = await import("../rpc/connect-log.js");
  const all = urls.split(",").map((url) => url.trim());
  await closing(await connectLog(all, options), work);
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

/**
 * The server that writes this log, where one runs. One that was killed has left its file.
 *
 * @throws LakehouseError LOG_UNAVAILABLE where one may run that does not answer: without it, what is not in the object
 *   store yet would be missing.
 */
async function findServer(folder: string, options: ConnectLogOptions): Promise<RemoteLog | undefined> {
  const file = serverFile(folder);
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const [{ openRemoteLog }, { isTimedOut }] = await Promise.all([
    import("../rpc/remote-log.js"),
    import("../rpc/status.js"),
  ]);
  let found: ServerFile;
  try {
    found = JSON.parse(text) as ServerFile;
    // The first call is to be answered soon; what comes then may take its time. Somebody else may have the port by now:
    // what proves who we are is for whom we know.
    const asked = { ...options, credentials: undefined, timeoutMs: ANSWER_MS };
    const probe = await openRemoteLog(found.url, asked, found.certificate);
    await probe.close();
    if (probe.serverId !== found.id) return undefined;
  } catch (error) {
    if (isTimedOut(error))
      throw logUnavailable(
        file,
        `The server that runs on this log, by ${file}, has not answered within ${ANSWER_MS / 1000} seconds.`,
        "Try again; where it does not run any more, delete that file.",
        error,
      );
    return undefined;
  }
  return openRemoteLog(found.url, options, found.certificate);
}

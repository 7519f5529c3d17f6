import type { JupyterModule } from "./jupyter-cells.js";

/** The content of a request for what has been run ("Messaging in Jupyter", History). */
export interface HistoryRequest {
  readonly hist_access_type?: "range" | "tail" | "search";
  /** Of `range`: counted from this one on, and up to the one before `stop`. */
  readonly start?: number;
  readonly stop?: number | null;
  /** Of `range`: 0 is this session, and below it are those before. */
  readonly session?: number;
  /** Of `tail` and `search`: the last so many. */
  readonly n?: number;
  /** Of `search`: with `*` and `?`, as file names have them. */
  readonly pattern?: string;
  readonly unique?: boolean;
  /** Whether each entry has its output, too. */
  readonly output?: boolean;
}

/** A cell that has run: its number, and its code. */
export type Ran = readonly [count: number, code: string];

/** The one session that this kernel knows. */
const SESSION = 1;

/**
 * What has been run in this kernel, of what is asked for. What cells have put out is not kept, and sessions before this one are not
 * known: there are none of either.
 */
export function historyOf(ran: readonly Ran[], request: HistoryRequest): object[] {
  const { hist_access_type: access, output = false } = request;
  const found = access === "range" ? inRange(ran, request) : lastOf(ran, request);
  return found.map(([count, code]) => [SESSION, count, output ? [code, null] : code]);
}

function inRange(ran: readonly Ran[], { session = 0, start = 0, stop }: HistoryRequest): readonly Ran[] {
  if (session !== 0 && session !== SESSION) return [];
  return ran.filter(([count]) => count >= start && count < (stop ?? Number.POSITIVE_INFINITY));
}

function lastOf(ran: readonly Ran[], request: HistoryRequest): readonly Ran[] {
  const { hist_access_type: access, n = ran.length, pattern = "*", unique = false } = request;
  const matches = globOf(pattern);
  let found = access === "search" ? ran.filter(([, code]) => matches.test(code)) : ran;
  // Of the same code, the last one stays.
  if (unique) found = [...new Map(found.map((one) => [one[1], one])).values()];
  return n > 0 ? found.slice(-n) : [];
}

function globOf(pattern: string): RegExp {
  const signs = [...pattern].map((sign) =>
    sign === "*" ? "[^]*" : sign === "?" ? "[^]" : sign.replace(/[\\^$.|+()[\]{}]/, "\\$&"),
  );
  return new RegExp(`^${signs.join("")}$`);
}

/** Ends tslab's handling of a request that has been answered. */
const ANSWERED = new Error("answered");

/** tslab does not know the request, and would only say so on stderr, among what a running cell prints. */
export function answerHistory({ ZmqServer }: JupyterModule, ran: readonly Ran[]): void {
  const server = ZmqServer.prototype;
  const { handleShellMessage, publishStatus } = server;
  server.publishStatus = function (status, message) {
    publishStatus.call(this, status, message);
    if (message.header.msg_type !== "history_request" || status !== "busy") return;
    const reply = message.createReply();
    reply.header.msg_type = "history_reply";
    reply.content = { status: "ok", history: historyOf(ran, message.content) };
    reply.signAndSend(this.connInfo.key, this.shell);
    publishStatus.call(this, "idle", message);
    throw ANSWERED;
  };
  server.handleShellMessage = async function (socket, ...frames) {
    try {
      await handleShellMessage.call(this, socket, ...frames);
    } catch (error) {
      if (error !== ANSWERED) throw error;
    }
  };
}

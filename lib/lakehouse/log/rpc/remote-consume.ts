import type { MessageInitShape } from "@bufbuild/protobuf";
import { type ConsumeOptions, checkConsume } from "../groups/consume-options.js";
import type { GroupBatch, SendIn } from "../groups/group-reader.js";
import { systemClock } from "../partition/clock.js";
import type { LogRecord } from "../records/read-records.js";
import type { TransactionOwner } from "../transaction-types.js";
import { KeyedLock } from "../transactions/keyed-lock.js";
import type {
  ConsumeRequestSchema,
  ConsumeResponse,
  ConsumeStartSchema,
} from "./generated/sololakehouse/log/v1/consumer_pb.js";
import { batchOf, ISOLATIONS } from "./messages.js";
import type { Remote } from "./remote-log.js";
import { failureOf, fromStatus } from "./status.js";
import { transactionMessage } from "./transaction-messages.js";

type Request = MessageInitShape<typeof ConsumeRequestSchema>;

/** As `Log.consume`: the server is the member of the group, for as long as the reading goes on. */
export async function* remoteConsume(
  remote: Remote,
  topics: readonly string[],
  options: ConsumeOptions,
): AsyncGenerator<GroupBatch> {
  checkConsume(topics, options);
  const { signal, isolation = "read_uncommitted", from, commit = "auto", ...rest } = options;
  const start = {
    ...{ ...rest, topics: [...topics], fromEnd: from === "end", manual: commit === "manual" },
    isolation: ISOLATIONS[isolation],
  };
  for (let since = systemClock.now(); ; )
    try {
      for await (const batch of consumeAt(remote, start, signal)) {
        yield batch;
        since = systemClock.now();
      }
      return;
    } catch (error) {
      // Behind what the group has committed, it goes on at the server that coordinates it now.
      if (signal?.aborted || !(await remote.next(error, since))) throw error;
    }
}

/** At one server, as long as that lasts. */
async function* consumeAt(
  remote: Remote,
  start: MessageInitShape<typeof ConsumeStartSchema>,
  signal: AbortSignal | undefined,
): AsyncGenerator<GroupBatch> {
  const stream = new ConsumeStream(remote, start.group ?? "");
  const end = () => stream.end();
  signal?.addEventListener("abort", end);
  stream.send({ request: { case: "start", value: start } });
  if (signal?.aborted) end();
  try {
    for (;;) {
      stream.send({ request: { case: "next", value: true } });
      // What fails lets another server be asked next.
      const batch = await remote.call(() => stream.batch());
      if (batch === undefined) return;
      yield batch;
    }
  } finally {
    signal?.removeEventListener("abort", end);
    end();
    // The group has let it go when the server has ended the answers.
    await stream.ended;
  }
}

/** The requests of one reader, and what the server answers. */
class ConsumeStream {
  /** When the answers have ended, however they did. */
  readonly ended: Promise<void>;
  readonly #remote: Remote;
  readonly #url: string;
  readonly #group: string;
  readonly #requests: Request[] = [];
  #isEnded = false;
  #wake = () => {};
  /** The batch that was asked for. */
  #asked: Deferred<GroupBatch | undefined> | undefined;
  readonly #commits = new Map<bigint, Deferred<boolean>>();
  /** Of what is sent in transactions, one after the other. */
  readonly #sends = new Map<bigint, Deferred<boolean>>();
  readonly #lock = new KeyedLock();
  #records: LogRecord[] = [];
  #outcome: { readonly error?: unknown } | undefined;

  constructor(remote: Remote, group: string) {
    this.#remote = remote;
    this.#url = remote.url;
    this.#group = group;
    this.ended = this.#listen(remote.consumer.consume(this.#send(), { timeoutMs: 0 }));
  }

  send(request: Request): void {
    this.#requests.push(request);
    this.#wake();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** The next, whole; `undefined` at the end. */
  batch(): Promise<GroupBatch | undefined> {
    this.#asked = deferred();
    if (this.#outcome !== undefined) this.#over(this.#outcome);
    return this.#asked.promise;
  }

  async *#send(): AsyncGenerator<Request> {
    for (;;) {
      for (let next = this.#requests.shift(); next !== undefined; next = this.#requests.shift()) yield next;
      if (this.#isEnded) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async #listen(answers: AsyncIterable<ConsumeResponse>): Promise<void> {
    try {
      for await (const { response } of answers) {
        if (response.case === "batch") this.#take(response.value);
        else if (response.case === "committed") {
          const { commitId, isDone } = response.value;
          this.#commits.get(commitId)?.resolve(isDone);
          this.#commits.delete(commitId);
        } else if (response.case === "sent") {
          const { commitId, isDone, failure } = response.value;
          if (failure === undefined) this.#sends.get(commitId)?.resolve(isDone);
          else this.#sends.get(commitId)?.reject(failureOf(failure));
          this.#sends.delete(commitId);
        }
      }
      this.#over({});
    } catch (error) {
      this.#over({ error: fromStatus(error, this.#url) });
    }
  }

  #take({ topic, batch, commitId }: Extract<ConsumeResponse["response"], { case: "batch" }>["value"]): void {
    if (batch === undefined) return;
    const piece = batchOf(batch);
    this.#records.push(...piece.records);
    if (commitId === 0n) return;
    const records = this.#records;
    this.#records = [];
    const { connection } = this.#remote;
    const send: SendIn["send"] = (owner) =>
      this.#lock.run(String(commitId), () => this.#sendIn(commitId, owner));
    this.#asked?.resolve({
      ...{ ...piece, topic, records, commit: () => this.#commit(commitId) },
      sendIn: { connection, group: this.#group, send },
    });
  }

  #commit(commitId: bigint): Promise<boolean> {
    // Where it has left, the next reader gets the batch again.
    if (this.#outcome !== undefined) return Promise.resolve(false);
    const committed = deferred<boolean>();
    this.#commits.set(commitId, committed);
    this.send({ request: { case: "commit", value: commitId } });
    return committed.promise;
  }

  #sendIn(commitId: bigint, owner: TransactionOwner): Promise<boolean> {
    if (this.#outcome !== undefined) return Promise.resolve(false);
    const sent = deferred<boolean>();
    this.#sends.set(commitId, sent);
    this.send({
      request: { case: "send", value: { commitId, transaction: transactionMessage(owner) } },
    });
    return sent.promise;
  }

  #over(outcome: { readonly error?: unknown }): void {
    this.#outcome = outcome;
    this.end();
    for (const answers of [this.#commits, this.#sends]) {
      for (const { resolve } of answers.values()) resolve(false);
      answers.clear();
    }
    if ("error" in outcome) this.#asked?.reject(outcome.error);
    else this.#asked?.resolve(undefined);
  }
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((resolvePromise, rejectPromise) => {
    resolve = resolvePromise;
    reject = rejectPromise;
  });
  return { promise, resolve, reject };
}

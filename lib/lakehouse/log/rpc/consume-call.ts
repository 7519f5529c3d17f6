/** A reader of a group, whose client is elsewhere: it asks for batches and commits them by requests of one stream. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { invalidArgument } from "../../errors.js";
import type { LogCore } from "../core.js";
import type { ConsumeOptions } from "../groups/consume-options.js";
import { consume, type GroupBatch } from "../groups/group-reader.js";
import { Topic } from "../topic.js";
import type {
  ConsumeRequest,
  ConsumeResponseSchema,
  ConsumeStart,
  SendBatch,
} from "./generated/sololakehouse/log/v1/consumer_pb.js";
import { batchMessages, isolationOf } from "./messages.js";
import { failureMessage } from "./status.js";
import { ownerOf } from "./transaction-messages.js";

type Response = MessageInitShape<typeof ConsumeResponseSchema>;

/** Batches that can still be committed. Of more, the oldest cannot: a later one of its partition can. */
const MOST_UNCOMMITTED = 1000;
/** Batches that may be asked for ahead; who asks for more is not listened to until some have come. */
const MOST_ASKED = 1000;

export async function* consumeCall(
  core: LogCore,
  requests: AsyncIterable<ConsumeRequest>,
  signal: AbortSignal,
): AsyncGenerator<Response> {
  const source = requests[Symbol.asyncIterator]();
  const { value: first } = await source.next();
  if (first?.request.case !== "start")
    throw invalidArgument(
      "consume",
      "The first request does not say what is to be read.",
      "Send start first.",
    );
  const { topics } = first.request.value;
  const groups = await core.groups();
  const parts = { clock: core.clock, groups, topic: (name: string) => new Topic(name, core) };
  const leaving = new AbortController();
  const leave = () => leaving.abort();
  signal.addEventListener("abort", leave);
  if (signal.aborted) leave();
  try {
    const batches = consume(parts, topics, optionsOf(first.request.value, leaving.signal));
    yield* new ConsumeCall(core, batches, leave).answers(source);
    // It was not the client's wish, and must not look like it.
    if (signal.aborted) throw signal.reason;
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

function optionsOf(start: ConsumeStart, signal: AbortSignal): ConsumeOptions {
  const { group, fromEnd, isolation, manual, instanceId, assignor } = start;
  const { sessionTimeoutMs, rebalanceTimeoutMs, commitEveryMs } = start;
  return {
    ...{ group, instanceId, sessionTimeoutMs, rebalanceTimeoutMs, commitEveryMs, signal },
    from: fromEnd ? "end" : "beginning",
    commit: manual ? "manual" : "auto",
    isolation: isolationOf(isolation),
    // One that there is not is refused there.
    assignor: assignor as ConsumeOptions["assignor"],
  };
}

class ConsumeCall {
  readonly #core: LogCore;
  readonly #batches: AsyncGenerator<GroupBatch>;
  readonly #leave: () => void;
  readonly #uncommitted = new Map<bigint, GroupBatch>();
  #lastId = 0n;
  /** What waits to be sent; the batches are asked for one by one. */
  readonly #queue: Response[] = [];
  #wake = () => {};
  #failure: { readonly error: unknown } | undefined;
  #isOver = false;
  #reading = Promise.resolve();
  #asked = 0;
  /** Who asks for much and takes nothing is not read for: called when what waited is taken, or the call has ended. */
  #taken = () => {};
  #hasEnded = false;

  constructor(core: LogCore, batches: AsyncGenerator<GroupBatch>, leave: () => void) {
    this.#core = core;
    this.#batches = batches;
    this.#leave = leave;
  }

  async *answers(requests: AsyncIterator<ConsumeRequest>): AsyncGenerator<Response> {
    this.#listen(requests).catch((error: unknown) => this.#fail(error));
    try {
      for (;;) {
        for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) yield next;
        this.#taken();
        if (this.#failure !== undefined) throw this.#failure.error;
        if (this.#isOver) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      this.#hasEnded = true;
      this.#taken();
      this.#leave();
      await this.#batches.return(undefined);
    }
  }

  /** A commit does not wait for the batch that was asked for before it. */
  async #listen(requests: AsyncIterator<ConsumeRequest>): Promise<void> {
    for (;;) {
      const { done, value } = await requests.next();
      if (done) {
        this.#leave();
        await this.#reading;
        // A reader that has asked for nothing has not begun.
        this.#isOver = true;
        this.#wake();
        return;
      }
      const { request } = value as ConsumeRequest;
      if (request.case === "next") {
        this.#asked++;
        this.#reading = this.#reading.then(() => this.#read());
        if (this.#asked >= MOST_ASKED) await this.#reading;
      } else if (request.case === "commit") await this.#commit(request.value);
      else if (request.case === "send") await this.#sendIn(request.value);
      else
        throw invalidArgument(
          "consume",
          "It has been said already what is to be read.",
          "Send next, commit or send.",
        );
    }
  }

  async #read(): Promise<void> {
    try {
      while (this.#queue.length > 0 && !this.#hasEnded)
        await new Promise<void>((resolve) => {
          this.#taken = resolve;
        });
      this.#asked--;
      const { done, value: batch } = await this.#batches.next();
      if (done) this.#isOver = true;
      else this.#send(batch);
      this.#wake();
    } catch (error) {
      this.#fail(error);
    }
  }

  #send(batch: GroupBatch): void {
    const id = ++this.#lastId;
    this.#uncommitted.set(id, batch);
    this.#uncommitted.delete(id - BigInt(MOST_UNCOMMITTED));
    const messages = [...batchMessages(batch)];
    for (const [at, message] of messages.entries()) {
      const commitId = at === messages.length - 1 ? id : 0n;
      this.#queue.push({
        response: { case: "batch", value: { topic: batch.topic, batch: message, commitId } },
      });
    }
  }

  async #commit(commitId: bigint): Promise<void> {
    const batch = this.#batchOf(commitId);
    this.#uncommitted.delete(commitId);
    this.#queue.push({ response: { case: "committed", value: { commitId, isDone: await batch.commit() } } });
    this.#wake();
  }

  /** It may be sent again, in another transaction, where this one is aborted. */
  async #sendIn({ commitId, transaction }: SendBatch): Promise<void> {
    const { commitAs } = this.#batchOf(commitId);
    try {
      const owner = ownerOf(transaction);
      const groups = await this.#core.groups();
      const sent = await commitAs?.((offset, group, by) =>
        groups.hold(group, owner, [offset], by, () => this.#core.checkOffsets(owner, group)),
      );
      const isDone = sent === true;
      this.#queue.push({ response: { case: "sent", value: { commitId, isDone } } });
    } catch (error) {
      this.#queue.push({ response: { case: "sent", value: { commitId, failure: failureMessage(error) } } });
    }
    this.#wake();
  }

  #batchOf(commitId: bigint): GroupBatch {
    const batch = this.#uncommitted.get(commitId);
    if (batch !== undefined) return batch;
    throw invalidArgument(
      String(commitId),
      `There is no batch ${commitId} that could be committed.`,
      "Commit one of the last, once.",
    );
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }
}

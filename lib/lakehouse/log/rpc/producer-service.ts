import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import type { LogCore } from "../core.js";
import { TRANSACTION_TIMEOUT_MS } from "../producer.js";
import { Topic } from "../topic.js";
import { appendOnce } from "./append-once.js";
import { type Calls, unlessAborted } from "./calls.js";
import type {
  AppendRequest,
  AppendResponseSchema,
  ProducerService,
} from "./generated/sololakehouse/log/v1/producer_pb.js";
import { ackOf, newRecordOf } from "./messages.js";

/** Requests of one stream that are under way at once, at most: a client that sends more waits. */
const MOST_UNDER_WAY = 256;
/** And their records, in bytes of the messages. */
const MOST_BYTES = 32 * 1024 * 1024;

type Answer = MessageInitShape<typeof AppendResponseSchema>;

export function producerService(core: LogCore, calls: Calls): ServiceImpl<typeof ProducerService> {
  const append = async (request: AppendRequest): Promise<Answer> => {
    const { topic, records, ack, partition, producer } = request;
    if (producer !== undefined) return { appended: await appendOnce(core, request, producer) };
    const options = { ack: ackOf(ack), partition };
    return { appended: await new Topic(topic, core).append(records.map(newRecordOf), options) };
  };
  return {
    initProducer: async ({ transactionalId, transactionTimeoutMs: timeoutMs, current }) => {
      const coordinator = await core.transactions();
      const { producerId, epoch } = await coordinator.initProducerId({
        transactionalId,
        timeoutMs: timeoutMs ?? TRANSACTION_TIMEOUT_MS,
        current: current && { producerId: current.id, epoch: current.epoch },
      });
      return { id: producerId, epoch };
    },

    append: (request, { signal }) => unlessAborted(signal, append(request)),

    async *appendStream(requests, { signal }) {
      const call = calls.begin(signal);
      try {
        yield* inOrder(requests, append, call.signal);
      } finally {
        call.end();
      }
    },

    async appendAll(requests, { signal }) {
      const call = calls.begin(signal);
      let records = 0n;
      const counted = async (request: AppendRequest) => {
        await append(request);
        return BigInt(request.records.length);
      };
      try {
        for await (const count of inOrder(requests, counted, call.signal)) records += count;
      } finally {
        call.end();
      }
      return { records };
    },
  };
}

/**
 * Begins the requests as they come, as many at once as may be, and gives their answers in their order. A flush of the
 * write-ahead log is then for many of them.
 */
async function* inOrder<T>(
  requests: AsyncIterable<AppendRequest>,
  begin: (request: AppendRequest) => Promise<T>,
  signal: AbortSignal,
): AsyncGenerator<T> {
  const source = requests[Symbol.asyncIterator]();
  const underWay: { readonly answer: Promise<T>; readonly bytes: number }[] = [];
  let bytes = 0;
  let next: Promise<IteratorResult<AppendRequest>> | undefined = source.next();
  while (next !== undefined || underWay.length > 0) {
    const first = underWay[0];
    const hasRoom = underWay.length < MOST_UNDER_WAY && bytes < MOST_BYTES;
    const asked = hasRoom ? next : undefined;
    // Who waits for the first answer leaves little behind at `next`: there are no more answers than may be under way.
    const isAnswer =
      asked === undefined ||
      (first !== undefined &&
        (await unlessAborted(
          signal,
          Promise.race([first.answer.then(() => true), asked.then(() => false)]),
        )));
    if (isAnswer && first !== undefined) {
      yield await unlessAborted(signal, first.answer);
      underWay.shift();
      bytes -= first.bytes;
      continue;
    }
    const { done, value } = await unlessAborted(signal, asked as Promise<IteratorResult<AppendRequest>>);
    if (done) {
      next = undefined;
      continue;
    }
    const answer = begin(value);
    // Heard when it is its turn; the stream may have ended by then.
    answer.catch(() => undefined);
    const size = sizeOf(value);
    underWay.push({ answer, bytes: size });
    bytes += size;
    next = source.next();
  }
}

function sizeOf({ records }: AppendRequest): number {
  return records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0);
}

import type { ServiceImpl } from "@connectrpc/connect";
import { invalidArgument } from "../../errors.js";
import type { LogCore } from "../core.js";
import { offsetOf, Topic } from "../topic.js";
import type { Calls } from "./calls.js";
import { consumeCall } from "./consume-call.js";
import type { ConsumerService } from "./generated/sololakehouse/log/v1/consumer_pb.js";
import { batchMessages, isolationOf, readFromOf } from "./messages.js";

const FETCH_BYTES = 1024 * 1024;
const LONGEST_WAIT_MS = 60_000;

export function consumerService(core: LogCore, calls: Calls): ServiceImpl<typeof ConsumerService> {
  return {
    async *read({ topic, from, partition, follow, isolation }, { signal: client }) {
      const { signal, end } = calls.begin(client);
      const options = {
        from: readFromOf(from),
        partition,
        follow,
        isolation: isolationOf(isolation),
        signal,
      };
      try {
        for await (const batch of new Topic(topic, core).read(options)) yield* batchMessages(batch);
        // It was not the end of the topic, and must not look like it.
        if (signal.aborted) throw signal.reason;
      } finally {
        end();
      }
    },

    async *consume(requests, { signal: client }) {
      const { signal, end } = calls.begin(client);
      try {
        yield* consumeCall(core, requests, signal);
      } finally {
        end();
      }
    },

    async fetch({ topic, partition, from, maxBytes, maxWaitMs, isolation }, { signal: client }) {
      checkBetween("max_bytes", maxBytes, 0, 2 ** 31 - 1);
      checkBetween("max_wait_ms", maxWaitMs, 0, LONGEST_WAIT_MS);
      const { reader } = await core.partition(topic, partition);
      const offset = await offsetOf(reader, readFromOf(from), await reader.offsets());
      const call = calls.begin(client);
      const signal = AbortSignal.any([call.signal, AbortSignal.timeout(maxWaitMs)]);
      const waiting = maxWaitMs > 0 ? { follow: true, signal } : { signal: call.signal };
      const options = { from: offset, partition, isolation: isolationOf(isolation), ...waiting };
      try {
        for await (const batch of new Topic(topic, core).read(options))
          for (const message of batchMessages(batch, maxBytes || FETCH_BYTES)) return message;
        if (call.signal.aborted) throw call.signal.reason;
        return { partition, highWatermark: (await reader.offsets()).end, nextOffset: offset };
      } finally {
        call.end();
      }
    },
  };
}

function checkBetween(name: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return;
  throw invalidArgument(name, `${name} cannot be ${value}.`, `Give a whole number from ${least} to ${most}.`);
}

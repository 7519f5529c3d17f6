import type { Appended } from "../partition/partition.js";
import type { OffsetsStanding, Standing } from "../transaction-types.js";
import type { Peer } from "./peer.js";
import type { PeerChannel } from "./peer-channel.js";

/** Who asks for less than an append asks again: it may be done by another by then. */
const TIMEOUT_MS = 5_000;
const APPEND_MS = 30_000;

/** Another server. */
export function remotePeer(channel: PeerChannel): Peer {
  const ask = async <Answer>(method: keyof Peer, parameters: object): Promise<Answer> => {
    const body = Buffer.from(JSON.stringify(parameters, withBigints));
    return JSON.parse((await channel.ask(`/${method}`, body, TIMEOUT_MS)).toString()) as Answer;
  };
  return {
    append: async ({ topicId, partition }, batch, ack) => {
      const place = new URLSearchParams({ topicId, partition: String(partition), ack });
      const answer = await channel.ask(`/append?${place}`, batch, APPEND_MS);
      const { baseOffset, lastOffset, logAppendTime } = JSON.parse(answer.toString()) as {
        readonly [Name in keyof Appended]: string;
      };
      return {
        baseOffset: BigInt(baseOffset),
        lastOffset: BigInt(lastOffset),
        ...(logAppendTime === undefined ? {} : { logAppendTime: BigInt(logAppendTime) }),
      };
    },
    standing: (producer, at) => ask<Standing>("standing", { producer, at }),
    checkOffsets: (owner, group) => ask<OffsetsStanding>("checkOffsets", { owner, group }),
    isEnding: (ending) => ask<boolean>("isEnding", { ending }),
    endAt: async (at, ending, coordinatorEpoch) => {
      await ask("endAt", { at, ending, coordinatorEpoch });
    },
    endOffsets: async (groups, ending, coordinatorEpoch) => {
      await ask("endOffsets", { groups, ending, coordinatorEpoch });
    },
    newProducerIds: async () => BigInt(await ask<string>("newProducerIds", {})),
  };
}

export function withBigints(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

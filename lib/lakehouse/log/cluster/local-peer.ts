import type { LogCore } from "../core.js";
import type { Ending } from "../transaction-types.js";
import type { Peer } from "./peer.js";

/** This server, as it answers others and itself. */
export function localPeer(core: LogCore): Peer {
  return {
    append: async ({ topicId, partition }, batch, ack) => {
      const topic = await core.knownTopic(topicId);
      await core.prepareAppend(topic, partition, batch);
      return (await core.internalPartition(topic, partition)).append(batch, ack);
    },
    standing: async (producer, at) => (await core.transactions()).standing(producer, at),
    checkOffsets: async (owner, group) => (await core.transactions()).checkOffsets(owner, group),
    isEnding: async (ending) => (await core.transactions()).isEnding(ending),
    endAt: async ({ topicId, partition }, ending, coordinatorEpoch) => {
      (await core.transactions()).checkCoordinator(ending.producerId, coordinatorEpoch);
      const topic = await core.knownTopic(topicId);
      await (await core.writing(topic, partition)).end(ending, () => isDecided(core, ending));
    },
    endOffsets: async (groups, ending, coordinatorEpoch) => {
      (await core.transactions()).checkCoordinator(ending.producerId, coordinatorEpoch);
      await (await core.groups()).end(groups, ending, () => isDecided(core, ending));
    },
    newProducerIds: async () => (await core.transactions()).newProducerIds(),
  };
}

/** Asks the coordinator, whichever server that is. */
async function isDecided(core: LogCore, ending: Ending): Promise<boolean> {
  const { topicId, partition } = (await core.transactions()).placeOfProducer(ending.producerId);
  return (await core.findPeer(topicId, partition)).isEnding(ending);
}

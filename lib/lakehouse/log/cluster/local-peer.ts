import type { LogCore } from "../core.js";
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
    endAt: async ({ topicId, partition }, { producerId, epoch, marker, ack }, coordinatorEpoch) => {
      (await core.transactions()).checkCoordinator(producerId, coordinatorEpoch);
      const topic = await core.knownTopic(topicId);
      await (await core.writing(topic, partition)).appendMarker(producerId, epoch, marker, ack);
    },
    endOffsets: async (groups, { producerId, epoch, marker, ack }, coordinatorEpoch) => {
      (await core.transactions()).checkCoordinator(producerId, coordinatorEpoch);
      await (await core.groups()).end(groups, producerId, epoch, marker === "commit", ack);
    },
    newProducerIds: async () => (await core.transactions()).newProducerIds(),
  };
}

import type { ServiceImpl } from "@connectrpc/connect";
import { invalidArgument } from "../../errors.js";
import { configOf } from "../config-text.js";
import type { GroupState } from "../groups/group-types.js";
import type { Log } from "../log.js";
import { Topic } from "../topic.js";
import type { AdminService } from "./generated/sololakehouse/log/v1/admin_pb.js";
import { groupMessage, lagMessage } from "./group-messages.js";
import { readFromOf, topicMessage } from "./messages.js";
import { newSchemaOf } from "./schema-messages.js";

const PAGE = 1000;

/** @param id of this run of the server. */
export function adminService(log: Log, id: string): ServiceImpl<typeof AdminService> {
  const { core, groups } = log;
  return {
    describeServer: () => ({ id }),

    createTopic: async ({ name, partitions, config, keepExisting, schema }) => {
      const topic = await log.createTopic(name, {
        ...configOf(config),
        partitions,
        ifExists: keepExisting ? "keep" : "fail",
        schema: schema && newSchemaOf(schema),
      });
      return topicMessage(await topic.describe());
    },

    listTopics: async () => ({ topics: (await core.topics()).map(topicMessage) }),

    describeTopic: async ({ name }) => ({
      topic: topicMessage(await core.topic(name)),
      offsets: await new Topic(name, core).offsets(),
    }),

    alterTopic: async ({ name, config, partitions }) => {
      let topic = await core.topic(name);
      if (Object.keys(config).length > 0) topic = await core.alterTopic(name, configOf(config));
      if (partitions !== undefined) topic = await core.addPartitions(name, partitions);
      return topicMessage(topic);
    },

    deleteTopic: async ({ name }) => {
      await core.deleteTopic(name);
      return {};
    },

    findOffsets: async ({ topic, from }) => ({
      offsets: await new Topic(topic, core).offsetsAt(readFromOf(from)),
    }),

    deleteRecords: async ({ topic, before: place, partition }) => {
      const before = readFromOf(place);
      // What is left out would be the beginning, and nothing be deleted.
      if (before === "beginning")
        throw invalidArgument("before", "The request does not say what is to be deleted.", "Give before.");
      return { starts: await new Topic(topic, core).deleteRecords({ before, partition }) };
    },

    listSegments: async ({ topic, partition, pageSize, pageToken }) => {
      const limit = pageSize || PAGE;
      if (limit < 1 || limit > PAGE || !/^\d{0,15}$/.test(pageToken))
        throw invalidArgument(
          "page",
          `There is no page ${JSON.stringify(pageToken)} of ${pageSize} segments.`,
          `Give a page_size from 1 to ${PAGE}, and the page_token of the answer before.`,
        );
      const all = await core.segments(await core.topic(topic), partition);
      const from = all.findIndex(({ sequence }) => sequence >= Number(pageToken));
      const segments = from < 0 ? [] : all.slice(from, from + limit);
      const next = from < 0 ? undefined : all[from + limit];
      return {
        segments: segments.map(
          ({ uri, sequence, epoch, baseOffset, nextOffset, records, maxTimestamp, bytes }) => ({
            ...{ uri, epoch, baseOffset, nextOffset, maxTimestamp },
            sequence: BigInt(sequence),
            records: BigInt(records),
            bytes: BigInt(bytes),
          }),
        ),
        nextPageToken: next === undefined ? "" : String(next.sequence),
      };
    },

    listGroups: async ({ states }) => {
      // A state that there is not is in no group.
      const filter = { states: states as GroupState[] };
      return { groups: (await groups.list(filter)).map(groupMessage) };
    },

    describeGroup: async ({ group }) => {
      const { offsets, ...description } = await groups.describe(group);
      return { group: groupMessage(description), offsets: offsets.map(lagMessage) };
    },

    resetGroup: async ({ group, topic, to, partition, dryRun }) => {
      const offsets = await groups.reset(group, { topic, to: readFromOf(to), partition, dryRun });
      return { offsets: offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset })) };
    },

    deleteGroup: async ({ group }) => {
      await groups.delete(group);
      return {};
    },

    flush: async () => {
      await core.flush();
      return {};
    },
  };
}

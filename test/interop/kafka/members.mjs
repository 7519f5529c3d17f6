// node members.mjs kafkajs|platformatic <bootstrap> <group> <topic>: consumes in a group, and prints what it gets and is
// assigned. Plain JavaScript, so that Node 20 starts it.
const [client, address, group, topic] = process.argv.slice(2);

const gotten = (partition, offset) => process.stdout.write(`record ${partition}/${offset}\n`);
const assigned = (partitions) =>
  process.stdout.write(`assigned ${partitions.toSorted((a, b) => a - b).join(",")}\n`);

const members = {
  async kafkajs() {
    const { Kafka, logLevel } = (await import("kafkajs")).default;
    const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING });
    const consumer = kafka.consumer({
      groupId: group,
      sessionTimeout: 6_000,
      heartbeatInterval: 300,
      maxWaitTimeInMs: 100,
    });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    consumer.on("consumer.group_join", ({ payload }) => assigned(payload.memberAssignment[topic] ?? []));
    await consumer.run({
      autoCommitInterval: 100,
      eachMessage: async ({ partition, message }) => gotten(partition, message.offset),
    });
    return () => consumer.disconnect();
  },
  async platformatic() {
    const { Consumer } = await import("@platformatic/kafka");
    const consumer = new Consumer({
      clientId: "member",
      bootstrapBrokers: [address],
      groupId: group,
      sessionTimeout: 6_000,
      rebalanceTimeout: 6_000,
      heartbeatInterval: 300,
      autocommit: 100,
    });
    consumer.on("consumer:group:join", ({ assignments }) =>
      assigned((assignments ?? []).flatMap(({ partitions }) => partitions)),
    );
    const stream = await consumer.consume({
      topics: [topic],
      mode: "committed",
      fallbackMode: "earliest",
      maxWaitTime: 100,
    });
    stream.on("data", ({ partition, offset }) => gotten(partition, offset));
    return async () => {
      await stream.close();
      await consumer.close();
    };
  },
};
const stop = await members[client]();
process.on("SIGTERM", async () => {
  await stop();
  process.exit(0);
});

/** The clients, with a name and a password over TLS: each fails in its own words. */
import { Consumer, type ConsumerOptions, Producer, type ProducerOptions } from "@platformatic/kafka";
import kafkajs from "kafkajs";
import type { TestOptions } from "vitest";
import { Engine } from "../../engine.js";
import { javaOptions } from "./engine-clients.js";
import { kcat, needsKcat } from "./kcat.js";

export interface Login {
  readonly mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512";
  readonly user: string;
  readonly password: string;
}

/** Where to, and who vouches for the server: PEM, and a file that has it. */
export interface Target {
  readonly bootstrap: string;
  readonly ca: string;
  readonly caFile: string;
}

export interface SecuredClient {
  /** One record. */
  produce(login: Login, topic: string): Promise<void>;
  /** One record from the beginning, in a group. */
  consume(login: Login, topic: string, group: string): Promise<void>;
  close(): Promise<void>;
}

interface TestedLogin {
  readonly open: (target: Target) => SecuredClient;
  readonly needs?: TestOptions;
  /** What it says where the password, the topic and the group are refused. */
  readonly says: { readonly login: RegExp; readonly topic: RegExp; readonly group: RegExp };
}

const record = { key: null, value: "61", partition: 0, headers: [] };

const settingsOf = ({ mechanism, user, password }: Login, { ca }: Target) => {
  const module =
    mechanism === "PLAIN"
      ? "org.apache.kafka.common.security.plain.PlainLoginModule"
      : "org.apache.kafka.common.security.scram.ScramLoginModule";
  const quoted = (text: string) => `"${text.replace(/["\\]/g, "\\$&")}"`;
  return {
    "security.protocol": "SASL_SSL",
    "sasl.mechanism": mechanism,
    "sasl.jaas.config": `${module} required username=${quoted(user)} password=${quoted(password)};`,
    "ssl.truststore.type": "PEM",
    "ssl.truststore.certificates": ca,
    "default.api.timeout.ms": "20000",
    "auto.offset.reset": "earliest",
  };
};

const java =
  (version: 3 | 4) =>
  (target: Target): SecuredClient => {
    const engine = new Engine("KafkaClient.java", javaOptions(version));
    const { bootstrap } = target;
    return {
      produce: async (login, topic) => {
        await engine.call("produce", {
          bootstrap,
          topic,
          records: [record],
          settings: settingsOf(login, target),
        });
      },
      consume: async (login, topic, group) => {
        const settings = { ...settingsOf(login, target), "group.id": group };
        const name = "member";
        await engine.call("openConsumer", { bootstrap, name, topic, group, settings });
        try {
          for (let read = 0; read === 0; ) {
            const { records } = await engine.call<{ records: unknown[] }>("poll", { name, ms: 500 });
            read = records.length;
          }
        } finally {
          await engine.call("closeConsumer", { name });
        }
      },
      close: () => engine.close(),
    };
  };

function python(target: Target): SecuredClient {
  const engine = new Engine("kafka_client.py");
  const { bootstrap, caFile } = target;
  const settings = ({ mechanism, user, password }: Login) => ({
    "security.protocol": "SASL_SSL",
    "sasl.mechanism": mechanism,
    "sasl.plain.username": user,
    "sasl.plain.password": password,
    "ssl.cafile": caFile,
  });
  return {
    produce: async (login, topic) => {
      const more = { "max.block.ms": 5_000 };
      await engine.call("produce", {
        bootstrap,
        topic,
        records: [record],
        settings: { ...settings(login), ...more },
      });
    },
    consume: async (login, topic, group) => {
      await engine.call("consumeInGroup", { bootstrap, topic, group, settings: settings(login) });
    },
    close: () => engine.close(),
  };
}

function kafkaJs({ bootstrap, ca }: Target): SecuredClient {
  const open = ({ mechanism, user: username, password }: Login) =>
    new kafkajs.Kafka({
      brokers: [bootstrap],
      logLevel: kafkajs.logLevel.NOTHING,
      ssl: { ca },
      sasl: { mechanism: mechanism.toLowerCase() as "plain", username, password },
      retry: { retries: 0 },
    });
  return {
    produce: async (login, topic) => {
      const producer = open(login).producer();
      await producer.connect();
      try {
        await producer.send({ topic, messages: [{ partition: 0, value: "a" }] });
      } finally {
        await producer.disconnect();
      }
    },
    consume: async (login, topic, groupId) => {
      const consumer = open(login).consumer({ groupId, retry: { retries: 0 } });
      await consumer.connect();
      try {
        await consumer.subscribe({ topic, fromBeginning: true });
        await new Promise<void>((resolve, reject) => {
          consumer.on("consumer.crash", ({ payload }) => reject(payload.error));
          consumer.run({ eachMessage: async () => resolve() }).catch(reject);
        });
      } finally {
        await consumer.disconnect();
      }
    },
    close: async () => undefined,
  };
}

function platformatic({ bootstrap, ca }: Target): SecuredClient {
  const options = ({
    mechanism,
    user: username,
    password,
  }: Login): ProducerOptions<Buffer, Buffer, Buffer, Buffer> =>
    ({
      clientId: "suite",
      bootstrapBrokers: [bootstrap],
      retries: 0,
      tls: { ca },
      sasl: { mechanism, username, password },
    }) as never;
  return {
    produce: async (login, topic) => {
      const producer = new Producer(options(login));
      try {
        await producer.send({ messages: [{ topic, partition: 0, value: Buffer.from("a") }] });
      } finally {
        await producer.close();
      }
    },
    consume: async (login, topic, groupId) => {
      const settings = { ...options(login), groupId } as unknown as ConsumerOptions<
        Buffer,
        Buffer,
        Buffer,
        Buffer
      >;
      const consumer = new Consumer(settings);
      try {
        const stream = await consumer.consume({ topics: [topic], mode: "earliest", maxWaitTime: 100 });
        for await (const _ of stream) break;
      } finally {
        await consumer.close(true);
      }
    },
    close: async () => undefined,
  };
}

function kcatLogin({ bootstrap, caFile }: Target): SecuredClient {
  const options = ({ mechanism, user, password }: Login) =>
    Object.entries({
      "security.protocol": "SASL_SSL",
      "sasl.mechanisms": mechanism,
      "sasl.username": user,
      "sasl.password": password,
      "ssl.ca.location": caFile,
    }).flatMap(([name, value]) => ["-X", `${name}=${value}`]);
  return {
    produce: async (login, topic) => {
      await kcat(["-P", "-b", bootstrap, "-t", topic, "-p", "0", ...options(login)], "a");
    },
    consume: async (login, topic, group) => {
      const args = ["-b", bootstrap, ...options(login), "-X", "auto.offset.reset=earliest"];
      const out = await kcat([...args, "-c", "1", "-E", "-G", group, topic]);
      if (out.length === 0) throw new Error("nothing came");
    },
    close: async () => undefined,
  };
}

export const LOGINS: Readonly<Record<string, TestedLogin>> = {
  "Java 3.9": {
    open: java(3),
    says: {
      login: /SaslAuthenticationException/,
      topic: /TopicAuthorizationException/,
      group: /GroupAuthorizationException/,
    },
  },
  "Java 4.4": {
    open: java(4),
    says: {
      login: /SaslAuthenticationException/,
      topic: /TopicAuthorizationException/,
      group: /GroupAuthorizationException/,
    },
  },
  kafkajs: {
    open: kafkaJs,
    says: {
      login: /there is no user of that name/,
      topic: /[Nn]ot authorized to access topic/,
      group: /Failed to find group coordinator/,
    },
  },
  "@platformatic/kafka": {
    open: platformatic,
    says: {
      login: /AUTHENTICATION|[Aa]uthentication/,
      topic: /TOPIC_AUTHORIZATION_FAILED/,
      group: /GROUP_AUTHORIZATION_FAILED/,
    },
  },
  "kafka-python": {
    open: python,
    says: {
      // What is refused to logins and readers is in its own log alone: it tries again for as long as it may.
      login: /KafkaTimeoutError/,
      topic: /TopicAuthorizationFailedError|nothing came/,
      group: /GroupAuthorizationFailedError|nothing came/,
    },
  },
  kcat: {
    open: kcatLogin,
    needs: needsKcat,
    says: {
      login: /[Aa]uthentication/,
      topic: /[Tt]opic authorization failed/,
      group: /may not do this .* with the group/,
    },
  },
};

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ALL_MESSAGES, type AnyMessage, anyOf, bytesOf, readOf } from "../../log/support/kafka-messages.js";
import { Engine } from "../engine.js";
import { javaOptions } from "./clients/engine-clients.js";

const EACH = 20;

const asRead = (message: AnyMessage) => (bytes: string | null) =>
  /^[0-9a-f]*$/.test(bytes ?? "-") ? readOf(message, Buffer.from(bytes ?? "", "hex")) : bytes;

// Of generation 4, the client has forgotten the oldest versions; of 3, it does not know the newest.
describe.each([3, 4] as const)("messages as Kafka's client of generation %i has them", (generation) => {
  let kafka: Engine;
  beforeAll(() => {
    kafka = new Engine("KafkaMessages.java", javaOptions(generation));
  });
  afterAll(() => kafka.close());

  test("are read by it as they are written here, each in every version", async () => {
    let known = 0;
    for (const message of ALL_MESSAGES) {
      const { api, version, kind, shape } = message;
      const messages = fc
        .sample(anyOf(shape, version), EACH)
        .map((value) => ({ key: api.key, version, kind, bytes: bytesOf(message, value).toString("hex") }));
      const written = await kafka.call<(string | null)[]>("rewrite", { messages });
      if (written[0] === null) continue;
      known++;
      // It leaves tagged fields out that have the value which stands for them: that is the same message.
      expect(written.map(asRead(message)), `${api.name} ${version} ${kind}`).toEqual(
        messages.map(({ bytes }) => asRead(message)(bytes)),
      );
    }
    expect(known).toBeGreaterThan(ALL_MESSAGES.length / 2);
  });
});

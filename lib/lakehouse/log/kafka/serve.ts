import type { Log } from "../log.js";
import type { KafkaServer } from "./server/server.js";
import type { KafkaOptions } from "./server/settings.js";

/**
 * Serves a log to Kafka's clients, unchanged. This process becomes the one that writes the log. The server is loaded when
 * this is called.
 *
 * @example
 * const server = await serveKafka(lake.log, { port: 9092 });
 * // new Kafka({ brokers: [`${server.host}:${server.port}`] }) …
 * await server.stop();
 * @throws LakehouseError INVALID_ARGUMENT, INVALID_CONFIG, where it cannot listen there, too; LOG_IN_USE,
 *   LOG_METADATA_LOST, CORRUPT_WAL, STORAGE_FAILED
 */
export async function serveKafka(log: Log, options: KafkaOptions = {}): Promise<KafkaServer> {
  const { startKafka } = await import("./server/server.js");
  return startKafka(log.core, options);
}

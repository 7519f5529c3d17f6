import * as zlib from "node:zlib";
import type { TestOptions } from "vitest";
import { CODECS, type Codec, type OpenClient } from "./client.js";
import { confluent, java3, java4, kafkaPython } from "./engine-clients.js";
import { kafkajsClient } from "./kafkajs.js";
import { kcatClient, needsKcat } from "./kcat.js";
import { platformaticClient } from "./platformatic.js";

interface TestedClient {
  readonly open: OpenClient;
  readonly needs?: TestOptions;
  /** All where not given. */
  readonly reads?: readonly Codec[];
  readonly writes?: readonly Codec[];
  /** Around a rebalance it gets records a second time, of Kafka's own broker as well. */
  readonly repeats?: boolean;
  /** Of several aborted transactions in one answer it leaves out the last one alone. */
  readonly readsAborted?: boolean;
  /** Records have the time that their producer gave them, whatever their topic says. */
  readonly ignoresAppendTime?: boolean;
}

/** It takes zstd from Node, which has it from 22.15 on. */
const ofNode = CODECS.filter((codec) => codec !== "zstd" || "zstdCompressSync" in zlib);

export const CLIENTS: Readonly<Record<string, TestedClient>> = {
  "Java 3.9": { open: java3 },
  "Java 4.4": { open: java4 },
  kafkajs: { open: kafkajsClient, writes: CODECS.filter((codec) => codec !== "snappy") },
  // It reads no Snappy but its own: not the stream of blocks that Java's clients make.
  "@platformatic/kafka": {
    open: platformaticClient,
    reads: ofNode.filter((codec) => codec !== "snappy"),
    writes: ofNode,
    repeats: true,
    readsAborted: true,
    ignoresAppendTime: true,
  },
  "kafka-python": { open: kafkaPython },
  "Confluent's for Python": { open: confluent },
  kcat: { open: kcatClient, needs: needsKcat },
};

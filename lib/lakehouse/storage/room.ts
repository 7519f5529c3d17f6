import { randomUUID } from "node:crypto";
import type { Room } from "../room.js";
import * as errors from "./errors.js";
import { metrics } from "./metrics.js";
import type { ObjectStore } from "./store.js";

/** What storage needs of an open lakehouse. */
export interface StorageContext {
  readonly store: ObjectStore;
}

/** Storage, for the wiring. */
export const storageRoom = {
  name: "storage",
  errors,
  metrics,
  probe: async ({ store }) => {
    const uri = `${store.root}/.health-${randomUUID()}`;
    const sent = Buffer.from(uri);
    await store.put(uri, sent, { ifAbsent: true });
    try {
      if (!sent.equals(await store.read(uri))) throw new Error("what was read is not what was written");
    } finally {
      await store.delete([uri]);
    }
    return store.root.startsWith("file:") ? "a local directory" : store.root;
  },
  commands: async () => (await import("./commands.js")).storageCommands,
} as const satisfies Room<StorageContext>;

import { setTimeout as sleep } from "node:timers/promises";
import type { Room } from "./room.js";
import { type LakehouseParts, metrics, type Part, rooms } from "./rooms.js";
import type { Observed } from "./telemetry/index.js";

/** What one part of the lakehouse said when it was asked to do its job once. */
export interface PartHealth {
  readonly part: Part;
  readonly ok: boolean;
  /** What answered: a store's root, a branch's head, an engine's version; or what went wrong. */
  readonly detail: string;
  /** Milliseconds until the answer. */
  readonly milliseconds: number;
}

/** All that there is to see of a lakehouse that is being opened. @param parts of it, as soon as somebody asks. */
export function observedOf(parts: () => LakehouseParts): Observed {
  const all: readonly Room<LakehouseParts>[] = rooms;
  return {
    metrics,
    gauges: all.flatMap(({ gauges = [] }) =>
      gauges.map((gauge) => ({ ...gauge, read: () => gauge.read(parts()) })),
    ),
    health: () => checkHealth(parts()),
  };
}

/** A part that has not answered by then does not work, whatever it says later. Scrapes wait for it. */
const LIMIT_MS = 5000;

/** Puts each room that has a probe to work once. */
export function checkHealth(parts: LakehouseParts): Promise<PartHealth[]> {
  return Promise.all(
    rooms.flatMap((room) => ("probe" in room ? [ask(room.name, () => room.probe(parts))] : [])),
  );
}

async function ask(part: Part, probe: () => Promise<string>): Promise<PartHealth> {
  const start = performance.now();
  const answered = probe().then(
    (detail) => ({ ok: true, detail }),
    (error: unknown) => ({ ok: false, detail: error instanceof Error ? error.message : String(error) }),
  );
  const limit = new AbortController();
  const late = sleep(
    LIMIT_MS,
    { ok: false, detail: `It has not answered within ${LIMIT_MS / 1000} s.` },
    limit,
  ).catch(() => ({ ok: false, detail: "" }));
  const answer = await Promise.race([answered, late]);
  limit.abort();
  return { part, ...answer, milliseconds: performance.now() - start };
}

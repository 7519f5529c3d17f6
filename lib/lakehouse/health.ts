import { type LakehouseParts, type Part, rooms } from "./rooms.js";

/** What one part of the lakehouse said when it was asked to do its job once. */
export interface PartHealth {
  readonly part: Part;
  readonly ok: boolean;
  /** What answered: a store's root, a branch's head, an engine's version; or what went wrong. */
  readonly detail: string;
  /** Milliseconds until the answer. */
  readonly milliseconds: number;
}

/** Puts each room that has a probe to work once. */
export function checkHealth(parts: LakehouseParts): Promise<PartHealth[]> {
  return Promise.all(
    rooms.flatMap((room) => ("probe" in room ? [ask(room.name, () => room.probe(parts))] : [])),
  );
}

async function ask(part: Part, probe: () => Promise<string>): Promise<PartHealth> {
  const start = performance.now();
  const answer = await probe().then(
    (detail) => ({ ok: true, detail }),
    (error: unknown) => ({ ok: false, detail: error instanceof Error ? error.message : String(error) }),
  );
  return { part, ...answer, milliseconds: performance.now() - start };
}

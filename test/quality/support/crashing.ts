import type { Backend } from "../../../lib/lakehouse/catalog/index.js";
import { LakehouseError } from "../../../lib/lakehouse/errors.js";

/** What says, by the contract of backends, that nobody knows: so a process in its last breath tidies nothing up. */
const died = () => new LakehouseError("STORAGE_FAILED", "backend", "The process has died.");

/**
 * A backend as a process sees it that dies at one of its moves of refs, the only steps that others see: right before, or
 * when the move was made and nobody was told. Every call after that dies, too.
 *
 * @param at which move it is, from 0; none where it has fewer.
 */
export function dyingAt(backend: Backend, at: number, after: boolean): Backend & { readonly moves: number } {
  let moves = 0;
  let isDead = false;
  const alive = <T>(call: () => T): T => {
    if (isDead) throw died();
    return call();
  };
  return {
    get moves() {
      return moves;
    },
    get: async (hashes) => alive(() => backend.get(hashes)),
    put: async (objects) => alive(() => backend.put(objects)),
    getRef: async (name) => alive(() => backend.getRef(name)),
    listRefs: async (prefix) => alive(() => backend.listRefs(prefix)),
    moveRef: async (move, objects) => {
      const isLast = alive(() => moves++ === at);
      if (isLast) isDead = true;
      const moved = !isLast || after ? await backend.moveRef(move, objects) : false;
      if (isLast) throw died();
      return moved;
    },
    scan: () => alive(() => backend.scan()),
    deleteObjects: async (hashes) => alive(() => backend.deleteObjects(hashes)),
    now: () => backend.now(),
    close: async () => {},
  };
}

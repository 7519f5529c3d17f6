import { randomUUID } from "node:crypto";
import type { Abortable } from "../../../errors.js";
import { commitConflict, commitStateUnknown } from "../../errors.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import type { PendingUpdate } from "../snapshot/pending.js";
import { type SnapshotChange, SnapshotProducer } from "../snapshot/producer.js";
import type { Table } from "../table.js";
import { applyUpdates } from "../updates/apply.js";
import type { StreamAudit } from "./options.js";
import { positionOf, positionSummary } from "./position.js";
import type { Round } from "./round.js";

/** How far a commit takes the table in a source. */
export interface Progress {
  readonly source: string;
  readonly from: bigint | undefined;
  /** Where the table is, as far as the writer knows. */
  readonly expected: bigint | undefined;
  /** Where it will be. */
  readonly last: bigint;
}

/** How often a commit is sent whose answer is lost. */
const UNKNOWN_TRIES = 3;

/**
 * Puts the rows of a round into the table, with how far it has come in their source, in one commit.
 *
 * @throws LakehouseError COMMIT_CONFLICT where the table is elsewhere in the source than thought; what the audit throws; and
 *   as `Table.append`
 */
export async function commitRound<Row>(
  table: Table<Row>,
  round: Round,
  progress: Progress | undefined,
  options: Abortable & { readonly message?: string | undefined; readonly audit?: StreamAudit | undefined },
): Promise<Table<Row>> {
  const { audit, ...commit } = options;
  const files = await round.end();
  const token = randomUUID();
  let base = table;
  let mayBeThere = false;
  try {
    for (let tries = 1; ; tries++) {
      try {
        // A snapshot of its own for each try: what one that may be there is made of is not touched by the next.
        const snapshot = new SnapshotProducer(
          base.store,
          base.metadata,
          changeOf(base, files, round, progress),
        );
        const change = audit === undefined || files.length === 0 ? snapshot : audited(base, snapshot, audit);
        return await base.update([change], { ...commit, token });
      } catch (error) {
        if (!commitStateUnknown.is(error)) throw error;
        mayBeThere = true;
        if (tries === UNKNOWN_TRIES) throw error;
        // By its token it is found, and not made twice.
        base = await base.refresh();
      }
    }
  } catch (error) {
    if (!mayBeThere) await round.discard(files);
    throw error;
  }
}

/** The snapshot, looked at before each attempt to commit it, on the table that it is put on then. */
function audited<Row>(table: Table<Row>, snapshot: SnapshotProducer, audit: StreamAudit): PendingUpdate {
  return {
    propose: async (base) => {
      const proposal = await snapshot.propose(base);
      await proposal.stored;
      const next = table.view(applyUpdates(base, proposal.updates), undefined);
      await audit(next as unknown as Table, base.currentSnapshotId);
      return proposal;
    },
    settle: (committed) => snapshot.settle(committed),
  };
}

function changeOf<Row>(
  { store, name }: Table<Row>,
  addedDataFiles: readonly DataFile[],
  round: Round,
  progress: Progress | undefined,
): SnapshotChange {
  const change = { operation: "append", addedDataFiles, stored: () => round.stored() } as const;
  if (progress === undefined) return change;
  const { source, from, expected, last } = progress;
  return {
    ...change,
    summary: positionSummary(source, last),
    // On every attempt: rows of another writer of the source that was faster are not to be doubled.
    validate: async (metadata) => {
      const found = await positionOf({ store, metadata, name }, source, from);
      if (found !== expected) throw elsewhere(name, source, found, expected);
    },
  };
}

function elsewhere(name: string, source: string, found: bigint | undefined, expected: bigint | undefined) {
  const isBack = found === undefined || (expected !== undefined && found < expected);
  const where = found === undefined ? "before its first row" : `at offset ${found}`;
  const thought = expected === undefined ? "had none of it" : `was at ${expected}`;
  return commitConflict(
    name,
    `${name} is ${where} of ${JSON.stringify(source)}, and ${thought} when this stream last looked: ${isBack ? "it was rolled back" : "another stream has written the same source"}.`,
    "Nothing was committed: open the stream again, and write the rows behind its position. A source has one writer at a time.",
  );
}

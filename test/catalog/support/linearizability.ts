/** One call of a client, with what came of it. Times are of one clock, in nanoseconds. */
export interface Call<Operation> {
  readonly client: string;
  readonly operation: Operation;
  readonly invoked: bigint;
  /** Absent where the client never heard what became of it: it may take effect at any time after, or never. */
  readonly returned?: bigint;
}

/** What an object does when calls come one by one. */
export interface SequentialModel<State, Operation> {
  readonly initial: State;
  /** The state after the call; `undefined` where its result cannot come from this state. */
  apply(state: State, operation: Operation): State | undefined;
  /** Equal for equal states. */
  keyOf(state: State): string;
}

/**
 * Finds out whether there is an order of the calls, each at one moment between its invocation and its return, that
 * the model allows (Wing & Gong, "Testing and Verifying Concurrent Objects", 1993; the states that were tried are
 * remembered, as Lowe does in "Testing for linearizability", 2017).
 *
 * @returns `undefined` where there is one; else the call at which every order that was tried came to its end.
 */
export function findViolation<State, Operation>(
  model: SequentialModel<State, Operation>,
  history: readonly Call<Operation>[],
): Call<Operation> | undefined {
  const byInvocation = [...history].sort((a, b) => (a.invoked < b.invoked ? -1 : 1));
  const known = byInvocation.filter((call) => call.returned !== undefined);
  const unknown = byInvocation.filter((call) => call.returned === undefined);
  const tried = new Set<string>();
  let furthest = 0;

  interface Position {
    readonly state: State;
    /** Every known call before this one has its place … */
    readonly next: number;
    /** … and of those after it, these. */
    readonly ahead: readonly number[];
    readonly happened: readonly number[];
  }
  const open: Position[] = [{ state: model.initial, next: 0, ahead: [], happened: [] }];
  const visit = (position: Position): void => {
    const { state, next, ahead, happened } = position;
    const key = `${next}|${ahead.join()}|${happened.join()}|${model.keyOf(state)}`;
    if (tried.has(key)) return;
    tried.add(key);
    open.push(position);
  };
  for (let position = open.pop(); position !== undefined; position = open.pop()) {
    const { state, next, ahead, happened } = position;
    if (next === known.length) return undefined;
    furthest = Math.max(furthest, next);
    const reached: Position[] = [];
    // A call may come next unless another one returned before it was invoked.
    let horizon = returnOf(known[next]);
    for (let index = next; index < known.length; index++) {
      const call = known[index] as Call<Operation>;
      if (call.invoked > horizon) break;
      if (ahead.includes(index)) continue;
      if (returnOf(call) < horizon) horizon = returnOf(call);
      const after = model.apply(state, call.operation);
      if (after !== undefined) reached.push({ state: after, happened, ...placed(next, ahead, index) });
    }
    for (const [index, call] of unknown.entries()) {
      if (call.invoked > horizon) break;
      if (happened.includes(index)) continue;
      const after = model.apply(state, call.operation);
      if (after !== undefined) {
        reached.push({ state: after, next, ahead, happened: [...happened, index].sort((a, b) => a - b) });
      }
    }
    // The last one in is looked at first: calls in the order of their invocation are the likeliest.
    for (const each of reached.reverse()) visit(each);
  }
  return known[furthest];
}

function returnOf(call: Call<unknown> | undefined): bigint {
  return call?.returned ?? 0n;
}

/** The call at `index` gets its place: the first that has none moves on. */
function placed(next: number, ahead: readonly number[], index: number): { next: number; ahead: number[] } {
  const after = [...ahead, index].sort((a, b) => a - b);
  let first = next;
  while (after[0] === first) {
    after.shift();
    first += 1;
  }
  return { next: first, ahead: after };
}

/** Table → the snapshot that is current in it. "none" for a table without one. */
export type Snapshots = Readonly<Record<string, string>>;

/** What a client asked of a catalog, and what it was told. */
export type CatalogCall =
  | { readonly type: "read"; readonly table: string; readonly found: string }
  /** Moves tables from the snapshots that they should have to others, all or none. */
  | {
      readonly type: "commit";
      readonly from: Snapshots;
      readonly to: Snapshots;
      /** What happened where the outcome is not known: the checker finds out whether it did. */
      readonly outcome: "committed" | "conflict" | "unknown";
    };

/** A catalog as its clients should see it: one register a table, which commits of one or more compare and set. */
export function catalogModel(tables: readonly string[]): SequentialModel<Snapshots, CatalogCall> {
  return {
    initial: Object.fromEntries(tables.map((table) => [table, "none"])),
    apply(state, call) {
      if (call.type === "read") return state[call.table] === call.found ? state : undefined;
      const holds = Object.entries(call.from).every(([table, snapshot]) => state[table] === snapshot);
      if (call.outcome === "conflict") return holds ? undefined : state;
      return holds ? { ...state, ...call.to } : undefined;
    },
    keyOf: (state) => tables.map((table) => state[table]).join(),
  };
}

/** What a key must be for a transaction to take its `success` branch. Keys and values are base64, integers text. */
export interface EtcdCompare {
  readonly key: string;
  readonly result: "EQUAL" | "GREATER";
  readonly target: "VALUE" | "VERSION" | "MOD" | "LEASE";
  readonly value?: string | undefined;
  /** Number of puts since the key came to be; 0 for a key that is not there. */
  readonly version?: string | undefined;
  /** The revision of the last put; 0 for a key that is not there. */
  readonly mod_revision?: string | undefined;
  readonly lease?: string | undefined;
}

/** All keys from `key` up to `range_end`; the key alone where that is not given. */
export interface EtcdRange {
  readonly key: string;
  readonly range_end?: string | undefined;
}

/** One step of a transaction, as etcd's JSON writes it. */
export type EtcdStep =
  | {
      readonly request_range: EtcdRange & {
        readonly limit?: string | undefined;
        /** As of then; now where not given. */
        readonly revision?: string | undefined;
      };
    }
  | {
      readonly request_put: {
        readonly key: string;
        readonly value: string;
        /** Whose end deletes the key. */
        readonly lease?: string | undefined;
      };
    }
  | { readonly request_delete_range: EtcdRange };

export interface EtcdTransaction {
  readonly compare?: readonly EtcdCompare[] | undefined;
  readonly success: readonly EtcdStep[];
  readonly failure?: readonly EtcdStep[] | undefined;
}

export interface EtcdKeyValue {
  readonly key: string;
  /** Absent for an empty value. */
  readonly value?: string | undefined;
  readonly mod_revision?: string | undefined;
}

/** What a transaction came to: the branch that it took, and the answers of its steps. */
export interface EtcdOutcome {
  /** The revision of what it has put, or that it has seen. */
  readonly header?: { readonly revision?: string | undefined } | undefined;
  readonly succeeded?: boolean | undefined;
  readonly responses?:
    | readonly {
        readonly response_range?: { readonly kvs?: readonly EtcdKeyValue[]; readonly more?: boolean };
      }[]
    | undefined;
}

/** A key was put or deleted. */
export interface EtcdEvent {
  /** Absent for a put. */
  readonly type?: "DELETE" | undefined;
  readonly kv: EtcdKeyValue;
}

/** What is asked of etcd. Transactions are linearizable, those that only read too. */
export interface Etcd {
  /** Sent again where no answer comes: it must be one that may happen twice. */
  transact(transaction: EtcdTransaction): Promise<EtcdOutcome>;
  /** @returns the id of a lease that ends after so many seconds, unless it is kept alive. */
  grantLease(seconds: number): Promise<string>;
  /**
   * @param patienceMs how long to go on trying, in milliseconds.
   * @returns how many seconds it has from now on; 0 where it has ended.
   */
  keepAlive(lease: string, patienceMs: number): Promise<number>;
  /** Ends a lease, and deletes its keys. No error where it has ended. */
  revokeLease(lease: string): Promise<void>;
  /**
   * Calls back with what happens from a revision on, all events of one revision together, for so many milliseconds: who
   * asks again notices soon where etcd cannot be reached.
   *
   * @returns whether etcd still had all from that revision on: else all is to be read anew.
   */
  watch(
    range: EtcdRange,
    from: number,
    ms: number,
    onEvents: (events: readonly EtcdEvent[]) => void,
    signal: AbortSignal,
  ): Promise<boolean>;
  close(): void;
}

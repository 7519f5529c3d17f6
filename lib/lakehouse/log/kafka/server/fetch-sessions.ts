/**
 * What a client fetches again and again, remembered (KIP-227): it says what has changed of what it wants, and is told of
 * those partitions alone that have something new. So partitions where nothing happens cost no bytes.
 */
import { randomInt } from "node:crypto";
import { ERROR } from "../protocol/error-codes.js";

/** A partition that is fetched, as the client names it: its topic by name, or by id in later versions. */
export interface FetchedPlace {
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
}

export interface WantedPartition extends FetchedPlace {
  readonly from: bigint;
  readonly maxBytes: number;
  /** Of the leader whom the client knows; -1 where it knows none. */
  readonly leaderEpoch: number;
  /** Of the record before `from`, which the client has read; -1 where it does not say. */
  readonly lastEpoch: number;
}

export interface FetchQuestion {
  /** The user who asks: sessions are no one else's. */
  readonly user: string | undefined;
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly wanted: readonly WantedPartition[];
  readonly forgotten: readonly FetchedPlace[];
  /** Topics are named by their ids. */
  readonly byId: boolean;
}

/** What is said of a partition, as far as it is remembered. */
export interface FetchNews extends FetchedPlace {
  readonly bytes: number;
  readonly response: {
    readonly errorCode: number;
    readonly highWatermark: bigint;
    readonly logStartOffset?: bigint | undefined;
    readonly divergingEpoch?: object | undefined;
  };
}

/** A request, as it is to be answered. */
export interface Fetching {
  /** 0 where there is none. */
  readonly sessionId: number;
  readonly wanted: readonly WantedPartition[];
  /** What of the answer the client is told. It is to be called once, with what is sent. */
  tell<News extends FetchNews>(found: readonly News[]): readonly News[];
}

/** Of a partition in a session. */
interface Known {
  wanted: WantedPartition;
  /** As they were told last. */
  highWatermark: bigint;
  logStartOffset: bigint;
}

interface Session {
  readonly id: number;
  readonly user: string | undefined;
  readonly byId: boolean;
  /** Of the next request. */
  epoch: number;
  usedAt: number;
  /** In the order in which they are read: those that had records go behind the others. */
  readonly partitions: Map<string, Known>;
}

const NO_SESSION = 0;
const FIRST_EPOCH = 0;
const LAST_EPOCH = -1;
const MOST_EPOCHS = 2 ** 31 - 1;
/** As many as Kafka has, and how long one is left alone that others could use, in milliseconds. */
const MOST_SESSIONS = 1_000;
const IDLE_MS = 120_000;
/** Of all sessions: they are memory that clients may ask for. */
const MOST_PARTITIONS = 200_000;
/** A longer name is no topic's, and is not remembered. */
const LONGEST_NAME = 249;
const UNTOLD = -1n;

export class FetchSessions {
  /** The one that was used last at the end. */
  readonly #sessions = new Map<number, Session>();
  #partitions = 0;

  /**
   * @param now in milliseconds.
   * @returns an error's code where there is no such session, or it is elsewhere in its course: then the client asks in full.
   */
  begin(question: FetchQuestion, now: number): Fetching | number {
    const { sessionId, sessionEpoch, wanted } = question;
    if (sessionEpoch !== FIRST_EPOCH && sessionEpoch !== LAST_EPOCH) return this.#goOn(question, now);
    // All is asked anew: what was remembered is over.
    if (this.#sessions.get(sessionId)?.user === question.user) this.#drop(sessionId);
    const session = sessionEpoch === FIRST_EPOCH ? this.#open(question, now) : undefined;
    if (session === undefined) return { sessionId: NO_SESSION, wanted, tell: (found) => found };
    return {
      sessionId: session.id,
      wanted: wantedOf(session),
      tell: (found) => {
        for (const one of found) remember(session, one);
        return found;
      },
    };
  }

  #goOn(question: FetchQuestion, now: number): Fetching | number {
    const { sessionId, sessionEpoch, wanted, forgotten, byId, user } = question;
    const session = this.#sessions.get(sessionId);
    if (session === undefined || session.user !== user) return ERROR.FETCH_SESSION_ID_NOT_FOUND;
    if (session.epoch !== sessionEpoch) return ERROR.INVALID_FETCH_SESSION_EPOCH;
    if (session.byId !== byId && wanted.length + forgotten.length > 0)
      return ERROR.FETCH_SESSION_TOPIC_ID_ERROR;
    session.epoch = session.epoch === MOST_EPOCHS ? FIRST_EPOCH + 1 : session.epoch + 1;
    session.usedAt = now;
    this.#sessions.delete(sessionId);
    this.#sessions.set(sessionId, session);
    const before = session.partitions.size;
    for (const one of wanted) want(session, one);
    for (const one of forgotten) session.partitions.delete(keyOf(one));
    this.#partitions += session.partitions.size - before;
    const left = wantedOf(session);
    if (left.length === 0 || hasLongName(wanted) || !this.#makeRoom(0, now, session)) this.#drop(sessionId);
    return {
      sessionId: this.#sessions.has(sessionId) ? sessionId : NO_SESSION,
      wanted: left,
      tell: (found) => found.filter((one) => remember(session, one)),
    };
  }

  /** @returns nothing where there is no room, or nothing to remember. */
  #open({ wanted, byId, user }: FetchQuestion, now: number): Session | undefined {
    if (wanted.length === 0 || hasLongName(wanted)) return undefined;
    if (!this.#makeRoom(wanted.length, now)) return undefined;
    let id = randomInt(1, MOST_EPOCHS);
    while (this.#sessions.has(id)) id = randomInt(1, MOST_EPOCHS);
    const session: Session = {
      ...{ id, byId, user, epoch: FIRST_EPOCH + 1, usedAt: now },
      partitions: new Map(),
    };
    for (const one of wanted) want(session, one);
    this.#sessions.set(id, session);
    this.#partitions += session.partitions.size;
    return session;
  }

  /** Ends those that nobody has used for a while, as far as that is needed. @param using stays. */
  #makeRoom(more: number, now: number, using?: Session): boolean {
    const isRoom = () =>
      this.#partitions + more <= MOST_PARTITIONS &&
      (using !== undefined || this.#sessions.size < MOST_SESSIONS);
    for (const session of this.#sessions.values()) {
      if (isRoom() || now - session.usedAt < IDLE_MS) break;
      if (session !== using) this.#drop(session.id);
    }
    return isRoom();
  }

  #drop(id: number): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#sessions.delete(id);
    this.#partitions -= session.partitions.size;
  }
}

function hasLongName(wanted: readonly WantedPartition[]): boolean {
  return wanted.some(({ topic }) => topic.length > LONGEST_NAME);
}

function wantedOf({ partitions }: Session): WantedPartition[] {
  return Array.from(partitions.values(), ({ wanted }) => wanted);
}

function want({ partitions }: Session, wanted: WantedPartition): void {
  const key = keyOf(wanted);
  const known = partitions.get(key);
  if (known === undefined) partitions.set(key, { wanted, highWatermark: UNTOLD, logStartOffset: UNTOLD });
  else known.wanted = wanted;
}

/** @returns whether the client does not know it yet. */
function remember({ partitions }: Session, { bytes, response, ...place }: FetchNews): boolean {
  const { errorCode, highWatermark, logStartOffset = UNTOLD, divergingEpoch } = response;
  const key = keyOf(place);
  const known = partitions.get(key);
  // It was forgotten by a request that came meanwhile.
  if (known === undefined) return true;
  const isNews =
    bytes > 0 ||
    divergingEpoch !== undefined ||
    errorCode !== ERROR.NONE ||
    known.highWatermark !== highWatermark ||
    known.logStartOffset !== logStartOffset;
  // When the error is over, that is news, too.
  known.highWatermark = errorCode === ERROR.NONE ? highWatermark : UNTOLD;
  known.logStartOffset = logStartOffset;
  if (bytes > 0) {
    partitions.delete(key);
    partitions.set(key, known);
  }
  return isNews;
}

function keyOf({ topic, topicId, index }: FetchedPlace): string {
  return `${topic}/${topicId}/${index}`;
}

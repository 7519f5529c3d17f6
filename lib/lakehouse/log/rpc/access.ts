/** What a caller has to be allowed for each call, before it is answered. */
import type { DescMethod, DescService, MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { type Clock, sleep } from "../partition/clock.js";
import { seesSubject, topicOfSubject } from "../schemas/subjects.js";
import { CLUSTER, type Operation } from "../security/acl.js";
import type { Caller } from "../security/caller.js";
import type { QuotaKind } from "../security/quota.js";
import type { Security } from "../security/security.js";
import { tokenExpired } from "../security/tokens.js";
import { CALLER } from "./authenticated.js";
import { unlessAborted } from "./calls.js";
import { AdminService } from "./generated/sololakehouse/log/v1/admin_pb.js";
import {
  type ConsumeResponse,
  ConsumerService,
  type RecordBatch,
} from "./generated/sololakehouse/log/v1/consumer_pb.js";
import {
  type AppendRequest,
  ProducerService,
  type Transaction,
} from "./generated/sololakehouse/log/v1/producer_pb.js";
import { SchemaService } from "./generated/sololakehouse/log/v1/schema_pb.js";
import { TransactionService } from "./generated/sololakehouse/log/v1/transaction_pb.js";

/** Timers wait no longer. */
const LONGEST_MS = 2 ** 31 - 1;

type Methods<Service extends DescService> = Service["method"];
/** For each message that a client sends. @throws LakehouseError TOPIC_AUTHORIZATION_FAILED and the like. */
type Rules<Service extends DescService> = {
  readonly [Name in keyof Methods<Service>]: (
    caller: Caller,
    message: MessageShape<Methods<Service>[Name]["input"]>,
  ) => void;
};

const mayWriteIn = (caller: Caller, transaction: Transaction | undefined) =>
  caller.check("write", "transactionalId", transaction?.transactionalId ?? "");

const mayWrite = (caller: Caller, { topic, producer }: AppendRequest) => {
  caller.check("write", "topic", topic);
  if (producer?.transaction !== undefined) mayWriteIn(caller, producer.transaction);
};

const PRODUCER: Rules<typeof ProducerService> = {
  initProducer: (caller, { transactionalId }) => {
    if (transactionalId !== undefined) caller.check("write", "transactionalId", transactionalId);
    else if (!caller.mayAnywhere("write", "topic")) caller.check("idempotentWrite", "cluster");
  },
  append: mayWrite,
  appendStream: mayWrite,
  appendAll: mayWrite,
};

const TRANSACTION: Rules<typeof TransactionService> = {
  addOffsets: (caller, { transaction, group }) => {
    mayWriteIn(caller, transaction);
    caller.check("read", "group", group);
  },
  sendOffsets: (caller, { transaction, group, offsets }) => {
    mayWriteIn(caller, transaction);
    caller.check("read", "group", group);
    for (const { topic } of offsets) caller.check("read", "topic", topic);
  },
  commit: (caller, { transaction }) => mayWriteIn(caller, transaction),
  abort: (caller, { transaction }) => mayWriteIn(caller, transaction),
};

const CONSUMER: Rules<typeof ConsumerService> = {
  read: (caller, { topic }) => caller.check("read", "topic", topic),
  fetch: (caller, { topic }) => caller.check("read", "topic", topic),
  consume: (caller, { request }) => {
    if (request.case === "send") mayWriteIn(caller, request.value.transaction);
    if (request.case !== "start") return;
    const { group, topics } = request.value;
    caller.check("read", "group", group);
    for (const topic of topics) caller.check("read", "topic", topic);
  },
};

const ofSubject =
  (operation: Operation) =>
  (caller: Caller, { subject }: { readonly subject: string }) =>
    caller.check(operation, "topic", topicOfSubject(subject));

/** Of all subjects where none is named. */
const ofSettings = (caller: Caller, { subject = "" }: { readonly subject?: string | undefined }) => {
  if (subject === "") caller.check("alterConfigs", "cluster");
  else caller.check("alterConfigs", "topic", topicOfSubject(subject));
};

const SCHEMA: Rules<typeof SchemaService> = {
  // Of lists, callers are told what they may see, as of the schema of an id.
  listSubjects: () => undefined,
  listUses: () => undefined,
  getSchema: () => undefined,
  listVersions: ofSubject("describe"),
  getVersion: ofSubject("describe"),
  listReferrers: ofSubject("describe"),
  lookUpSchema: ofSubject("describe"),
  checkSchema: ofSubject("describe"),
  registerSchema: ofSubject("write"),
  deleteSubject: ofSubject("delete"),
  deleteVersion: ofSubject("delete"),
  getSchemaSettings: (caller, { subject = "" }) => {
    if (subject !== "") caller.check("describe", "topic", topicOfSubject(subject));
  },
  setCompatibility: ofSettings,
  setMode: ofSettings,
};

const ADMIN: Omit<Rules<typeof AdminService>, "describeServer"> = {
  createTopic: (caller, { name, schema }) => {
    if (!caller.may("create", "cluster", CLUSTER)) caller.check("create", "topic", name);
    if (schema !== undefined) caller.check("write", "topic", name);
  },
  // Of lists, callers are told what they may see.
  listTopics: () => undefined,
  listGroups: () => undefined,
  describeTopic: (caller, { name }) => caller.check("describe", "topic", name),
  alterTopic: (caller, { name, config, partitions }) => {
    caller.check("describe", "topic", name);
    if (Object.keys(config).length > 0) caller.check("alterConfigs", "topic", name);
    if (partitions !== undefined) caller.check("alter", "topic", name);
  },
  deleteTopic: (caller, { name }) => caller.check("delete", "topic", name),
  findOffsets: (caller, { topic }) => caller.check("describe", "topic", topic),
  deleteRecords: (caller, { topic }) => caller.check("delete", "topic", topic),
  listSegments: (caller, { topic }) => caller.check("describe", "topic", topic),
  describeGroup: (caller, { group }) => caller.check("describe", "group", group),
  resetGroup: (caller, { group, topic }) => {
    caller.check("read", "group", group);
    caller.check("read", "topic", topic);
  },
  deleteGroup: (caller, { group }) => caller.check("delete", "group", group),
  flush: (caller) => caller.check("alter", "cluster"),
};

type Rule = (caller: Caller, message: never) => void;
/** Takes out of an answer what the caller may not see. */
type Shown = (caller: Caller, message: never) => void;

const RULES: ReadonlyMap<DescMethod, Rule> = new Map([
  ...rulesOf(ProducerService, PRODUCER),
  ...rulesOf(TransactionService, TRANSACTION),
  ...rulesOf(ConsumerService, CONSUMER),
  ...rulesOf(AdminService, ADMIN),
  ...rulesOf(SchemaService, SCHEMA),
]);

function rulesOf(service: DescService, rules: object): (readonly [DescMethod, Rule])[] {
  return service.methods.flatMap((method) => {
    const rule = rules[method.localName as keyof typeof rules] as Rule | undefined;
    return rule === undefined ? [] : [[method, rule] as const];
  });
}

const SHOWN: ReadonlyMap<DescMethod, Shown> = new Map<DescMethod, Shown>([
  [
    SchemaService.method.listSubjects,
    (caller, answer: MessageShape<typeof SchemaService.method.listSubjects.output>) => {
      answer.subjects = answer.subjects.filter((subject) => seesSubject(caller, subject));
    },
  ],
  [
    SchemaService.method.listUses,
    (caller, answer: MessageShape<typeof SchemaService.method.listUses.output>) => {
      answer.uses = answer.uses.filter(({ subject }) => seesSubject(caller, subject));
    },
  ],
  [
    AdminService.method.listTopics,
    (caller, answer: MessageShape<typeof AdminService.method.listTopics.output>) => {
      answer.topics = answer.topics.filter(({ name }) => caller.may("describe", "topic", name));
    },
  ],
  [
    AdminService.method.listGroups,
    (caller, answer: MessageShape<typeof AdminService.method.listGroups.output>) => {
      if (caller.may("describe", "cluster", CLUSTER)) return;
      answer.groups = answer.groups.filter(({ group }) => caller.may("describe", "group", group));
    },
  ],
  [
    AdminService.method.describeGroup,
    (caller, answer: MessageShape<typeof AdminService.method.describeGroup.output>) => {
      answer.offsets = answer.offsets.filter(({ topic }) => caller.may("describe", "topic", topic));
    },
  ],
]);

/** Holds each call against what its caller may do, and slows down who is faster than he may be. */
export function accessChecked(security: Security, clock: Clock): Interceptor {
  return (next) => async (request) => {
    const rule = RULES.get(request.method);
    // Health, reflection, and which run of the server it is: they tell nothing of anybody's.
    if (rule === undefined) return next(request);
    const caller = request.contextValues.get(CALLER);
    if (caller === undefined) throw new ConnectError("Nobody has looked who calls.", Code.Unauthenticated);
    const slow = async (kind: QuotaKind, message: unknown) => {
      const bytes =
        kind === "produce" ? bytesSent(request.method, message) : bytesGot(request.method, message);
      const ms = bytes === 0 ? 0 : security.throttle(caller, kind, bytes);
      if (ms > 0) await sleep(clock, ms, request.signal);
    };
    let first: unknown;
    const checked = async <Message>(message: Message): Promise<Message> => {
      first ??= message;
      rule(caller, message as never);
      await slow("produce", message);
      return message;
    };
    const response = request.stream
      ? await next({ ...request, message: each(request.message, checked) })
      : await next({ ...request, message: await checked(request.message) });
    if (response.stream) {
      const messages = each(response.message, async (message) => {
        await slow("fetch", message);
        return message;
      });
      const check = () => {
        if (first !== undefined) rule(caller, first as never);
      };
      return { ...response, message: whileAllowed(messages, security, clock, caller, check) };
    }
    await slow("fetch", response.message);
    SHOWN.get(request.method)?.(caller, response.message as never);
    return response;
  };
}

/**
 * What was allowed when a call began may not be any more, and a token is over: then it ends, also where it waits.
 *
 * @param check throws then.
 */
async function* whileAllowed<T>(
  messages: AsyncIterable<T>,
  security: Security,
  clock: Clock,
  { expiresAt }: Caller,
  check: () => void,
): AsyncIterable<T> {
  const source = messages[Symbol.asyncIterator]();
  const denied = new AbortController();
  const look = () => {
    try {
      check();
    } catch (error) {
      denied.abort(error);
    }
  };
  const unlisten = security.onChange(look);
  const stopClock =
    expiresAt === undefined ? () => undefined : atTime(clock, expiresAt, () => denied.abort(tokenExpired()));
  try {
    check();
    for (;;) {
      const next = await unlessAborted(denied.signal, source.next());
      if (next.done) return;
      yield next.value;
    }
  } finally {
    unlisten();
    stopClock();
    // What it waits for ends with the call, and after this.
    const ended = Promise.resolve(source.return?.());
    if (denied.signal.aborted) ended.catch(() => undefined);
    else await ended;
  }
}

/** @param time in milliseconds since the epoch, however far. @returns what takes it back. */
function atTime(clock: Clock, time: number, work: () => void): () => void {
  let cancel = () => {};
  const wait = () => {
    const left = time - Date.now();
    cancel = left <= 0 ? clock.after(0, work) : clock.after(Math.min(left, LONGEST_MS), wait);
  };
  wait();
  return () => cancel();
}

async function* each<T>(messages: AsyncIterable<T>, work: (message: T) => Promise<T>): AsyncIterable<T> {
  for await (const message of messages) yield await work(message);
}

/** Of the records that a client sends, by any method. */
function bytesSent(method: DescMethod, message: unknown): number {
  return method.parent === ProducerService && method !== ProducerService.method.initProducer
    ? bytesOf((message as AppendRequest).records)
    : 0;
}

/** Of the records that a client is sent. */
function bytesGot(method: DescMethod, message: unknown): number {
  if (method.parent !== ConsumerService) return 0;
  if (method !== ConsumerService.method.consume) return bytesOf((message as RecordBatch).records);
  const { response } = message as ConsumeResponse;
  return response.case === "batch" ? bytesOf(response.value.batch?.records ?? []) : 0;
}

type Sized = { readonly key?: Uint8Array | undefined; readonly value?: Uint8Array | undefined };

function bytesOf(records: readonly Sized[]): number {
  return records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0);
}

/** The rates of users, as Kafka's tools ask for them and set them (KIP-546). Only a user has one here, by its name. */
import { invalidArgument } from "../../../../errors.js";
import { LogSecurity } from "../../../security/log-security.js";
import type { StoredUser } from "../../../security/policy.js";
import type { RequestOf, ResponseTo } from "../../protocol/api.js";
import { ERROR } from "../../protocol/error-codes.js";
import type { alterClientQuotas, describeClientQuotas } from "../../protocol/messages/quotas.js";
import type { Context } from "../context.js";
import { toKafka } from "../error-map.js";

type Described = NonNullable<ResponseTo<typeof describeClientQuotas>["entries"]>[number];
type Component = RequestOf<typeof describeClientQuotas>["components"][number];
type Entry = RequestOf<typeof alterClientQuotas>["entries"][number];
type Altered = ResponseTo<typeof alterClientQuotas>["entries"][number];

const USER = "user";
/** Kafka's other kinds: nothing of them has a quota here. */
const ENTITY_TYPES: ReadonlySet<string> = new Set([USER, "client-id", "ip"]);
const MATCH = { exact: 0, default: 1, specified: 2 } as const;
/** Kafka's names. */
const RATES = {
  producer_byte_rate: "produceBytesPerSecond",
  consumer_byte_rate: "fetchBytesPerSecond",
} as const;
const RATE_NAMES = Object.keys(RATES) as (keyof typeof RATES)[];

/** What is refused, in Kafka's words for it. */
class Refusal extends Error {
  readonly errorCode: number;

  constructor(errorCode: number, message: string) {
    super(message);
    this.errorCode = errorCode;
  }
}

export async function answerDescribeClientQuotas(
  { components, strict }: RequestOf<typeof describeClientQuotas>,
  { broker, caller }: Context,
): Promise<ResponseTo<typeof describeClientQuotas>> {
  try {
    caller.check("describeConfigs", "cluster");
    for (const [i, component] of components.entries()) checkComponent(component, components.slice(0, i));
    const users = (await broker.core.policies.read())?.policy.users.values() ?? [];
    const entries = [...users]
      .filter((user) => isMeant(user, components, strict))
      .map(described)
      .filter(({ values }) => values.length > 0);
    return { errorCode: ERROR.NONE, entries };
  } catch (error) {
    return { ...refusalOf(error), entries: null };
  }
}

function checkComponent({ entityType, matchType, match }: Component, before: readonly Component[]): void {
  checkType(entityType);
  if (before.some((one) => one.entityType === entityType))
    throw new Refusal(ERROR.INVALID_REQUEST, `The filter names ${entityType} twice.`);
  const isExact = matchType === MATCH.exact;
  if (
    (!isExact && matchType !== MATCH.default && matchType !== MATCH.specified) ||
    isExact === (match === null)
  )
    throw new Refusal(ERROR.INVALID_REQUEST, `The filter of ${entityType} makes no sense.`);
}

function checkType(entityType: string): void {
  if (ENTITY_TYPES.has(entityType)) return;
  throw entityType === ""
    ? new Refusal(ERROR.INVALID_REQUEST, "An entity has no type.")
    : new Refusal(ERROR.UNSUPPORTED_VERSION, `There are no entities of the type ${entityType}.`);
}

/** A user without a client's id, nor an address. */
function isMeant({ name }: StoredUser, components: readonly Component[], isStrict: boolean): boolean {
  if (isStrict && components.length === 0) return false;
  return components.every(
    ({ entityType, matchType, match }) =>
      entityType === USER && (matchType === MATCH.specified || (matchType === MATCH.exact && match === name)),
  );
}

function described(user: StoredUser): Described {
  const values = RATE_NAMES.flatMap((key) => {
    const value = user[RATES[key]];
    return value === undefined ? [] : [{ key, value }];
  });
  return { entity: [{ entityType: USER, entityName: user.name }], values };
}

export async function answerAlterClientQuotas(
  { entries, validateOnly }: RequestOf<typeof alterClientQuotas>,
  context: Context,
): Promise<ResponseTo<typeof alterClientQuotas>> {
  const altered: Altered[] = [];
  const seen = new Set<string>();
  for (const entry of entries) {
    const { entity } = entry;
    try {
      context.caller.check("alterConfigs", "cluster");
      await alter(entry, validateOnly, seen, context);
      altered.push({ entity, errorCode: ERROR.NONE });
    } catch (error) {
      altered.push({ entity, ...refusalOf(error) });
    }
  }
  if (!validateOnly) await context.broker.security.refresh();
  return { entries: altered };
}

async function alter(
  { entity, ops }: Entry,
  isTrial: boolean,
  seen: Set<string>,
  { broker: { core, security } }: Context,
): Promise<void> {
  for (const { entityType } of entity) checkType(entityType);
  const [only, ...others] = entity;
  if (only === undefined) throw new Refusal(ERROR.INVALID_REQUEST, "An entry is of nothing.");
  const { entityType, entityName: name } = only;
  if (others.length > 0 || entityType !== USER || name === null)
    throw new Refusal(
      ERROR.UNSUPPORTED_VERSION,
      "Rates are those of a user here, by its name, and of nothing else.",
    );
  if (seen.has(name)) throw new Refusal(ERROR.INVALID_REQUEST, `The request changes ${name} twice.`);
  seen.add(name);
  const rates: { [Rate in (typeof RATES)[keyof typeof RATES]]?: number | null } = {};
  for (const { key, value, remove } of ops) {
    const rate = RATES[key as keyof typeof RATES];
    if (!RATE_NAMES.some((one) => one === key))
      throw new Refusal(ERROR.INVALID_REQUEST, `There is no quota ${key} here: ${RATE_NAMES.join(", ")}.`);
    if (rates[rate] !== undefined)
      throw new Refusal(ERROR.INVALID_REQUEST, `The entry changes ${key} twice.`);
    rates[rate] = remove ? null : rateOf(key, value);
  }
  if (!security.isOn) throw new Refusal(ERROR.SECURITY_DISABLED, "The log has no users.");
  if (!(await core.policies.read())?.policy.users.has(name))
    throw new Refusal(ERROR.RESOURCE_NOT_FOUND, `There is no user ${JSON.stringify(name)}.`);
  if (!isTrial) await new LogSecurity(core.policies).setUser(name, rates);
}

function rateOf(key: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw invalidArgument(
    key,
    `${key} cannot be ${value}.`,
    "Give a whole number of bytes a second, from 1 on.",
  );
}

function refusalOf(error: unknown) {
  if (!(error instanceof Refusal)) return toKafka(error);
  const { errorCode, message: errorMessage } = error;
  return { errorCode, errorMessage };
}

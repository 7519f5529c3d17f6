import { invalidArgument } from "../../../../errors.js";
import { LogSecurity } from "../../../security/log-security.js";
import { credentialFromSalted, ITERATIONS, type ScramMechanism } from "../../../security/scram.js";
import type { RequestOf, ResponseTo } from "../../protocol/api.js";
import { ERROR } from "../../protocol/error-codes.js";
import type {
  alterUserScramCredentials,
  describeUserScramCredentials,
} from "../../protocol/messages/security.js";
import type { Context } from "../context.js";
import { toKafka } from "../error-map.js";

type Result = ResponseTo<typeof alterUserScramCredentials>["results"][number];
type Described = ResponseTo<typeof describeUserScramCredentials>["results"][number];
type Upsertion = RequestOf<typeof alterUserScramCredentials>["upsertions"][number];

/** By Kafka's numbers. */
const MECHANISMS: ReadonlyMap<number, ScramMechanism> = new Map([
  [1, "SCRAM-SHA-256"],
  [2, "SCRAM-SHA-512"],
]);
/** RFC 7677: fewer would be guessed too soon. */
const LEAST_ITERATIONS = 4096;

export async function answerDescribeUserScramCredentials(
  { users: asked }: RequestOf<typeof describeUserScramCredentials>,
  { broker, caller }: Context,
): Promise<ResponseTo<typeof describeUserScramCredentials>> {
  try {
    caller.check("describe", "cluster");
    const found = (await broker.core.policies.read())?.policy.users ?? new Map();
    const names = asked === null || asked.length === 0 ? [...found.keys()] : asked.map(({ name }) => name);
    const results = [...new Set(names)].map((user): Described => {
      const credentials = found.get(user)?.credentials ?? {};
      const credentialInfos = [...MECHANISMS].flatMap(([mechanism, name]) => {
        const iterations = credentials[name]?.iterations;
        return iterations === undefined ? [] : [{ mechanism, iterations }];
      });
      if (credentialInfos.length > 0) return { user, errorCode: ERROR.NONE, credentialInfos };
      const errorMessage = "There is no such user, or none with a password.";
      return { user, errorCode: ERROR.RESOURCE_NOT_FOUND, errorMessage, credentialInfos };
    });
    const isOfAll = asked === null || asked.length === 0;
    return {
      errorCode: ERROR.NONE,
      results: isOfAll ? results.filter(({ errorCode }) => errorCode === ERROR.NONE) : results,
    };
  } catch (error) {
    return { ...toKafka(error), results: [] };
  }
}

export async function answerAlterUserScramCredentials(
  { deletions, upsertions }: RequestOf<typeof alterUserScramCredentials>,
  { broker, caller }: Context,
): Promise<ResponseTo<typeof alterUserScramCredentials>> {
  const { core, security } = broker;
  const results = new Map<string, Result>();
  const seen = new Set<string>();
  const each = async (user: string, mechanism: number, work: (known: ScramMechanism) => Promise<Result>) => {
    const outcome = await Promise.resolve()
      .then(async (): Promise<Result> => {
        caller.check("alter", "cluster");
        if (!security.isOn) return refused(user, ERROR.SECURITY_DISABLED, FIRST_USER);
        const known = MECHANISMS.get(mechanism);
        if (known === undefined)
          return refused(user, ERROR.UNSUPPORTED_SASL_MECHANISM, "That mechanism is not known here.");
        if (seen.has(`${mechanism} ${user}`))
          return refused(user, ERROR.DUPLICATE_RESOURCE, "The request changes one credential twice.");
        seen.add(`${mechanism} ${user}`);
        return work(known);
      })
      .catch((error: unknown) => ({ user, ...toKafka(error) }));
    // Of several changes of one user, the first that fails.
    if ((results.get(user)?.errorCode ?? ERROR.NONE) === ERROR.NONE) results.set(user, outcome);
  };
  const log = new LogSecurity(core.policies);
  for (const { name, mechanism } of deletions)
    await each(name, mechanism, async (known) =>
      (await log.removeCredential(name, known))
        ? { user: name, errorCode: ERROR.NONE }
        : refused(name, ERROR.RESOURCE_NOT_FOUND, "There is no such credential."),
    );
  for (const upsertion of upsertions)
    await each(upsertion.name, upsertion.mechanism, async (known) => {
      const { name, salt, saltedPassword, iterations } = checked(upsertion);
      await log.setCredential(name, known, credentialFromSalted(known, saltedPassword, salt, iterations));
      return { user: name, errorCode: ERROR.NONE };
    });
  await security.refresh();
  return { results: [...results.values()] };
}

const FIRST_USER = "The log has no users yet: streamctl user set makes the first one.";

function refused(user: string, errorCode: number, errorMessage: string): Result {
  return { user, errorCode, errorMessage };
}

function checked(upsertion: Upsertion): Upsertion {
  const { name, iterations, salt, saltedPassword } = upsertion;
  const isFit = iterations >= LEAST_ITERATIONS && iterations <= ITERATIONS;
  if (isFit && salt.length > 0 && salt.length <= 1024 && saltedPassword.length > 0) return upsertion;
  throw invalidArgument(
    name,
    `A credential with ${iterations} iterations and a salt of ${salt.length} bytes is not taken.`,
    `Give ${LEAST_ITERATIONS} to ${ITERATIONS} iterations, and a salt.`,
  );
}

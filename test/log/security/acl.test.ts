import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Acl,
  isAllowed,
  isAllowedSomewhere,
  OPERATIONS_ON,
  type Operation,
  type Resource,
} from "../../../lib/lakehouse/log/security/acl.js";
import { runs } from "../../support/runs.js";

const USERS = ["a", "b"];
const HOSTS = ["h1", "h2"];
/** Of few letters, so that prefixes meet. */
const NAMES = ["x", "xx", "xy", "y", "yx"];
const RESOURCES: readonly Resource[] = ["topic", "group"];

const anyAcl: fc.Arbitrary<Acl> = fc.constantFrom(...RESOURCES).chain((resource) =>
  fc.record({
    resource: fc.constant(resource),
    user: fc.constantFrom(...USERS, "*"),
    host: fc.constantFrom(...HOSTS, "*"),
    permission: fc.constantFrom("allow", "allow", "deny"),
    operation: fc.constantFrom<Operation>("all", ...OPERATIONS_ON[resource]),
    pattern: fc.constantFrom("literal", "prefixed"),
    name: fc.constantFrom(...NAMES, "*"),
  }),
);

/** As Kafka's documentation has it, said as plainly as can be. */
function mayByTheBook(
  acls: readonly Acl[],
  user: string,
  host: string,
  operation: Operation,
  resource: Resource,
  name: string,
) {
  const about = acls.filter(
    (acl) =>
      acl.resource === resource &&
      ["*", user].includes(acl.user) &&
      ["*", host].includes(acl.host) &&
      (acl.pattern === "prefixed" ? name.startsWith(acl.name) : acl.name === "*" || acl.name === name),
  );
  const says = (permission: string, operations: readonly string[]) =>
    about.some((acl) => acl.permission === permission && operations.includes(acl.operation));
  if (says("deny", ["all", operation])) return false;
  if (operation === "describe") return says("allow", ["all", "describe", "read", "write", "delete", "alter"]);
  if (operation === "describeConfigs") return says("allow", ["all", "describeConfigs", "alterConfigs"]);
  return says("allow", ["all", operation]);
}

test("the list allows what it says, and denies the rest", () => {
  fc.assert(
    fc.property(fc.array(anyAcl, { maxLength: 8 }), (acls) => {
      for (const resource of RESOURCES)
        for (const operation of OPERATIONS_ON[resource])
          for (const user of USERS)
            for (const host of HOSTS)
              for (const name of NAMES)
                expect(isAllowed(acls, { user, host }, operation, resource, name)).toBe(
                  mayByTheBook(acls, user, host, operation, resource, name),
                );
    }),
    { numRuns: runs(300) },
  );
});

test("who may somewhere is found wherever there is a name that he may", () => {
  const tried = [...NAMES, "xxx", "yxz", "*", "z"];
  fc.assert(
    fc.property(fc.array(anyAcl, { maxLength: 6 }), (acls) => {
      for (const user of USERS)
        for (const host of HOSTS) {
          const isThere = tried.some((name) => isAllowed(acls, { user, host }, "write", "topic", name));
          if (isThere) expect(isAllowedSomewhere(acls, { user, host }, "write", "topic")).toBe(true);
          const hasAny = acls.some(({ permission }) => permission === "allow");
          if (!hasAny) expect(isAllowedSomewhere(acls, { user, host }, "write", "topic")).toBe(false);
        }
    }),
    { numRuns: runs(300) },
  );
});

/** What a caller has to be allowed for each operation of the registry: a subject's schemas belong to its topic. */
import type { Operation } from "../../security/acl.js";
import type { Caller } from "../../security/caller.js";
import type { SchemaRegistry } from "../registry.js";
import { topicOfSubject } from "../subjects.js";
import { RegistryFault } from "./faults.js";

type Method = "GET" | "POST" | "PUT" | "DELETE";

/** By what a path begins with. Reading is all that those need which are not here. */
const CHANGES: readonly (readonly [path: string, Partial<Record<Method, Operation>>])[] = [
  ["/subjects/:subject/versions", { POST: "write", DELETE: "delete" }],
  ["/subjects/:subject", { DELETE: "delete" }],
  ["/config", { PUT: "alterConfigs", DELETE: "alterConfigs" }],
  ["/mode", { PUT: "alterConfigs", DELETE: "alterConfigs" }],
];

/**
 * @param subject where the operation is about one.
 * @throws LakehouseError TOPIC_AUTHORIZATION_FAILED, CLUSTER_AUTHORIZATION_FAILED
 */
export function checkRoute(caller: Caller, method: Method, path: string, subject: string | undefined): void {
  const change = CHANGES.find(([begin]) => path.startsWith(begin))?.[1][method];
  if (subject !== undefined) caller.check(change ?? "describe", "topic", topicOfSubject(subject));
  else if (change !== undefined) caller.check(change, "cluster");
}

/** Ids are easily guessed: a schema is shown to who may know of a subject that has it. */
export async function checkSchemaId(
  registry: SchemaRegistry,
  id: number,
  sees: (subject: string) => boolean,
): Promise<void> {
  const uses = await registry.uses(id, { deleted: true });
  if (!uses.some(({ subject }) => sees(subject)))
    throw new RegistryFault(40301, "The schema is of no subject that this user may see.");
}

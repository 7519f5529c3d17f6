import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { topicDenied } from "../errors.js";
import type { Compatibility, RegistryMode } from "../schemas/entries.js";
import type { SchemaRegistry } from "../schemas/registry.js";
import { seesSubject } from "../schemas/subjects.js";
import { CALLER } from "./authenticated.js";
import type { SchemaService } from "./generated/sololakehouse/log/v1/schema_pb.js";
import { newSchemaOf, registeredMessage, versionMessage } from "./schema-messages.js";

const LATEST = "latest" as const;

export function schemaService(registry: SchemaRegistry): ServiceImpl<typeof SchemaService> {
  return {
    listSubjects: async (options) => ({ subjects: await registry.subjects(options) }),

    listVersions: async ({ subject, ...options }) => ({
      versions: await registry.versions(subject, options),
    }),

    getVersion: async ({ subject, version = LATEST, deleted }) =>
      versionMessage(await registry.version(subject, version, { deleted })),

    getSchema: async ({ id }, context) => {
      const schema = await registry.byId(id);
      await checkSeen(registry, id, context);
      return registeredMessage(schema);
    },

    listUses: async ({ id, deleted }) => ({ uses: await registry.uses(id, { deleted }) }),

    listReferrers: async ({ subject, version = LATEST }) => ({
      ids: await registry.referencedBy(subject, version),
    }),

    lookUpSchema: async ({ subject, schema, deleted }) =>
      versionMessage(await registry.lookup(subject, newSchemaOf(schema), { deleted })),

    registerSchema: async ({ subject, schema, id, version }) =>
      versionMessage(await registry.register(subject, newSchemaOf(schema), { id, version })),

    checkSchema: async ({ subject, schema, compared }) => {
      const version = compared.case === "version" ? compared.value : compared.value ? LATEST : undefined;
      return { refusals: await registry.check(subject, newSchemaOf(schema), version) };
    },

    deleteSubject: async ({ subject, permanent }) => ({
      versions: await registry.deleteSubject(subject, { permanent }),
    }),

    deleteVersion: async ({ subject, version = LATEST, permanent }) => ({
      version: await registry.deleteVersion(subject, version, { permanent }),
    }),

    getSchemaSettings: async ({ subject }) => {
      const own = subject === undefined ? undefined : await registry.ownCompatibility(subject);
      const ownMode = subject === undefined ? undefined : await registry.ownMode(subject);
      return {
        compatibility: await registry.compatibility(subject),
        mode: await registry.mode(subject),
        ...(own === undefined ? {} : { ownCompatibility: own }),
        ...(ownMode === undefined ? {} : { ownMode }),
      };
    },

    // What there is not of both is refused there.
    setCompatibility: async ({ subject, compatibility }) => {
      await registry.setCompatibility(compatibility as Compatibility | undefined, subject);
      return {};
    },

    setMode: async ({ subject, mode, force }) => {
      await registry.setMode(mode as RegistryMode | undefined, subject, { force });
      return {};
    },
  };
}

/** Ids are easily guessed: a schema is shown to who may know of a subject that has it. */
async function checkSeen(registry: SchemaRegistry, id: number, { values }: HandlerContext): Promise<void> {
  const caller = values.get(CALLER);
  const uses = await registry.uses(id, { deleted: true });
  if (caller !== undefined && uses.some(({ subject }) => seesSubject(caller, subject))) return;
  throw topicDenied(
    String(id),
    `The schema ${id} is of no subject that this user may see.`,
    "Ask an administrator for describe on its topic.",
  );
}

import type { TypedSchema } from "../../iceberg/index.js";
import type { LogCore } from "../core.js";
import { noSuchTopic } from "../errors.js";
import type { NewTopicOptions } from "../topics.js";
import { newSchema } from "./new-schema.js";
import type { SchemaRegistry } from "./registry.js";
import type { NewSchema } from "./schema.js";

/** Makes a topic whose values have a schema: both, or none. */
export async function createWithSchema<Row>(
  core: LogCore,
  registry: SchemaRegistry,
  name: string,
  options: NewTopicOptions,
  schema: NewSchema | TypedSchema<Row>,
): Promise<void> {
  const given = await newSchema(schema);
  const isThere = await core.topic(name).then(
    () => true,
    (error: unknown) => {
      if (noSuchTopic.is(error)) return false;
      throw error;
    },
  );
  await core.createTopic(name, options);
  try {
    await registry.register(`${name}-value`, given);
  } catch (error) {
    // That it stays hides no error.
    if (!isThere) await core.deleteTopic(name).catch(() => {});
    throw error;
  }
}

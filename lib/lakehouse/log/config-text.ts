/** A topic's settings as text: on a command line, and in messages. */
import { invalidConfig, nearNames } from "../errors.js";
import { DEFAULT_CONFIG, type TopicConfig } from "./meta/topic-config.js";

export function configText(config: Partial<TopicConfig>): Record<string, string> {
  return Object.fromEntries(Object.entries(config).map(([name, value]) => [name, String(value)]));
}

/**
 * Settings that came as text: which are numbers, the defaults say.
 *
 * @throws LakehouseError INVALID_CONFIG for one that there is not. Whether a value makes sense is for the log to say.
 */
export function configOf(text: Readonly<Record<string, string>>): Partial<TopicConfig> {
  const defaults: Readonly<Record<string, unknown>> = { ...DEFAULT_CONFIG };
  return Object.fromEntries(
    Object.entries(text).map(([name, value]) => {
      if (!Object.hasOwn(defaults, name)) throw noSetting(name, Object.keys(defaults));
      const isNumber = typeof defaults[name] === "number" && /^-?\d+(\.\d+)?$/.test(value);
      return [name, isNumber ? Number(value) : value];
    }),
  );
}

function noSetting(name: string, names: readonly string[]) {
  const [near] = nearNames(name, names);
  return invalidConfig(
    name,
    `A topic has no setting ${JSON.stringify(name)}.`,
    near === undefined ? `Its settings are ${names.join(", ")}.` : `Did you mean ${near}?`,
  );
}

import { invalidArgument, invalidConfig } from "../../../../errors.js";
import { type TopicConfig, topicConfig } from "../../../meta/topic-config.js";
import type { RequestOf, ResponseTo } from "../../protocol/api.js";
import { ERROR } from "../../protocol/error-codes.js";
import type {
  alterConfigs,
  describeConfigs,
  incrementalAlterConfigs,
} from "../../protocol/messages/configs.js";
import type { Broker, Context } from "../context.js";
import { toKafka } from "../error-map.js";
import { onceEach } from "../once-each.js";
import {
  configOf,
  type DescribedSetting,
  defaultOf,
  isList,
  onlyThese,
  settingOf,
  settingsOf,
  TYPE,
} from "../topic-settings.js";

type Described = ResponseTo<typeof describeConfigs>["results"][number];
type Asked = RequestOf<typeof describeConfigs>["resources"][number];
type Changed = RequestOf<typeof incrementalAlterConfigs>["resources"][number];
type Altered = ResponseTo<typeof alterConfigs>["responses"][number];

const TOPIC = 2;
const BROKER = 4;
/** Where a setting comes from. */
const SOURCE = { TOPIC: 1, STATIC_BROKER: 4, DEFAULT: 5 } as const;
const OPERATION = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const;

export async function answerDescribeConfigs(
  { resources, includeSynonyms, includeDocumentation }: RequestOf<typeof describeConfigs>,
  { broker, caller }: Context,
): Promise<ResponseTo<typeof describeConfigs>> {
  const wanted = onceEach(resources, ({ resourceType, resourceName }) => `${resourceType}/${resourceName}`);
  const results = wanted.map(async (asked): Promise<Described> => {
    const { resourceType, resourceName } = asked;
    try {
      if (resourceType === TOPIC) caller.check("describeConfigs", "topic", resourceName);
      else caller.check("describeConfigs", "cluster");
      const keys = asked.configurationKeys && new Set(asked.configurationKeys);
      const configs = (await configsOf(asked, broker))
        .filter(({ name }) => keys?.has(name) ?? true)
        .map(({ synonyms, documentation, ...config }) => ({
          ...config,
          synonyms: includeSynonyms ? synonyms : [],
          documentation: includeDocumentation ? documentation : null,
        }));
      return { errorCode: ERROR.NONE, errorMessage: null, resourceType, resourceName, configs };
    } catch (error) {
      return { ...toKafka(error), resourceType, resourceName, configs: [] };
    }
  });
  return { results: await Promise.all(results) };
}

async function configsOf({ resourceType, resourceName }: Asked, broker: Broker) {
  if (resourceType === TOPIC) return describedConfigs((await broker.core.topic(resourceName)).config);
  if (resourceType === BROKER && resourceName === String(broker.cluster.self)) return brokerConfigs(broker);
  throw unknownResource(resourceType, resourceName);
}

export function describedConfigs(config: TopicConfig) {
  return settingsOf(config).map(({ isDefault, type, defaultValue, ...setting }: DescribedSetting) => {
    const { name, value } = setting;
    const fallback = { name, value: defaultValue, source: SOURCE.DEFAULT };
    return {
      ...setting,
      isDefault,
      configSource: isDefault ? SOURCE.DEFAULT : SOURCE.TOPIC,
      configType: type,
      isSensitive: false,
      // The first is the one that counts.
      synonyms: isDefault ? [fallback] : [{ name, value, source: SOURCE.TOPIC }, fallback],
    };
  });
}

/** What the server was started with, as far as clients ask for it. */
function brokerConfigs({ settings, cluster }: Broker) {
  const configs: Readonly<Record<string, readonly [number | boolean, number]>> = {
    "broker.id": [cluster.self, TYPE.INT],
    "auto.create.topics.enable": [settings.autoCreateTopics, TYPE.BOOLEAN],
    "num.partitions": [settings.partitions, TYPE.INT],
    "socket.request.max.bytes": [settings.maxRequestBytes, TYPE.INT],
    "fetch.max.bytes": [settings.maxFetchBytes, TYPE.INT],
    "max.connections": [settings.maxConnections, TYPE.INT],
    "connections.max.idle.ms": [settings.idleMs, TYPE.LONG],
  };
  return Object.entries(configs).map(([name, [value, configType]]) => ({
    ...{ name, value: String(value), readOnly: true, isDefault: false, isSensitive: false, configType },
    configSource: SOURCE.STATIC_BROKER,
    synonyms: [{ name, value: String(value), source: SOURCE.STATIC_BROKER }],
    documentation: "The server was started with it.",
  }));
}

/** All settings at once: those that are not given are as nobody gave them. */
export async function answerAlterConfigs(
  { resources, validateOnly }: RequestOf<typeof alterConfigs>,
  context: Context,
): Promise<ResponseTo<typeof alterConfigs>> {
  return alteredAll(resources, validateOnly, context, ({ configs }) => onlyThese(configs));
}

export async function answerIncrementalAlterConfigs(
  { resources, validateOnly }: RequestOf<typeof incrementalAlterConfigs>,
  context: Context,
): Promise<ResponseTo<typeof incrementalAlterConfigs>> {
  return alteredAll(resources, validateOnly, context, ({ configs }, config) =>
    Object.assign({}, ...configs.map((change) => changeOf(change, config))),
  );
}

/** @param config as it is. */
function changeOf(
  { name, configOperation, value }: Changed["configs"][number],
  config: TopicConfig,
): Partial<TopicConfig> {
  if (configOperation === OPERATION.SET) return configOf([{ name, value }]);
  if (configOperation === OPERATION.DELETE) return defaultOf(name);
  if (!isList(name))
    throw invalidConfig(
      name,
      `The setting ${name} is no list that something could be added to, or taken from.`,
      "Set it.",
    );
  const parts = (value ?? "").split(",").map((part) => part.trim());
  const known = settingOf(config, name).split(",");
  const left =
    configOperation === OPERATION.APPEND
      ? [...known, ...parts]
      : known.filter((part) => !parts.includes(part));
  return configOf([{ name, value: left.join(",") }]);
}

interface Resource {
  readonly resourceType: number;
  readonly resourceName: string;
}

/** One after the other. What is named twice is not changed, since nobody knows which counts. */
async function alteredAll<Some extends Resource>(
  resources: readonly Some[],
  validateOnly: boolean,
  context: Context,
  changes: (resource: Some, config: TopicConfig) => Partial<TopicConfig>,
): Promise<{ readonly responses: Altered[] }> {
  const keyOf = ({ resourceType, resourceName }: Resource) => `${resourceType}/${resourceName}`;
  const times = new Map<string, number>();
  for (const one of resources) times.set(keyOf(one), (times.get(keyOf(one)) ?? 0) + 1);
  const responses: Altered[] = [];
  for (const resource of onceEach(resources, keyOf)) {
    const { resourceType, resourceName } = resource;
    try {
      if (times.get(keyOf(resource)) !== 1)
        throw invalidArgument(
          resourceName,
          `The request names ${resourceName} more than once.`,
          "Name it once.",
        );
      await alter(resource, validateOnly, context, (config) => changes(resource, config));
      responses.push({ errorCode: ERROR.NONE, errorMessage: null, resourceType, resourceName });
    } catch (error) {
      responses.push({ ...toKafka(error), resourceType, resourceName });
    }
  }
  return { responses };
}

async function alter(
  { resourceType, resourceName }: Resource,
  validateOnly: boolean,
  { broker: { core }, caller }: Context,
  changes: (config: TopicConfig) => Partial<TopicConfig>,
): Promise<void> {
  if (resourceType === TOPIC) caller.check("alterConfigs", "topic", resourceName);
  else caller.check("alterConfigs", "cluster");
  if (resourceType !== TOPIC) throw unknownResource(resourceType, resourceName);
  const { config } = await core.topic(resourceName);
  // These alone: others may be changing other settings at the same time.
  const change = changes(config);
  topicConfig({ ...config, ...change });
  if (!validateOnly) await core.alterTopic(resourceName, change);
}

function unknownResource(type: number, name: string) {
  return invalidArgument(
    name,
    `There are no settings of a resource of type ${type} named ${JSON.stringify(name)} here that could be asked for or changed.`,
    "Settings of topics can be read and changed, and those of this server read.",
  );
}

import { invalidArgument } from "../../../../errors.js";
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
import { configOf, type DescribedSetting, defaultOf, onlyThese, settingsOf } from "../topic-settings.js";

type Described = ResponseTo<typeof describeConfigs>["results"][number];
type Asked = RequestOf<typeof describeConfigs>["resources"][number];
type Changed = RequestOf<typeof incrementalAlterConfigs>["resources"][number];
type Altered = ResponseTo<typeof alterConfigs>["responses"][number];

const TOPIC = 2;
const BROKER = 4;
/** Where a setting comes from. */
const SOURCE = { TOPIC: 1, STATIC_BROKER: 4, DEFAULT: 5 } as const;
const STRING = 2;
const OPERATION = { SET: 0, DELETE: 1 } as const;

export async function answerDescribeConfigs(
  { resources }: RequestOf<typeof describeConfigs>,
  { broker, caller }: Context,
): Promise<ResponseTo<typeof describeConfigs>> {
  const wanted = onceEach(resources, ({ resourceType, resourceName }) => `${resourceType}/${resourceName}`);
  const results = wanted.map(async (asked): Promise<Described> => {
    const { resourceType, resourceName } = asked;
    try {
      if (resourceType === TOPIC) caller.check("describeConfigs", "topic", resourceName);
      else caller.check("describeConfigs", "cluster");
      const configs = (await configsOf(asked, broker)).filter(
        ({ name }) => asked.configurationKeys?.includes(name) ?? true,
      );
      return { errorCode: ERROR.NONE, errorMessage: null, resourceType, resourceName, configs };
    } catch (error) {
      return { ...toKafka(error), resourceType, resourceName, configs: [] };
    }
  });
  return { results: await Promise.all(results) };
}

async function configsOf({ resourceType, resourceName }: Asked, broker: Broker) {
  if (resourceType === TOPIC) return describedConfigs((await broker.core.topic(resourceName)).config);
  if (resourceType === BROKER && resourceName === String(broker.nodeId)) return brokerConfigs(broker);
  throw unknownResource(resourceType, resourceName);
}

export function describedConfigs(config: TopicConfig) {
  return settingsOf(config).map(({ isDefault, type, ...setting }: DescribedSetting) => ({
    ...setting,
    isDefault,
    configSource: isDefault ? SOURCE.DEFAULT : SOURCE.TOPIC,
    configType: type,
    isSensitive: false,
    synonyms: [],
    documentation: null,
  }));
}

/** What the server was started with, as far as clients ask for it. */
function brokerConfigs({ settings, nodeId }: Broker) {
  const configs: Readonly<Record<string, unknown>> = {
    "broker.id": nodeId,
    "auto.create.topics.enable": settings.autoCreateTopics,
    "num.partitions": settings.partitions,
    "socket.request.max.bytes": settings.maxRequestBytes,
    "fetch.max.bytes": settings.maxFetchBytes,
    "max.connections": settings.maxConnections,
    "connections.max.idle.ms": settings.idleMs,
  };
  return Object.entries(configs).map(([name, value]) => ({
    name,
    value: String(value),
    readOnly: true,
    isDefault: false,
    configSource: SOURCE.STATIC_BROKER,
    configType: STRING,
    isSensitive: false,
    synonyms: [],
    documentation: null,
  }));
}

/** All settings at once: those that are not given are as nobody gave them. */
export async function answerAlterConfigs(
  { resources, validateOnly }: RequestOf<typeof alterConfigs>,
  context: Context,
): Promise<ResponseTo<typeof alterConfigs>> {
  const responses: Altered[] = [];
  for (const { resourceType, resourceName, configs } of resources)
    responses.push(
      await altered(resourceType, resourceName, validateOnly, context, () => onlyThese(configs)),
    );
  return { responses };
}

export async function answerIncrementalAlterConfigs(
  { resources, validateOnly }: RequestOf<typeof incrementalAlterConfigs>,
  context: Context,
): Promise<ResponseTo<typeof incrementalAlterConfigs>> {
  const responses: Altered[] = [];
  for (const { resourceType, resourceName, configs } of resources)
    responses.push(
      await altered(resourceType, resourceName, validateOnly, context, () => changesOf(configs)),
    );
  return { responses };
}

function changesOf(configs: Changed["configs"]): Partial<TopicConfig> {
  return Object.assign(
    {},
    ...configs.map(({ name, configOperation, value }) => {
      if (configOperation === OPERATION.SET) return configOf([{ name, value }]);
      if (configOperation === OPERATION.DELETE) return defaultOf(name);
      throw invalidArgument(
        name,
        `The setting ${name} is no list that something could be added to, or taken from.`,
        "Set it.",
      );
    }),
  );
}

async function altered(
  resourceType: number,
  resourceName: string,
  validateOnly: boolean,
  { broker: { core }, caller }: Context,
  changes: () => Partial<TopicConfig>,
): Promise<Altered> {
  try {
    if (resourceType === TOPIC) caller.check("alterConfigs", "topic", resourceName);
    else caller.check("alterConfigs", "cluster");
    if (resourceType !== TOPIC) throw unknownResource(resourceType, resourceName);
    const { config } = await core.topic(resourceName);
    const change = topicConfig({ ...config, ...changes() });
    if (!validateOnly) await core.alterTopic(resourceName, change);
    return { errorCode: ERROR.NONE, errorMessage: null, resourceType, resourceName };
  } catch (error) {
    return { ...toKafka(error), resourceType, resourceName };
  }
}

function unknownResource(type: number, name: string) {
  return invalidArgument(
    name,
    `There are no settings of a resource of type ${type} named ${JSON.stringify(name)} here that could be asked for or changed.`,
    "Settings of topics can be read and changed, and those of this server read.",
  );
}

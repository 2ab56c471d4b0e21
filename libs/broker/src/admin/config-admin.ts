// Changes the configs of topics, brokers, groups and subscriptions to clients' metrics, and the level of this broker's log:
// decided on the true image, and the response is sent when they are applied. IncrementalAlterConfigs changes the named
// properties, the older AlterConfigs replaces all of them.
import { type BrokerId, ErrorCode } from '@milepost/core';
import {
  BROKER_CONFIG_KEYS,
  type BrokerConfigLayers,
  brokerConfigRefusal,
  CLIENT_METRICS_CONFIG_KEYS,
  clientMetricsProblem,
  type ClusterImage,
  type Configs,
  effectiveBrokerConfig,
  effectiveGroupConfig,
  groupConfigProblem,
  type MetadataChange,
  TOPIC_CONFIG_KEYS,
  topicConfigProblem,
  topicConfigValues,
  topicNameProblem,
} from '@milepost/metadata';
import { ConfigOperation, ConfigResourceType } from '@milepost/wire';
import { type CommitQueue } from './commit-queue.ts';
import { type Refusal, refusal } from '../refusal.ts';
import { decideLogLevel, type LogLevel } from './log-level.ts';

/** The database's limit for a key of an index. Topic names are far shorter. */
const MOST_NAME_BYTES = 2_000;

export interface ConfigResource {
  readonly resourceType: number;
  readonly resourceName: string;
}

export interface ConfigChange {
  readonly name: string;
  readonly configOperation: number;
  readonly value: string | null;
}

export interface ConfigAdminDeps {
  readonly brokerId: BrokerId;
  readonly queue: CommitQueue;
  readonly layers: (image: ClusterImage) => BrokerConfigLayers;
  readonly logLevel: LogLevel;
}

type Wish = ConfigResource & { readonly configs: readonly ConfigChange[]; readonly mode: 'incremental' | 'replace' };

export class ConfigAdmin {
  readonly #deps: ConfigAdminDeps;

  constructor(deps: ConfigAdminDeps) {
    this.#deps = deps;
  }

  /** In the order of the requests; undefined where it is done, or would be. */
  alter(wishes: readonly Wish[], validateOnly: boolean): Promise<(Refusal | undefined)[]> {
    return this.#deps.queue.run((image) => {
      const decisions = wishes.map((wish) => this.#decide(wish, image));
      return {
        changes: validateOnly ? [] : decisions.filter((decision) => 'type' in decision),
        outcome: (failure) => {
          if (!validateOnly) for (const decision of decisions) if ('run' in decision) decision.run();
          return decisions.map((decision) => (isRefusal(decision) ? decision : failureOf(decision, failure)));
        },
      };
    });
  }

  #decide(wish: Wish, image: ClusterImage): Decided {
    const { resourceType, resourceName, configs, mode } = wish;
    const names = configs.map(({ name }) => name);
    if (new Set(names).size < names.length)
      return refusal(ErrorCode.INVALID_REQUEST, 'a property is named more than once');
    const nothing = configs.find(
      ({ value, configOperation }) => value === null && configOperation !== ConfigOperation.DELETE,
    );
    if (nothing) return refusal(ErrorCode.INVALID_REQUEST, `${nothing.name}: expected a value, seen null`);
    const isStorable = (text: string | null): boolean => text === null || !text.includes('\0');
    if (
      Buffer.byteLength(resourceName) > MOST_NAME_BYTES ||
      !configs.every(({ name, value }) => isStorable(name) && isStorable(value))
    )
      return refusal(
        ErrorCode.INVALID_REQUEST,
        `a name of more than ${MOST_NAME_BYTES} bytes, or U+0000, is not stored`,
      );
    switch (resourceType) {
      case ConfigResourceType.TOPIC:
        return this.#decideTopic(wish, image);
      case ConfigResourceType.BROKER:
        return this.#decideBroker(wish, image);
      case ConfigResourceType.GROUP:
        return this.#decideGroup(wish, image);
      case ConfigResourceType.CLIENT_METRICS:
        return this.#decideClientMetrics(wish, image);
      case ConfigResourceType.BROKER_LOGGER:
        if (mode === 'incremental') return decideLogLevel(wish, this.#deps);
      // falls through: AlterConfigs does not know loggers
      default:
        return refusal(ErrorCode.INVALID_REQUEST, `resource type ${resourceType} (${resourceName}) cannot be altered`);
    }
  }

  #decideTopic({ resourceName, configs, mode }: Wish, image: ClusterImage): Decided {
    if (resourceName === '') return refusal(ErrorCode.INVALID_REQUEST, 'a topic has a name');
    const nameProblem = topicNameProblem(resourceName);
    if (nameProblem) return refusal(ErrorCode.INVALID_TOPIC_EXCEPTION, nameProblem);
    const topic = image.topics.get(resourceName);
    if (!topic) return refusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic ${resourceName}`);
    const layers = this.#deps.layers(image);
    const isList = (name: string): boolean => TOPIC_CONFIG_KEYS.some((key) => key.name === name && key.type === 'LIST');
    const effective = topicConfigValues(topic.configs, layers);
    const altered = alteredConfigs(mode === 'replace' ? {} : topic.configs, configs, { isList, effective });
    if ('error' in altered) return altered;
    const problem = topicConfigProblem(altered.configs, layers);
    if (problem) return refusal(ErrorCode.INVALID_CONFIG, problem);
    return { type: 'topic-configured', id: topic.id, configs: altered.configs };
  }

  #decideBroker({ resourceName, configs, mode }: Wish, image: ClusterImage): Decided {
    const { brokerId, layers } = this.#deps;
    if (resourceName !== '' && resourceName !== String(brokerId))
      return refusal(ErrorCode.INVALID_REQUEST, `broker ${resourceName}: expected ${brokerId}, or '' for all`);
    const current = image.brokerConfigs.get(resourceName) ?? {};
    const isList = (name: string): boolean => BROKER_CONFIG_KEYS.get(name)?.type === 'LIST';
    const effective = textsOf(effectiveBrokerConfig(layers(image)));
    const altered = alteredConfigs(mode === 'replace' ? {} : current, configs, { isList, effective });
    if ('error' in altered) return altered;
    for (const { name } of configs) {
      const refused =
        altered.configs[name] === undefined ? undefined : brokerConfigRefusal(name, altered.configs[name]);
      if (refused) return refusal(ErrorCode.INVALID_REQUEST, refused);
    }
    return { type: 'broker-configured', id: resourceName, configs: altered.configs };
  }

  #decideGroup({ resourceName: groupId, configs, mode }: Wish, image: ClusterImage): Decided {
    if (groupId === '') return refusal(ErrorCode.INVALID_REQUEST, 'a group needs a name');
    const current = image.groupConfigs.get(groupId) ?? {};
    const layers = this.#deps.layers(image);
    const effective = textsOf(effectiveGroupConfig(current, layers));
    const altered = alteredConfigs(mode === 'replace' ? {} : current, configs, { isList: () => false, effective });
    if ('error' in altered) return altered;
    const problem = groupConfigProblem(altered.configs, layers);
    if (problem) return refusal(ErrorCode.INVALID_CONFIG, problem);
    return { type: 'group-configured', groupId, configs: altered.configs };
  }

  #decideClientMetrics({ resourceName: name, configs, mode }: Wish, image: ClusterImage): Decided {
    const current = image.clientMetricsConfigs.get(name) ?? {};
    const isList = (property: string): boolean =>
      CLIENT_METRICS_CONFIG_KEYS.some((key) => key.name === property && key.type === 'LIST');
    const altered = alteredConfigs(mode === 'replace' ? {} : current, configs, { isList, effective: {} });
    if ('error' in altered) return altered;
    const problem = clientMetricsProblem(name, altered.configs);
    if (problem)
      return refusal(
        problem.reason === 'request' ? ErrorCode.INVALID_REQUEST : ErrorCode.INVALID_CONFIG,
        problem.message,
      );
    return { type: 'client-metrics-configured', name, configs: altered.configs };
  }
}

/** A change of the metadata, something to do only on this broker, or a refusal. */
type Decided = MetadataChange | { readonly run: () => void } | Refusal;

const isRefusal = (decided: Decided): decided is Refusal => 'error' in decided;

/** What is done only on this broker does not depend on the store. */
const failureOf = (decided: Decided, failure: Refusal | undefined): Refusal | undefined =>
  'run' in decided ? undefined : failure;

const textsOf = (entries: readonly { readonly name: string; readonly value: string | null }[]): Configs =>
  Object.fromEntries(entries.map(({ name, value }) => [name, value ?? '']));

interface Context {
  readonly isList: (name: string) => boolean;
  /** The values that hold now: a list begins with them before items are appended or subtracted. */
  readonly effective: Configs;
}

function alteredConfigs(
  current: Configs,
  changes: readonly ConfigChange[],
  { isList, effective }: Context,
): { configs: Record<string, string> } | Refusal {
  const configs: Record<string, string> = { ...current };
  for (const { name, configOperation, value } of changes) {
    const items = (configs[name] ?? effective[name] ?? '').split(',').filter(Boolean);
    const named = (value ?? '').split(',').filter(Boolean);
    switch (configOperation) {
      case ConfigOperation.SET:
        configs[name] = value ?? '';
        break;
      case ConfigOperation.DELETE:
        delete configs[name];
        break;
      case ConfigOperation.APPEND:
      case ConfigOperation.SUBTRACT: {
        if (!isList(name)) return refusal(ErrorCode.INVALID_CONFIG, `${name} is not a list`);
        const isAdded = configOperation === ConfigOperation.APPEND;
        const kept = isAdded ? new Set([...items, ...named]) : items.filter((item) => !named.includes(item));
        configs[name] = [...kept].join(',');
        break;
      }
      default:
        return refusal(
          ErrorCode.INVALID_REQUEST,
          `${name}: operation ${configOperation} is unknown, 0 to 3 are expected`,
        );
    }
  }
  return { configs };
}

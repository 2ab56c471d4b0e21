// DescribeConfigs' entry for one property: its value, the value's source, and the values of lower precedence.
import type { ConfigType } from './config-key.ts';
import type { ClusterImage } from './image.ts';
import type { Configs } from './topic-state.ts';

/** Numbers as DescribeConfigs writes them. */
export const ConfigSource = {
  DYNAMIC_TOPIC_CONFIG: 1,
  DYNAMIC_BROKER_CONFIG: 2,
  DYNAMIC_DEFAULT_BROKER_CONFIG: 3,
  STATIC_BROKER_CONFIG: 4,
  DEFAULT_CONFIG: 5,
  DYNAMIC_BROKER_LOGGER_CONFIG: 6,
  DYNAMIC_CLIENT_METRICS_CONFIG: 7,
  DYNAMIC_GROUP_CONFIG: 8,
} as const;
export type ConfigSource = (typeof ConfigSource)[keyof typeof ConfigSource];

/** Numbers as DescribeConfigs writes them. */
export const ConfigTypeCode: Readonly<Record<ConfigType, number>> = {
  BOOLEAN: 1,
  STRING: 2,
  INT: 3,
  SHORT: 4,
  LONG: 5,
  DOUBLE: 6,
  LIST: 7,
  PASSWORD: 9,
};

export interface ConfigSynonym {
  readonly name: string;
  readonly value: string;
  readonly source: ConfigSource;
}

export interface ConfigEntry {
  readonly name: string;
  readonly value: string | null;
  readonly type: ConfigType;
  readonly source: ConfigSource;
  readonly readOnly: boolean;
  /** The strongest first. */
  readonly synonyms: readonly ConfigSynonym[];
  readonly documentation: string;
}

/** What is set for one broker, the strongest first. Names and texts are Kafka's. */
export interface BrokerConfigLayers {
  /** For this broker, by IncrementalAlterConfigs. */
  readonly dynamic: Configs;
  /** For all brokers, by IncrementalAlterConfigs. */
  readonly dynamicDefault: Configs;
  /** At its start: KAFKA_* and server.properties. */
  readonly static: Configs;
}

const none: Configs = {};

export const brokerConfigLayers = (image: ClusterImage, brokerId: number, atStart: Configs): BrokerConfigLayers => ({
  dynamic: image.brokerConfigs.get(String(brokerId)) ?? none,
  dynamicDefault: image.brokerConfigs.get('') ?? none,
  static: atStart,
});

/** The strongest of what is set; undefined: the default holds. */
export const layered = (layers: BrokerConfigLayers, name: string): string | undefined =>
  layers.dynamic[name] ?? layers.dynamicDefault[name] ?? layers.static[name];

/**
 * All that is set under any of the names, layer by layer, then the defaults. Kafka lets the list begin at the described
 * name: where only `log.retention.hours` is set, it shows nothing for `log.retention.ms`, and clients get the same here.
 */
export function synonymsOf(
  layers: BrokerConfigLayers,
  described: string | undefined,
  names: readonly string[],
  defaultOf: (name: string) => string | null,
): ConfigSynonym[] {
  const all: ConfigSynonym[] = [];
  const collect = (source: ConfigSource, valueOf: (name: string) => string | null | undefined): void => {
    for (const name of names) {
      const value = valueOf(name);
      if (value !== undefined && value !== null) all.push({ name, value, source });
    }
  };
  collect(ConfigSource.DYNAMIC_BROKER_CONFIG, (name) => layers.dynamic[name]);
  collect(ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG, (name) => layers.dynamicDefault[name]);
  collect(ConfigSource.STATIC_BROKER_CONFIG, (name) => layers.static[name]);
  collect(ConfigSource.DEFAULT_CONFIG, defaultOf);
  const first = all.findIndex((synonym) => synonym.name === described);
  return first < 0 ? [] : all.slice(first);
}

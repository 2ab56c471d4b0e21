// A topic's resulting properties, from its own settings and the brokers'. Pure; independent of where they are stored.
import { brokerValue } from './broker-config.ts';
import {
  type BrokerConfigLayers,
  type ConfigEntry,
  ConfigSource,
  type ConfigSynonym,
  layered,
  synonymsOf,
} from './config-entry.ts';
import { parseConfig } from './config-key.ts';
import type { Configs } from './topic-state.ts';
import { type BrokerSynonym, TOPIC_CONFIG_KEYS, type TopicConfigKey } from './topic-config-keys.ts';

/** Every property with its source and synonyms, by name: the entries of DescribeConfigs for a topic. */
export function effectiveTopicConfig(topicConfigs: Configs, brokerConfigs: BrokerConfigLayers): ConfigEntry[] {
  return TOPIC_CONFIG_KEYS.map((key) => entryOf(key, topicConfigs, brokerConfigs));
}

/**
 * The same values without their sources, complete with defaults, for libs/log. It has one more that only brokers have.
 */
export function topicConfigValues(topicConfigs: Configs, brokerConfigs: BrokerConfigLayers): Record<string, string> {
  const values: Record<string, string> = {};
  for (const key of TOPIC_CONFIG_KEYS) values[key.name] = valueOf(key, topicConfigs, brokerConfigs);
  values['producer.id.expiration.ms'] = brokerValue(brokerConfigs, 'producer.id.expiration.ms') ?? '';
  return values;
}

/**
 * Undefined if Kafka would accept the properties for a topic, else the problem of the first bad one. Null is a value
 * that the wire allows and Kafka refuses.
 */
export function topicConfigProblem(
  topicConfigs: Readonly<Record<string, string | null>>,
  brokerConfigs: BrokerConfigLayers,
): string | undefined {
  const set: Record<string, string> = {};
  for (const [name, text] of Object.entries(topicConfigs)) {
    const key = keysByName.get(name);
    if (!key) return `unknown topic property ${name}`;
    const parsed = parseConfig(key, text);
    if ('problem' in parsed) return parsed.problem;
    set[name] = parsed.text;
  }
  if (set['remote.storage.enable'] === 'true')
    return 'remote.storage.enable: expected false, as there is no tiered storage';
  return lagsCrossed(topicConfigValues(set, brokerConfigs));
}

export const isTopicConfig = (name: string): boolean => keysByName.has(name);

const keysByName: ReadonlyMap<string, TopicConfigKey> = new Map(TOPIC_CONFIG_KEYS.map((key) => [key.name, key]));

function entryOf(key: TopicConfigKey, topicConfigs: Configs, layers: BrokerConfigLayers): ConfigEntry {
  const value = valueOf(key, topicConfigs, layers);
  const names = key.synonyms.map(({ name }) => name);
  const synonyms: ConfigSynonym[] = synonymsOf(layers, names[0], names, (name) => {
    const synonym = key.synonyms.find((one) => one.name === name);
    return synonym?.default === undefined ? key.default : synonym.default;
  });
  // Set to the value that it would have anyway is still set.
  if (topicConfigs[key.name] !== undefined)
    synonyms.unshift({ name: key.name, value, source: ConfigSource.DYNAMIC_TOPIC_CONFIG });
  return {
    name: key.name,
    value,
    type: key.type,
    source: synonyms[0]?.source ?? ConfigSource.DEFAULT_CONFIG,
    readOnly: false,
    synonyms,
    documentation: key.documentation,
  };
}

/**
 * An unreadable value falls through to the next layer: it would be refused when set, so only a manual change of the
 * table left it.
 */
function valueOf(key: TopicConfigKey, topicConfigs: Configs, layers: BrokerConfigLayers): string {
  const own = topicConfigs[key.name];
  if (own !== undefined) {
    const parsed = parseConfig(key, own);
    if ('text' in parsed) return parsed.text;
  }
  for (const synonym of key.synonyms) {
    const text = layered(layers, synonym.name);
    const value = text === undefined ? undefined : fromSynonym(key, synonym, text);
    if (value !== undefined) return value;
  }
  return key.default;
}

/** In the topic property's unit. Of times in several units Kafka takes any negative one for "no limit". */
function fromSynonym(key: TopicConfigKey, synonym: BrokerSynonym, text: string): string | undefined {
  const { accepts: _, ...unchecked } = key;
  const parsed = parseConfig(key.synonyms.length > 1 ? { ...unchecked, name: synonym.name } : key, text);
  if ('problem' in parsed) return undefined;
  if (key.synonyms.length === 1) return parsed.text;
  const amount = BigInt(parsed.text) * BigInt(synonym.unitMs ?? 1);
  const inUnit = parseConfig(key, String(amount < 0n ? -1n : amount));
  return 'text' in inUnit ? inUnit.text : undefined;
}

function lagsCrossed(values: Readonly<Record<string, string>>): string | undefined {
  const least = values['min.compaction.lag.ms'] ?? '0';
  const most = values['max.compaction.lag.ms'] ?? '0';
  return BigInt(least) > BigInt(most)
    ? `min.compaction.lag.ms: expected at most max.compaction.lag.ms (${most}), seen ${least}`
    : undefined;
}

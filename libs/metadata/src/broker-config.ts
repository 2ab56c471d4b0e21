// The brokers' properties: the set values, the resulting values, and the check of new ones. Pure.
import { type BrokerConfigLayers, type ConfigEntry, ConfigSource, layered, synonymsOf } from './config-entry.ts';
import { BROKER_CONFIG_KEYS, type BrokerConfigKey } from './broker-config-keys.ts';
import { parseConfig } from './config-key.ts';
import { invariant } from '@milepost/core';
import type { Configs } from './topic-state.ts';

/** The value that holds for a supported property; null where nothing is set and Kafka has no default. */
export function brokerValue(layers: BrokerConfigLayers, name: string): string | null {
  const key = keyOf(name);
  const set = layered(layers, name);
  const parsed = set === undefined ? undefined : parseConfig(key, set);
  return parsed && 'text' in parsed ? parsed.text : key.default;
}

/** Of an INT, SHORT, LONG or DOUBLE with a default. A LONG beyond 2^53 - 1 is that. */
export function brokerNumber(layers: BrokerConfigLayers, name: string): number {
  const text = brokerValue(layers, name);
  invariant(text !== null, () => `${name} has no value`);
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER);
}

export const brokerFlag = (layers: BrokerConfigLayers, name: string): boolean => brokerValue(layers, name) === 'true';

export const brokerList = (layers: BrokerConfigLayers, name: string): string[] =>
  (brokerValue(layers, name) ?? '').split(',').filter((item) => item !== '');

/** The entries of DescribeConfigs for one broker. */
export const effectiveBrokerConfig = (layers: BrokerConfigLayers): ConfigEntry[] =>
  [...BROKER_CONFIG_KEYS.values()].map((key) => entryOf(key, layers));

/** The entries of DescribeConfigs for the brokers' common dynamic defaults (the resource with the empty name). */
export function clusterBrokerConfig(dynamicDefault: Configs): ConfigEntry[] {
  const layers = { dynamic: {}, dynamicDefault, static: {} };
  return effectiveBrokerConfig(layers)
    .filter((entry) => dynamicDefault[entry.name] !== undefined)
    .map((entry) => ({
      ...entry,
      synonyms: entry.synonyms.filter(({ source }) => source === ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG),
    }));
}

/**
 * Why AlterConfigs may not set the property to the text, if so: INVALID_REQUEST, whatever the reason (KAFKA-13609). An
 * unknown property is stored and has no effect, as in Kafka.
 */
export function brokerConfigRefusal(name: string, text: string | null): string | undefined {
  const key = BROKER_CONFIG_KEYS.get(name);
  if (!key) return undefined;
  if (key.mutability === 'read-only') return `${name} is changed only by a restart`;
  const parsed = parseConfig(key, text);
  return 'problem' in parsed ? parsed.problem : undefined;
}

function keyOf(name: string): BrokerConfigKey {
  const key = BROKER_CONFIG_KEYS.get(name);
  invariant(key, () => `${name} is not a supported broker property`);
  return key;
}

function entryOf(key: BrokerConfigKey, layers: BrokerConfigLayers): ConfigEntry {
  const defaultOf = (name: string): string | null => BROKER_CONFIG_KEYS.get(name)?.default ?? null;
  const synonyms = synonymsOf(layers, key.name, key.family ?? [key.name], defaultOf);
  const isSecret = key.type === 'PASSWORD';
  return {
    name: key.name,
    value: isSecret ? null : brokerValue(layers, key.name),
    type: key.type,
    source: synonyms[0]?.source ?? ConfigSource.DEFAULT_CONFIG,
    readOnly: key.mutability === 'read-only',
    synonyms: isSecret ? [] : synonyms,
    documentation: key.documentation,
  };
}

import {
  brokerConfigRefusal,
  brokerFlag,
  brokerList,
  brokerNumber,
  brokerValue,
  clusterBrokerConfig,
  effectiveBrokerConfig,
} from './broker-config.ts';
import { BROKER_CONFIG_KEYS } from './broker-config-keys.ts';
import { type BrokerConfigLayers, ConfigSource } from './config-entry.ts';
import { parseConfig } from './config-key.ts';

const layers = (some: Partial<BrokerConfigLayers> = {}): BrokerConfigLayers => ({
  dynamic: {},
  dynamicDefault: {},
  static: {},
  ...some,
});

test('without settings Kafka’s defaults hold', () => {
  expect(brokerNumber(layers(), 'num.partitions')).toBe(1);
  expect(brokerFlag(layers(), 'auto.create.topics.enable')).toBe(true);
  expect(brokerList(layers(), 'group.consumer.assignors')).toEqual(['uniform', 'range']);
  expect(brokerValue(layers(), 'log.retention.ms')).toBeNull();
  expect(brokerNumber(layers(), 'log.flush.interval.messages')).toBe(Number.MAX_SAFE_INTEGER);
});

test('every default is a good value of its property', () => {
  for (const key of BROKER_CONFIG_KEYS.values())
    if (key.default !== null) expect(parseConfig(key, key.default)).toEqual({ text: key.default });
});

test('a value for one broker takes precedence over one for all, and that over the start’s', () => {
  const some = layers({
    dynamic: { 'message.max.bytes': '3' },
    dynamicDefault: { 'message.max.bytes': '2', 'log.segment.bytes': '2097152' },
    static: { 'message.max.bytes': '1', 'log.segment.bytes': '1048576', 'num.partitions': '4' },
  });
  expect(brokerNumber(some, 'message.max.bytes')).toBe(3);
  expect(brokerNumber(some, 'log.segment.bytes')).toBe(2_097_152);
  expect(brokerNumber(some, 'num.partitions')).toBe(4);
});

// The responses of a Kafka 4.3.1 broker with these settings.
test('synonyms of a broker’s own properties are returned as in Kafka', () => {
  const entries = effectiveBrokerConfig(
    layers({ dynamicDefault: { 'log.retention.ms': '777000' }, static: { 'log.retention.hours': '48' } }),
  );
  const told = (name: string) => {
    const { value, source, readOnly, synonyms = [] } = entries.find((one) => one.name === name) ?? {};
    return [value, source, readOnly, ...synonyms.map((one) => `${one.source} ${one.name}=${one.value}`)];
  };
  expect(told('log.retention.ms')).toEqual([
    '777000',
    3,
    false,
    '3 log.retention.ms=777000',
    '4 log.retention.hours=48',
    '5 log.retention.hours=168',
  ]);
  expect(told('log.retention.hours')).toEqual(['48', 4, true, '4 log.retention.hours=48', '5 log.retention.hours=168']);
  expect(told('log.roll.hours')).toEqual(['168', 5, true, '5 log.roll.hours=168']);
  expect(told('log.retention.minutes')).toEqual([null, 5, true]);
  expect(told('log.flush.interval.ms')).toEqual([null, 5, false]);
  expect(told('log.flush.scheduler.interval.ms')).toEqual([
    '9223372036854775807',
    5,
    true,
    '5 log.flush.scheduler.interval.ms=9223372036854775807',
  ]);
  expect(told('num.partitions')).toEqual(['1', 5, true, '5 num.partitions=1']);
});

test('of the brokers’ common defaults only those that are set are returned', () => {
  expect(clusterBrokerConfig({ 'message.max.bytes': '2' })).toMatchObject([
    {
      name: 'message.max.bytes',
      value: '2',
      source: ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG,
      synonyms: [{ value: '2' }],
    },
  ]);
});

test('a property that needs a restart, and a bad value, are refused', () => {
  expect(brokerConfigRefusal('num.partitions', '4')).toBe('num.partitions is changed only by a restart');
  expect(brokerConfigRefusal('log.segment.bytes', '1')).toBe('log.segment.bytes: expected at least 1048576, seen "1"');
  expect(brokerConfigRefusal('log.segment.bytes', '1048576')).toBeUndefined();
  expect(brokerConfigRefusal('log.retention.ms', '-2')).toBeUndefined();
  expect(brokerConfigRefusal('nobody.knows.this', 'x')).toBeUndefined();
});

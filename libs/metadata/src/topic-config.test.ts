import { logConfigOf } from '@milepost/log';
import { type BrokerConfigLayers, ConfigSource } from './config-entry.ts';
import { effectiveTopicConfig, topicConfigProblem, topicConfigValues } from './topic-config.ts';
import { TOPIC_CONFIG_KEYS } from './topic-config-keys.ts';

const layers = (some: Partial<BrokerConfigLayers> = {}): BrokerConfigLayers => ({
  dynamic: {},
  dynamicDefault: {},
  static: {},
  ...some,
});
const entry = (name: string, topic: Record<string, string>, broker = layers()) =>
  effectiveTopicConfig(topic, broker).find((one) => one.name === name);
const problem = (configs: Record<string, string | null>) => topicConfigProblem(configs, layers());

test('every property of Kafka 4.3 is there, in order, and its default is a good value', () => {
  const names = TOPIC_CONFIG_KEYS.map(({ name }) => name);
  expect(names).toHaveLength(33);
  expect(names).toEqual(names.toSorted());
  expect(problem(Object.fromEntries(TOPIC_CONFIG_KEYS.map((key) => [key.name, key.default])))).toBeUndefined();
  expect(topicConfigValues({}, layers())).toMatchObject(
    Object.fromEntries(TOPIC_CONFIG_KEYS.map((key) => [key.name, key.default])),
  );
});

test('a log without settings has the same defaults', () => {
  const { timestampBeforeMaxMs, ...rest } = logConfigOf(topicConfigValues({}, layers()));
  const { timestampBeforeMaxMs: longest, ...defaults } = logConfigOf({});
  expect(rest).toEqual(defaults);
  expect(Math.min(timestampBeforeMaxMs, Number.MAX_SAFE_INTEGER)).toBe(longest);
});

test('a log gets the expiration of idle producers', () => {
  const some = layers({ dynamicDefault: { 'producer.id.expiration.ms': '7' } });
  expect(logConfigOf(topicConfigValues({}, some)).producerIdExpirationMs).toBe(7);
});

test('a value set for the topic takes precedence, also when it equals the default', () => {
  expect(entry('retention.ms', { 'retention.ms': '604800000' })).toMatchObject({
    value: '604800000',
    source: ConfigSource.DYNAMIC_TOPIC_CONFIG,
    synonyms: [{ name: 'retention.ms', value: '604800000', source: ConfigSource.DYNAMIC_TOPIC_CONFIG }],
  });
});

// The responses of a Kafka 4.3.1 broker with these settings.
test('synonyms are returned as in Kafka', () => {
  const broker = layers({
    dynamic: { 'message.max.bytes': '3000000' },
    dynamicDefault: { 'message.max.bytes': '2000000', 'log.retention.ms': '777000' },
    static: { 'log.retention.hours': '48', 'log.roll.ms': '1000000' },
  });
  const told = (name: string, topic = {}) => {
    const { value, source, synonyms = [] } = entry(name, topic, broker) ?? {};
    return [value, source, ...synonyms.map((one) => `${one.source} ${one.name}=${one.value}`)];
  };
  expect(told('retention.ms', { 'retention.ms': '604800000' })).toEqual([
    '604800000',
    1,
    '1 retention.ms=604800000',
    '3 log.retention.ms=777000',
    '4 log.retention.hours=48',
    '5 log.retention.hours=168',
  ]);
  expect(told('max.message.bytes')).toEqual([
    '3000000',
    2,
    '2 message.max.bytes=3000000',
    '3 message.max.bytes=2000000',
    '5 message.max.bytes=1048588',
  ]);
  expect(told('segment.ms')).toEqual(['1000000', 4, '4 log.roll.ms=1000000', '5 log.roll.hours=168']);
  expect(told('segment.jitter.ms')).toEqual(['0', 5]);
  expect(told('flush.ms')).toEqual(['9223372036854775807', 5]);
  expect(told('remote.storage.enable')).toEqual(['false', 5]);
  expect(told('preallocate')).toEqual(['false', 5, '5 log.preallocate=false']);
});

test('times may be given in hours and minutes; the finest unit that is set decides', () => {
  const retention = (atStart: Record<string, string>) =>
    topicConfigValues({}, layers({ static: atStart }))['retention.ms'];
  expect(retention({ 'log.retention.hours': '2' })).toBe('7200000');
  expect(retention({ 'log.retention.hours': '2', 'log.retention.minutes': '3' })).toBe('180000');
  expect(retention({ 'log.retention.hours': '2', 'log.retention.ms': '4' })).toBe('4');
  expect(retention({ 'log.retention.hours': '-5' })).toBe('-1');
  expect(topicConfigValues({}, layers({ static: { 'log.roll.hours': '1' } }))['segment.ms']).toBe('3600000');
});

// Each of these was tried on a Kafka 4.3.1 broker.
test('what Kafka accepts is accepted, and printed back as Kafka prints it', () => {
  const printed = (name: string, text: string) => {
    expect(problem({ [name]: text })).toBeUndefined();
    return topicConfigValues({ [name]: text }, layers())[name];
  };
  expect(printed('retention.ms', ' 5 ')).toBe('5');
  expect(printed('segment.bytes', '+2097152')).toBe('2097152');
  expect(printed('preallocate', 'TRUE')).toBe('true');
  expect(printed('cleanup.policy', 'compact , delete')).toBe('compact,delete');
  expect(printed('cleanup.policy', 'delete,delete')).toBe('delete');
  expect(printed('cleanup.policy', '')).toBe('');
  expect(printed('min.cleanable.dirty.ratio', '1e-1')).toBe('0.1');
  expect(printed('leader.replication.throttled.replicas', '*')).toBe('*');
  expect(printed('retention.bytes', '-77')).toBe('-77');
  expect(printed('segment.ms', '9223372036854775807')).toBe('9223372036854775807');
});

test.each([
  ['foo', '1', 'unknown topic property foo'],
  ['segment.bytes', '12', 'segment.bytes: expected at least 1048576, seen "12"'],
  ['segment.bytes', 'abc', 'segment.bytes: expected a whole number of 32 bits, seen "abc"'],
  ['max.message.bytes', '99999999999', 'max.message.bytes: expected a whole number of 32 bits, seen "99999999999"'],
  ['segment.ms', '9223372036854775808', 'segment.ms: expected a whole number of 64 bits, seen "9223372036854775808"'],
  ['cleanup.policy', 'COMPACT', 'cleanup.policy: expected a list of compact, delete, seen "COMPACT"'],
  ['compression.gzip.level', '0', 'compression.gzip.level: expected 1 to 9 or -1 to -1, seen "0"'],
  ['min.cleanable.dirty.ratio', '2', 'min.cleanable.dirty.ratio: expected 0 to 1, seen "2"'],
  ['preallocate', 'yes', 'preallocate: expected true or false, seen "yes"'],
  ['retention.ms', '-2', 'retention.ms: expected at least -1, seen "-2"'],
  ['remote.storage.enable', 'true', 'remote.storage.enable: expected false, as there is no tiered storage'],
  ['retention.ms', null, 'retention.ms: expected LONG, seen null'],
])('%s=%s is refused as Kafka refuses it', (name, text, expected) => {
  expect(problem({ [name]: text })).toBe(expected);
});

test('the shortest compaction lag must not be longer than the longest', () => {
  expect(problem({ 'min.compaction.lag.ms': '10', 'max.compaction.lag.ms': '9' })).toContain('seen 10');
  expect(problem({ 'min.compaction.lag.ms': '9', 'max.compaction.lag.ms': '9' })).toBeUndefined();
});

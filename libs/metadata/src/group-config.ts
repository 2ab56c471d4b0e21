// The properties of one group (KIP-848, KIP-932, KIP-1071): the set values, the resulting values with the brokers'
// defaults, and the check of new ones. Pure. Names, types, defaults and limits are Kafka 4.3's.
import { BROKER_CONFIG_KEYS } from './broker-config-keys.ts';
import {
  type BrokerConfigLayers,
  type ConfigEntry,
  ConfigSource,
  type ConfigSynonym,
  layered,
  synonymsOf,
} from './config-entry.ts';
import { atLeast, between, type ConfigKey, oneOf, parseConfig } from './config-key.ts';
import type { Configs } from './topic-state.ts';

export interface GroupConfigKey extends ConfigKey {
  readonly default: string;
  /** The broker's property that gives its default. */
  readonly synonym?: string;
  /** Limits that the brokers set, where they have such properties; else Kafka's own defaults of them. */
  readonly least?: Limit;
  readonly most?: Limit;
}

interface Limit {
  readonly name: string;
  readonly default: number;
}

const key = (
  name: string,
  type: ConfigKey['type'],
  value: string,
  documentation: string,
  more: Partial<GroupConfigKey> = {},
): GroupConfigKey => ({ name, type, default: value, documentation, hasEffect: !name.startsWith('streams.'), ...more });

const positive = { accepts: atLeast(1) };
const notNegative = { accepts: atLeast(0) };

/** `group.consumer.session.timeout.ms` and its limits `group.consumer.min.session.timeout.ms` and `….max.…`. */
function byBrokers(kind: string, rest: string, least: number, most: number): Partial<GroupConfigKey> {
  return {
    synonym: `group.${kind}.${rest}`,
    least: { name: `group.${kind}.min.${rest}`, default: least },
    most: { name: `group.${kind}.max.${rest}`, default: most },
  };
}

const session = (kind: string): GroupConfigKey =>
  key(`${kind}.session.timeout.ms`, 'INT', '45000', 'After how long without a heartbeat a member is gone.', {
    ...positive,
    ...byBrokers(kind, 'session.timeout.ms', 45_000, 60_000),
  });
const heartbeat = (kind: string): GroupConfigKey =>
  key(`${kind}.heartbeat.interval.ms`, 'INT', '5000', 'How often members call.', {
    ...positive,
    ...byBrokers(kind, 'heartbeat.interval.ms', 5_000, 15_000),
  });
const assignment = (kind: string): GroupConfigKey =>
  key(`${kind}.assignment.interval.ms`, 'INT', '1000', 'The least between two assignments of the group.', {
    ...notNegative,
    ...byBrokers(kind, 'assignment.interval.ms', 0, 15_000),
  });

/** A duration of ISO 8601, such as PT1H30M. */
const DURATION = /^by_duration:P(?!$)(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$/i;

export const GROUP_CONFIG_KEYS: readonly GroupConfigKey[] = [
  session('consumer'),
  heartbeat('consumer'),
  assignment('consumer'),
  session('share'),
  heartbeat('share'),
  assignment('share'),
  key('share.record.lock.duration.ms', 'INT', '30000', 'How long a consumer may hold a record.', {
    accepts: atLeast(1_000),
    ...byBrokers('share', 'record.lock.duration.ms', 15_000, 60_000),
  }),
  key('share.delivery.count.limit', 'INT', '5', 'How often a record is tried at most.', {
    accepts: atLeast(2),
    ...byBrokers('share', 'delivery.count.limit', 2, 10),
  }),
  key('share.partition.max.record.locks', 'INT', '2000', 'How many records of a partition are held at most.', {
    accepts: atLeast(100),
    ...byBrokers('share', 'partition.max.record.locks', 100, 4_000),
  }),
  key('share.auto.offset.reset', 'STRING', 'latest', 'Where a share group begins.', {
    accepts: {
      expected: 'earliest, latest or by_duration:<ISO 8601 duration>',
      holds: (value) => value === 'earliest' || value === 'latest' || DURATION.test(String(value)),
    },
  }),
  key('share.isolation.level', 'STRING', 'read_uncommitted', 'Whether aborted records are shown.', {
    accepts: oneOf('read_committed', 'read_uncommitted'),
  }),
  key('share.renew.acknowledge.enable', 'BOOLEAN', 'true', 'Whether a consumer may hold a record longer.'),
  session('streams'),
  heartbeat('streams'),
  assignment('streams'),
  key('streams.initial.rebalance.delay.ms', 'INT', '3000', 'How long an empty group waits for more members.', {
    ...notNegative,
    synonym: 'group.streams.initial.rebalance.delay.ms',
  }),
  key('streams.num.standby.replicas', 'INT', '0', 'How many standbys each task has.', {
    accepts: between(0, 2_147_483_647),
    synonym: 'group.streams.num.standby.replicas',
    most: { name: 'group.streams.max.standby.replicas', default: 2 },
  }),
];

const keysByName = new Map(GROUP_CONFIG_KEYS.map((one) => [one.name, one]));

/** The value that holds for the group: its own, else the brokers', else Kafka's default. Cut to the brokers' limits. */
export function groupValue(name: string, groupConfigs: Configs, layers: BrokerConfigLayers): string {
  const one = keysByName.get(name);
  if (!one) throw new RangeError(`${name} is no property of a group`);
  const own = groupConfigs[name];
  if (own === undefined) return inheritedValue(one, layers);
  const { least, most } = one;
  if (one.type !== 'INT') return own;
  const floor = least ? limitOf(least, layers) : Number.NEGATIVE_INFINITY;
  const ceiling = most ? limitOf(most, layers) : Number.POSITIVE_INFINITY;
  return String(Math.min(Math.max(Number(own), floor), ceiling));
}

/** The entries of DescribeConfigs for a group, whether it exists or not. */
export const effectiveGroupConfig = (groupConfigs: Configs, layers: BrokerConfigLayers): ConfigEntry[] =>
  GROUP_CONFIG_KEYS.map((one) => entryOf(one, groupConfigs, layers));

/** Undefined if Kafka would accept the properties for a group, else the problem of the first bad one. */
export function groupConfigProblem(groupConfigs: Configs, layers: BrokerConfigLayers): string | undefined {
  for (const [name, text] of Object.entries(groupConfigs)) {
    const one = keysByName.get(name);
    if (!one) return `unknown group property ${name}`;
    const parsed = parseConfig(one, text);
    if ('problem' in parsed) return parsed.problem;
    const problem = limitProblem(one, Number(parsed.text), layers);
    if (problem) return problem;
  }
  return ['consumer', 'share', 'streams'].map((kind) => heartbeatProblem(kind, groupConfigs, layers)).find(Boolean);
}

function limitProblem({ name, least, most }: GroupConfigKey, value: number, layers: BrokerConfigLayers) {
  if (least && value < limitOf(least, layers))
    return `${name}: expected at least ${least.name} (${limitOf(least, layers)}), seen ${value}`;
  if (most && value > limitOf(most, layers))
    return `${name}: expected at most ${most.name} (${limitOf(most, layers)}), seen ${value}`;
  return undefined;
}

function heartbeatProblem(kind: string, groupConfigs: Configs, layers: BrokerConfigLayers): string | undefined {
  const [timeout, interval] = [`${kind}.session.timeout.ms`, `${kind}.heartbeat.interval.ms`];
  const isNamed = groupConfigs[timeout] !== undefined || groupConfigs[interval] !== undefined;
  const isShorter =
    Number(groupValue(interval, groupConfigs, layers)) < Number(groupValue(timeout, groupConfigs, layers));
  return isNamed && !isShorter ? `${timeout}: expected more than ${interval}` : undefined;
}

const limitOf = ({ name, default: value }: Limit, layers: BrokerConfigLayers): number =>
  Number(layered(layers, name) ?? BROKER_CONFIG_KEYS.get(name)?.default ?? value);

const inheritedValue = ({ synonym, default: value }: GroupConfigKey, layers: BrokerConfigLayers): string =>
  (synonym && (layered(layers, synonym) ?? BROKER_CONFIG_KEYS.get(synonym)?.default)) || value;

function entryOf(one: GroupConfigKey, groupConfigs: Configs, layers: BrokerConfigLayers): ConfigEntry {
  const own = groupConfigs[one.name];
  const name = one.synonym ?? one.name;
  const synonyms: ConfigSynonym[] = synonymsOf(layers, name, [name], () => one.default);
  if (own !== undefined) synonyms.unshift({ name: one.name, value: own, source: ConfigSource.DYNAMIC_GROUP_CONFIG });
  return {
    name: one.name,
    value: own ?? inheritedValue(one, layers),
    type: one.type,
    source: synonyms[0]?.source ?? ConfigSource.DEFAULT_CONFIG,
    readOnly: false,
    synonyms,
    documentation: one.documentation,
  };
}

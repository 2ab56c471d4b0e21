// A subscription to clients' metrics (KIP-714): the metrics, the interval, the clients. Pure.
import { RE2JS } from 're2js';
import { type ConfigEntry, ConfigSource } from './config-entry.ts';
import { type ConfigKey, parseConfig } from './config-key.ts';
import type { Configs } from './topic-state.ts';

export const CLIENT_METRICS_CONFIG_KEYS: readonly (ConfigKey & { readonly default: string })[] = [
  { name: 'interval.ms', type: 'INT', default: '300000', hasEffect: true, documentation: 'How often clients push.' },
  {
    name: 'match',
    type: 'LIST',
    default: '',
    hasEffect: true,
    documentation: 'Which clients: a list of name=pattern, all of which must hold; empty: every client.',
  },
  {
    name: 'metrics',
    type: 'LIST',
    default: '',
    hasEffect: true,
    documentation: 'Beginnings of the names of the metrics; * is all of them.',
  },
];

/** The properties of a client that can be matched. */
export const CLIENT_MATCH_NAMES = [
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
] as const;
export type ClientMatchName = (typeof CLIENT_MATCH_NAMES)[number];

export interface ClientMetricsSubscription {
  readonly metrics: readonly string[];
  readonly intervalMs: number;
  /** All must hold; each matches the whole of a client's property, in a time that only grows with its length. */
  readonly match: ReadonlyMap<ClientMatchName, RE2JS>;
}

const SHORTEST_INTERVAL_MS = 100;
const LONGEST_INTERVAL_MS = 3_600_000;

export type ClientMetricsProblem =
  | { readonly reason: 'request'; readonly message: string }
  | { readonly reason: 'config'; readonly message: string };

/** Undefined if Kafka would accept the subscription; it calls some faults a bad request, others a bad config. */
export function clientMetricsProblem(name: string, configs: Configs): ClientMetricsProblem | undefined {
  const request = (message: string): ClientMetricsProblem => ({ reason: 'request', message });
  const config = (message: string): ClientMetricsProblem => ({ reason: 'config', message });
  if (name === '') return request('a subscription needs a name');
  for (const [property, text] of Object.entries(configs)) {
    const key = CLIENT_METRICS_CONFIG_KEYS.find((one) => one.name === property);
    if (!key) return request(`unknown property of a subscription to metrics: ${property}`);
    const parsed = parseConfig(key, text);
    if ('problem' in parsed) return config(parsed.problem);
  }
  const { intervalMs } = subscriptionOf(configs);
  if (intervalMs < SHORTEST_INTERVAL_MS || intervalMs > LONGEST_INTERVAL_MS)
    return request(`interval.ms: expected ${SHORTEST_INTERVAL_MS} to ${LONGEST_INTERVAL_MS}, seen ${intervalMs}`);
  const bad = listOf(configs['match']).find((pattern) => !matchOf(pattern));
  return bad === undefined ? undefined : config(`match: expected name=pattern, seen "${bad}"`);
}

/** Of configs without a problem. */
export function subscriptionOf(configs: Configs): ClientMetricsSubscription {
  return {
    metrics: listOf(configs['metrics']),
    intervalMs: Number(configs['interval.ms'] ?? 300_000),
    match: new Map(listOf(configs['match']).flatMap((pattern) => matchOf(pattern) ?? [])),
  };
}

/** The entries of DescribeConfigs for a subscription, whether it exists or not. */
export const effectiveClientMetricsConfig = (configs: Configs): ConfigEntry[] =>
  CLIENT_METRICS_CONFIG_KEYS.map((key) => {
    const own = configs[key.name];
    const source = own === undefined ? ConfigSource.DEFAULT_CONFIG : ConfigSource.DYNAMIC_CLIENT_METRICS_CONFIG;
    return {
      name: key.name,
      value: own ?? key.default,
      type: key.type,
      source,
      readOnly: false,
      synonyms: own === undefined ? [] : [{ name: key.name, value: own, source }],
      documentation: key.documentation,
    };
  });

const listOf = (text = ''): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

function matchOf(text: string): [[ClientMatchName, RE2JS]] | undefined {
  const [name = '', pattern, more] = text.split('=').map((part) => part.trim());
  const known = CLIENT_MATCH_NAMES.find((one) => one === name);
  if (!known || pattern === undefined || pattern === '' || more !== undefined) return undefined;
  try {
    return [[known, RE2JS.compile(pattern)]];
  } catch {
    return undefined;
  }
}

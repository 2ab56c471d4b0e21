// Configs of topics and brokers, with the source of each. Null keys mean all. v1 adds sources and synonyms (KIP-226),
// v3 types and documentation (KIP-569), v4 is flexible. Version 0 only had a flag for defaults; it was removed.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, bool, errorCode, int8, string } from '../schema/field.ts';
import { emptyMessage, nullableString, throttleTimeMs } from './parts.ts';

export const ConfigResourceType = {
  UNKNOWN: 0,
  TOPIC: 2,
  BROKER: 4,
  BROKER_LOGGER: 8,
  CLIENT_METRICS: 16,
  GROUP: 32,
} as const;

export const ConfigSource = {
  UNKNOWN: 0,
  DYNAMIC_TOPIC: 1,
  DYNAMIC_BROKER: 2,
  DYNAMIC_DEFAULT_BROKER: 3,
  STATIC_BROKER: 4,
  DEFAULT: 5,
  DYNAMIC_BROKER_LOGGER: 6,
  DYNAMIC_CLIENT_METRICS: 7,
  DYNAMIC_GROUP: 8,
} as const;

export const ConfigType = {
  UNKNOWN: 0,
  BOOLEAN: 1,
  STRING: 2,
  INT: 3,
  SHORT: 4,
  LONG: 5,
  DOUBLE: 6,
  LIST: 7,
  CLASS: 8,
  PASSWORD: 9,
} as const;

export const DescribeConfigs = api({
  key: 32,
  name: 'DescribeConfigs',
  versions: [1, 4],
  flexible: 4,
  request: {
    resources: array({ resourceType: int8, resourceName: string, configurationKeys: array(string).nullable() }),
    includeSynonyms: bool.default(false),
    includeDocumentation: bool.default(false).since(3),
  },
  response: {
    throttleTimeMs,
    results: array({
      errorCode,
      errorMessage: emptyMessage,
      resourceType: int8,
      resourceName: string,
      configs: array({
        name: string,
        value: string.nullable(),
        readOnly: bool,
        configSource: int8.default(-1),
        isSensitive: bool,
        synonyms: array({ name: string, value: string.nullable(), source: int8 }).default([]),
        configType: int8.default(ConfigType.UNKNOWN).since(3),
        documentation: nullableString.since(3),
      }),
    }),
  },
});
export type DescribeConfigsRequest = RequestOf<typeof DescribeConfigs>;
export type DescribeConfigsResponse = ResponseOf<typeof DescribeConfigs>;

// DescribeConfigs, versions 1 to 4: every property of a topic or of this broker with its source and, if requested, its
// synonyms, type (v3) and documentation (v3). Other kinds of resource: INVALID_REQUEST.
import { ErrorCode } from '@milepost/core';
import {
  type ConfigEntry,
  ConfigTypeCode,
  clusterBrokerConfig,
  effectiveClientMetricsConfig,
  effectiveBrokerConfig,
  effectiveGroupConfig,
  effectiveTopicConfig,
  topicNameProblem,
} from '@milepost/metadata';
import { ConfigResourceType, DescribeConfigs, type DescribeConfigsRequest } from '@milepost/wire';
import { configLayers } from '../broker-config.ts';
import type { Context } from '../services.ts';
import {
  DESCRIBE_CLUSTER_CONFIGS,
  DESCRIBE_GROUP_CONFIGS,
  DESCRIBE_TOPIC_CONFIGS,
  type Need,
} from '../security/needs.ts';
import { handler } from './handler.ts';

type Resource = DescribeConfigsRequest['resources'][number];
type Refusal = { readonly errorCode: ErrorCode; readonly errorMessage: string };

export const describeConfigs = handler(
  DescribeConfigs,
  [DESCRIBE_TOPIC_CONFIGS, DESCRIBE_GROUP_CONFIGS, DESCRIBE_CLUSTER_CONFIGS],
  (request, context) => ({
    results: request.resources.map((resource) => {
      const { resourceType, resourceName, configurationKeys } = resource;
      const entries = unauthorized(resource, context) ?? entriesOf(resource, context);
      if ('errorCode' in entries) {
        context.count(entries.errorCode);
        return { resourceType, resourceName, configs: [], ...entries };
      }
      const wanted = configurationKeys?.length
        ? entries.filter(({ name }) => configurationKeys.includes(name))
        : entries;
      const configs = wanted.map((entry) => described(entry, request));
      return { errorCode: ErrorCode.NONE, resourceType, resourceName, configs };
    }),
  }),
);

function unauthorized({ resourceType, resourceName }: Resource, { permissions }: Context): Refusal | undefined {
  const refused = (need: Need, name?: string): Refusal | undefined => {
    const refusal = permissions.refusal(need, name);
    return refusal && { errorCode: refusal.error, errorMessage: refusal.message };
  };
  switch (resourceType) {
    case ConfigResourceType.TOPIC:
      return refused(DESCRIBE_TOPIC_CONFIGS, resourceName);
    case ConfigResourceType.GROUP:
      return refused(DESCRIBE_GROUP_CONFIGS, resourceName);
    default:
      return refused(DESCRIBE_CLUSTER_CONFIGS);
  }
}

function entriesOf({ resourceType, resourceName }: Resource, { services }: Context): readonly ConfigEntry[] | Refusal {
  const { config } = services;
  const layers = configLayers(services.image(), config);
  switch (resourceType) {
    case ConfigResourceType.TOPIC: {
      const problem = topicNameProblem(resourceName);
      if (problem) return { errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION, errorMessage: problem };
      const topic = services.image().topics.get(resourceName);
      if (topic) return effectiveTopicConfig(topic.configs, layers);
      return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: `there is no topic ${resourceName}` };
    }
    case ConfigResourceType.BROKER:
      if (resourceName === String(config.brokerId)) return effectiveBrokerConfig(layers);
      if (resourceName === '') return clusterBrokerConfig(layers.dynamicDefault);
      return invalid(`broker ${resourceName}: this is ${config.brokerId}`);
    case ConfigResourceType.BROKER_LOGGER:
      if (resourceName === String(config.brokerId)) return services.controller.logLevel.entries();
      return invalid(`broker ${resourceName}: this is ${config.brokerId}`);
    case ConfigResourceType.CLIENT_METRICS:
      if (resourceName === '') return invalid('a subscription has a name');
      return effectiveClientMetricsConfig(services.image().clientMetricsConfigs.get(resourceName) ?? {});
    case ConfigResourceType.GROUP:
      if (resourceName === '') return invalid('a group has a name');
      return effectiveGroupConfig(services.image().groupConfigs.get(resourceName) ?? {}, layers);
    default:
      return invalid(`resource type ${resourceType} has no configs here`);
  }
}

const invalid = (errorMessage: string): Refusal => ({ errorCode: ErrorCode.INVALID_REQUEST, errorMessage });

function described(entry: ConfigEntry, { includeSynonyms, includeDocumentation }: DescribeConfigsRequest) {
  return {
    name: entry.name,
    value: entry.value,
    readOnly: entry.readOnly,
    configSource: entry.source,
    isSensitive: entry.type === 'PASSWORD',
    synonyms: includeSynonyms ? entry.synonyms : [],
    configType: ConfigTypeCode[entry.type],
    documentation: includeDocumentation ? entry.documentation : null,
  };
}

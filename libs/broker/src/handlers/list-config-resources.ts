// ListConfigResources, versions 0 to 1: the resources that have configs. v0 lists only subscriptions to client metrics.
// No types in the request means all types; a type that has no resources here is UNSUPPORTED_VERSION, as in Kafka.
import { ErrorCode } from '@milepost/core';
import type { ClusterImage } from '@milepost/metadata';
import { ConfigResourceType, ListConfigResources } from '@milepost/wire';
import { DESCRIBE_CLUSTER_CONFIGS } from '../security/needs.ts';
import { handler } from './handler.ts';

const FIRST_VERSION_WITH_TYPES = 1;
const { GROUP, CLIENT_METRICS, BROKER_LOGGER, BROKER, TOPIC } = ConfigResourceType;

const namesOf = new Map<number, (image: ClusterImage) => Iterable<string>>([
  [GROUP, ({ groupConfigs }) => groupConfigs.keys()],
  [CLIENT_METRICS, ({ clientMetricsConfigs }) => clientMetricsConfigs.keys()],
  [BROKER_LOGGER, ({ brokers }) => [...brokers.keys()].map(String)],
  [BROKER, ({ brokers }) => [...brokers.keys()].map(String)],
  [TOPIC, ({ topics }) => topics.keys()],
]);

export const listConfigResources = handler(
  ListConfigResources,
  [DESCRIBE_CLUSTER_CONFIGS],
  (request, { apiVersion, services, permissions, count }) => {
    const refused = permissions.refusal(DESCRIBE_CLUSTER_CONFIGS);
    if (refused) {
      count(refused.error);
      return { errorCode: refused.error, configResources: [] };
    }
    const known = apiVersion < FIRST_VERSION_WITH_TYPES ? [CLIENT_METRICS] : [...namesOf.keys()];
    const types = request.resourceTypes.length > 0 ? request.resourceTypes : known;
    if (!types.every((type) => namesOf.has(type))) {
      count(ErrorCode.UNSUPPORTED_VERSION);
      return { errorCode: ErrorCode.UNSUPPORTED_VERSION, configResources: [] };
    }
    const image = services.image();
    const configResources = known
      .filter((type) => types.includes(type))
      .flatMap((resourceType) =>
        [...(namesOf.get(resourceType)?.(image) ?? [])].map((resourceName) => ({ resourceName, resourceType })),
      );
    return { errorCode: ErrorCode.NONE, configResources };
  },
);

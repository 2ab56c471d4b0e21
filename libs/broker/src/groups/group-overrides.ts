// What is set for one group of the consumer protocol (a resource of type GROUP), cut to what the broker allows, as Kafka
// does where the broker's limits have been narrowed since it was set.
import type { GroupOverrides } from '@milepost/coordinators';
import { type BrokerConfigLayers, type Configs, groupValue } from '@milepost/metadata';

/** Undefined where nothing is set, as for nearly every group. */
export function groupOverrides(
  configs: Configs | undefined,
  layers: () => BrokerConfigLayers,
): GroupOverrides | undefined {
  if (!configs) return undefined;
  const valueOf = (name: string) => Number(groupValue(`consumer.${name}`, configs, layers()));
  return {
    consumerSessionTimeoutMs: valueOf('session.timeout.ms'),
    consumerHeartbeatIntervalMs: valueOf('heartbeat.interval.ms'),
    consumerAssignmentIntervalMs: valueOf('assignment.interval.ms'),
  };
}

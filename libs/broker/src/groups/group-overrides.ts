// The settings of one consumer group (a resource of type GROUP), within the broker's limits. As in Kafka, a limit that
// was lowered after the setting was made applies to it.
import type { GroupOverrides } from '@milepost/coordinators';
import { type BrokerConfigLayers, type Configs, groupValue } from '@milepost/metadata';

/** Undefined for a group without settings, as nearly all are. */
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

// The settings of one group (a resource of type GROUP), within the broker's limits. As in Kafka, a limit that
// was lowered after the setting was made applies to it.
import type { GroupOverrides } from '@milepost/coordinators';
import { type BrokerConfigLayers, type Configs, groupValue } from '@milepost/metadata';

/** Undefined for a group without settings, as nearly all are. */
export function groupOverrides(
  configs: Configs | undefined,
  layers: () => BrokerConfigLayers,
): GroupOverrides | undefined {
  if (!configs) return undefined;
  const valueOf = (name: string) => Number(groupValue(name, configs, layers()));
  return {
    consumerSessionTimeoutMs: valueOf('consumer.session.timeout.ms'),
    consumerHeartbeatIntervalMs: valueOf('consumer.heartbeat.interval.ms'),
    consumerAssignmentIntervalMs: valueOf('consumer.assignment.interval.ms'),
    shareSessionTimeoutMs: valueOf('share.session.timeout.ms'),
    shareHeartbeatIntervalMs: valueOf('share.heartbeat.interval.ms'),
    shareAssignmentIntervalMs: valueOf('share.assignment.interval.ms'),
  };
}

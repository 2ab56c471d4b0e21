// What is set for a share group, within the brokers' limits: its own properties, else the brokers'.
import type { ShareSettings } from '@milepost/coordinators';
import { type BrokerConfigLayers, type Configs, groupValue } from '@milepost/metadata';

export interface GroupShareSettings extends ShareSettings {
  readonly readsCommitted: boolean;
  readonly autoOffsetReset: AutoOffsetReset;
}

/** Where a group begins: at an end of the log, or at the first record that is not older. */
export type AutoOffsetReset = 'earliest' | 'latest' | { readonly notOlderThanMs: number };

export function shareSettings(configs: Configs, layers: BrokerConfigLayers): GroupShareSettings {
  const valueOf = (name: string): string => groupValue(`share.${name}`, configs, layers);
  return {
    lockDurationMs: Number(valueOf('record.lock.duration.ms')),
    maxDeliveries: Number(valueOf('delivery.count.limit')),
    maxInFlight: Number(valueOf('partition.max.record.locks')),
    mayRenew: valueOf('renew.acknowledge.enable') === 'true',
    readsCommitted: valueOf('isolation.level') === 'read_committed',
    autoOffsetReset: resetOf(valueOf('auto.offset.reset')),
  };
}

function resetOf(text: string): AutoOffsetReset {
  if (text === 'earliest' || text === 'latest') return text;
  return { notOlderThanMs: durationMs(text.slice('by_duration:'.length)) };
}

const DURATION = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/i;

/** Of ISO 8601, as the check of the property allows it. */
function durationMs(text: string): number {
  const [, days = 0, hours = 0, minutes = 0, seconds = 0] = DURATION.exec(text) ?? [];
  return ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60_000 + Number(seconds) * 1_000;
}

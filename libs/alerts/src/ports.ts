// What the rules need: a store in which state, progress and alerts change together, and channels that deliver alerts.
import type { Alert } from './alert.ts';
import type { TruckState } from './truck-state.ts';

export interface AlertStore {
  /** The offset to continue at in a partition of `truck_gps`, and the states of its trucks. */
  load(partition: number): Promise<PartitionProgress>;
  /**
   * In one transaction, for each partition: states, alerts with their deliveries, and the progress from
   * `expectedOffset` to `nextOffset`. Returns the partitions that have advanced; one that another process had advanced
   * is unchanged. Each partition was loaded before, and is named once.
   */
  commit(steps: readonly PartitionStep[]): Promise<readonly number[]>;
  /** Deliveries of one channel that are due, oldest first. */
  due(channel: string, nowMs: number, limit: number): Promise<readonly Delivery[]>;
  delivered(delivery: Delivery, nowMs: number): Promise<void>;
  postponed(delivery: Delivery, untilMs: number, error: string): Promise<void>;
}

export interface PartitionProgress {
  readonly nextOffset: number;
  readonly states: readonly TruckState[];
}

export interface PartitionStep {
  readonly partition: number;
  readonly expectedOffset: number;
  readonly nextOffset: number;
  readonly states: readonly TruckState[];
  readonly alerts: readonly Alert[];
  /** The channels that each of the alerts must reach. */
  readonly channels: readonly string[];
}

export interface Delivery {
  readonly alert: Alert;
  readonly channel: string;
  /** Attempts so far. */
  readonly attempts: number;
}

/** Delivers alerts. After a crash the same alert may be delivered twice, with the same alertId. */
export interface Channel {
  readonly name: string;
  /** @throws if it did not arrive: it is retried later. */
  deliver(alert: Alert): Promise<void>;
}

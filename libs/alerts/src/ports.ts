// What the rules need: a store in which state, progress and alerts change together, and channels that deliver alerts.
import type { Alert } from './alert.ts';
import type { Rule } from './rule.ts';
import type { TruckState } from './truck-state.ts';

export interface AlertStore {
  rules(): Promise<readonly Rule[]>;
  /** Where to read on in a partition of `truck_gps`, and what is remembered of its trucks. */
  load(partition: number): Promise<PartitionProgress>;
  /**
   * All in one transaction: of each partition, states, alerts with their deliveries to be made, and the progress from
   * `expectedOffset` to `nextOffset`. Answers the partitions that have moved; of one whose progress another process had
   * moved on, nothing is changed. Each partition was loaded before, and is named once.
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
  /** Tries so far. */
  readonly attempts: number;
}

/** Delivers alerts. The same alert may be delivered twice, after a crash, with the same alertId. */
export interface Channel {
  readonly name: string;
  /** @throws when it did not arrive: it is tried again later. */
  deliver(alert: Alert): Promise<void>;
}

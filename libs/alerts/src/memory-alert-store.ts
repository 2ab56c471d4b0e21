// The store for tests: the content of PostgreSQL's tables, in memory.
import type { Alert } from './alert.ts';
import type { AlertStore, Delivery, PartitionProgress, PartitionStep } from './ports.ts';
import type { TruckState } from './truck-state.ts';

interface StoredDelivery extends Delivery {
  dueMs: number;
}

export class MemoryAlertStore implements AlertStore {
  readonly alerts = new Map<string, Alert>();
  readonly #progress = new Map<number, number>();
  readonly #states = new Map<number, Map<string, TruckState>>();
  #deliveries: StoredDelivery[] = [];

  async load(partition: number): Promise<PartitionProgress> {
    return {
      nextOffset: this.#progress.get(partition) ?? 0,
      states: [...(this.#states.get(partition)?.values() ?? [])],
    };
  }

  async commit(steps: readonly PartitionStep[]): Promise<readonly number[]> {
    return steps.filter((step) => this.#take(step)).map(({ partition }) => partition);
  }

  async due(channel: string, nowMs: number, limit: number): Promise<readonly Delivery[]> {
    const isDue = (delivery: StoredDelivery) => delivery.channel === channel && delivery.dueMs <= nowMs;
    return this.#deliveries.filter(isDue).slice(0, limit);
  }

  async delivered(delivery: Delivery): Promise<void> {
    this.#deliveries = this.#deliveries.filter((other) => !isSame(other, delivery));
  }

  async postponed(delivery: Delivery, untilMs: number): Promise<void> {
    this.#deliveries = this.#deliveries.map((other) =>
      isSame(other, delivery) ? { ...other, attempts: other.attempts + 1, dueMs: untilMs } : other,
    );
  }

  #take({ partition, expectedOffset, nextOffset, states, alerts, channels }: PartitionStep): boolean {
    if ((this.#progress.get(partition) ?? 0) !== expectedOffset) return false;
    this.#progress.set(partition, nextOffset);
    const trucks = this.#states.get(partition) ?? new Map<string, TruckState>();
    this.#states.set(partition, trucks);
    for (const state of states) trucks.set(state.truckId, state);
    for (const alert of alerts.filter(({ alertId }) => !this.alerts.has(alertId))) {
      this.alerts.set(alert.alertId, alert);
      this.#deliveries.push(...channels.map((channel) => ({ alert, channel, attempts: 0, dueMs: 0 })));
    }
    return true;
  }
}

const isSame = (a: Delivery, b: Delivery): boolean => a.alert.alertId === b.alert.alertId && a.channel === b.channel;

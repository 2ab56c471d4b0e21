// Empties the table of deliveries: each alert to each of its channels, at least once, with growing pauses after
// failures. Each channel has its own queue: one that hangs delays no other.
import type { Cancel, Clock, Counter, Logger, Meter } from '@milepost/core';
import type { AlertStore, Channel, Delivery } from './ports.ts';

export interface DelivererOptions {
  readonly store: AlertStore;
  readonly channels: readonly Channel[];
  readonly clock: Clock;
  readonly meter: Meter;
  readonly logger: Logger;
}

const LOOK_INTERVAL_MS = 1_000;
const BATCH_LIMIT = 100;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 5 * 60_000;

export class Deliverer {
  readonly #queues: readonly ChannelQueue[];

  constructor(options: DelivererOptions) {
    const help = 'Deliveries of alerts, by channel and result.';
    const count = options.meter.counter('milepost_notifications_total', help, ['channel', 'result']);
    this.#queues = options.channels.map((channel) => new ChannelQueue(channel, options, count));
  }

  /** Checks now whether there is something to deliver. */
  kick(): void {
    for (const queue of this.#queues) queue.kick();
  }

  async close(): Promise<void> {
    await Promise.all(this.#queues.map((queue) => queue.close()));
  }
}

/** One channel: one query at a time, one delivery at a time, oldest first. A kick queries immediately. */
class ChannelQueue {
  readonly #channel: Channel;
  readonly #options: DelivererOptions;
  readonly #count: Counter;
  #looking: Promise<void> | undefined;
  #again = false;
  #cancel: Cancel = () => {};
  #closed = false;

  constructor(channel: Channel, options: DelivererOptions, count: Counter) {
    this.#channel = channel;
    this.#options = options;
    this.#count = count;
    for (const result of ['delivered', 'failed']) count.add(0, { channel: channel.name, result });
  }

  kick(): void {
    if (this.#closed) return;
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#cancel();
    this.#again = false;
    this.#looking = this.#look()
      .catch((error: unknown) =>
        this.#options.logger.warn({ error: String(error) }, 'deliveries wait for the database'),
      )
      .finally(() => {
        this.#looking = undefined;
        if (this.#again) this.kick();
        else this.#cancel = this.#options.clock.after(LOOK_INTERVAL_MS, () => this.kick());
      });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#looking;
    this.#cancel();
  }

  async #look(): Promise<void> {
    const { store, clock } = this.#options;
    const due = await store.due(this.#channel.name, clock.now(), BATCH_LIMIT);
    this.#again ||= due.length === BATCH_LIMIT;
    for (const delivery of due) if (!this.#closed) await this.#deliver(delivery);
  }

  async #deliver(delivery: Delivery): Promise<void> {
    const { store, clock, logger } = this.#options;
    const { alertId } = delivery.alert;
    const channel = this.#channel.name;
    try {
      await this.#channel.deliver(delivery.alert);
      this.#count.add(1, { channel, result: 'delivered' });
      await store.delivered(delivery, clock.now());
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(delivery.attempts, 20));
      this.#count.add(1, { channel, result: 'failed' });
      logger.warn(
        { alertId, channel, attempt: delivery.attempts + 1, reason, pauseMs },
        'an alert did not arrive; it will be resent',
      );
      await store.postponed(delivery, clock.now() + pauseMs, reason);
    }
  }
}

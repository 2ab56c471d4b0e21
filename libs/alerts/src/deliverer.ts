// Empties the table of deliveries: each alert to each of its channels, at least once, with a growing pause after a failure.
// One look at a time; a kick starts one at once.
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
  readonly #options: DelivererOptions;
  readonly #count: Counter;
  #looking: Promise<void> | undefined;
  #again = false;
  #cancel: Cancel = () => {};
  #closed = false;

  constructor(options: DelivererOptions) {
    this.#options = options;
    const help = 'Deliveries of alerts, by channel and result.';
    this.#count = options.meter.counter('milepost_notifications_total', help, ['channel', 'result']);
    for (const { name: channel } of options.channels)
      for (const result of ['delivered', 'failed']) this.#count.add(0, { channel, result });
  }

  /** There may be something to deliver. */
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
    const { store, clock, channels } = this.#options;
    const due = await store.due(clock.now(), BATCH_LIMIT);
    this.#again ||= due.length === BATCH_LIMIT;
    await Promise.all(
      channels.map(async (channel) => {
        for (const delivery of due)
          if (delivery.channel === channel.name && !this.#closed) await this.#deliver(delivery, channel);
      }),
    );
  }

  async #deliver(delivery: Delivery, channel: Channel): Promise<void> {
    const { store, clock, logger } = this.#options;
    const { alertId } = delivery.alert;
    try {
      await channel.deliver(delivery.alert);
      this.#count.add(1, { channel: channel.name, result: 'delivered' });
      await store.delivered(delivery, clock.now());
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(delivery.attempts, 20));
      this.#count.add(1, { channel: channel.name, result: 'failed' });
      logger.warn(
        { alertId, channel: channel.name, attempt: delivery.attempts + 1, reason, pauseMs },
        'an alert did not arrive; it is sent again',
      );
      await store.postponed(delivery, clock.now() + pauseMs, reason);
    }
  }
}

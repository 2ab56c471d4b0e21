// Accounts for every PUBLISH: received = appended + dead-lettered + refused + in flight, at every scrape. Counting is
// plain additions; the meter gets all numbers of one moment at the scrape.
import type { Histogram, Meter } from '@milepost/core';
import { DEAD_LETTER_REASONS } from './dead-letter.ts';
import { CLOSE_REASONS, type CloseReason, type Listener, LISTENERS } from './engine.ts';

/**
 * Why a publish is neither in the log nor among the dead letters. Not acknowledged: the log stalled, the connection was
 * being closed, the log refused even the dead letter, the device may not publish this. Acknowledged with the first: a
 * repeated QoS 2 message.
 */
export const REFUSAL_REASONS = ['stalled', 'duplicate', 'closing', 'failed', 'not-authorized'] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

export interface Totals {
  readonly received: number;
  readonly appended: number;
  readonly deadLettered: number;
  readonly refused: number;
  readonly inFlight: number;
}

const PUBACK_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export class Accounting {
  readonly received = [0, 0, 0];
  appended = 0;
  turnedAway = 0;
  refusedSubscriptions = 0;
  /** Messages that slow subscribers missed; no publish is lost by that. */
  missed = 0;
  readonly deadLettered = zeros(DEAD_LETTER_REASONS);
  readonly refused = zeros(REFUSAL_REASONS);
  readonly #connections = zeros(LISTENERS);
  #connects = 0;
  readonly #disconnects = zeros(CLOSE_REASONS);
  readonly #pubackSeconds: Histogram;
  readonly #inFlight: () => number;

  /** `inFlight` counts the pending publishes independently: the other terms must agree with it. */
  constructor(meter: Meter, inFlight: () => number) {
    this.#inFlight = inFlight;
    this.#pubackSeconds = meter.histogram(
      'milepost_mqtt_puback_duration_seconds',
      'From the PUBLISH, over the fsync of the log, to the PUBACK or PUBREC.',
      PUBACK_BUCKETS_SECONDS,
    );
    this.#report(meter);
  }

  connected(listener: Listener): void {
    this.#connects++;
    this.#connections[listener]++;
  }

  disconnected(listener: Listener, reason: CloseReason): void {
    this.#connections[listener]--;
    this.#disconnects[reason]++;
  }

  acknowledged(afterMs: number): void {
    this.#pubackSeconds.observe(afterMs / 1000);
  }

  totals(): Totals {
    return {
      received: sum(this.received),
      appended: this.appended,
      deadLettered: sum(Object.values(this.deadLettered)),
      refused: sum(Object.values(this.refused)),
      inFlight: this.#inFlight(),
    };
  }

  #report(meter: Meter): void {
    const received = meter.counter('milepost_mqtt_messages_received_total', 'PUBLISHes of devices.', ['qos']);
    const appended = meter.counter('milepost_mqtt_messages_appended_total', 'PUBLISHes whose record is in the log.');
    const deadLetters = meter.counter('milepost_dead_letters_total', 'PUBLISHes kept as dead letters.', ['reason']);
    const refused = meter.counter('milepost_mqtt_messages_refused_total', 'PUBLISHes not taken.', ['reason']);
    const inFlight = meter.gauge('milepost_mqtt_inflight', 'PUBLISHes received and not settled yet.');
    const connects = meter.counter('milepost_mqtt_connects_total', 'Connections by outcome.', ['result']);
    const disconnects = meter.counter('milepost_mqtt_disconnects_total', 'Connections ended.', ['reason']);
    const connections = meter.gauge('milepost_mqtt_connections', 'Devices connected.', ['listener']);
    const dropped = meter.counter(
      'milepost_mqtt_messages_dropped_total',
      'Messages that a subscriber did not get; publishes are never dropped.',
      ['reason'],
    );
    const refusedSubscriptions = meter.counter(
      'milepost_mqtt_subscriptions_refused_total',
      'Subscriptions that the device may not have.',
    );
    const reported = new Map<string, number>();
    const grown = (name: string, total: number): number => {
      const growth = total - (reported.get(name) ?? 0);
      reported.set(name, total);
      return growth;
    };
    meter.onScrape(() => {
      this.received.forEach((total, qos) => received.add(grown(`qos ${qos}`, total), { qos: String(qos) }));
      appended.add(grown('appended', this.appended));
      for (const reason of DEAD_LETTER_REASONS) {
        deadLetters.add(grown(`letter ${reason}`, this.deadLettered[reason]), { reason });
      }
      for (const reason of REFUSAL_REASONS) refused.add(grown(`refused ${reason}`, this.refused[reason]), { reason });
      for (const reason of CLOSE_REASONS)
        disconnects.add(grown(`end ${reason}`, this.#disconnects[reason]), { reason });
      connects.add(grown('connects', this.#connects), { result: 'accepted' });
      connects.add(grown('turned away', this.turnedAway), { result: 'turned-away' });
      refusedSubscriptions.add(grown('subscriptions', this.refusedSubscriptions));
      dropped.add(grown('missed', this.missed), { reason: 'slow-subscriber' });
      for (const listener of LISTENERS) connections.set(this.#connections[listener], { listener });
      inFlight.set(this.#inFlight());
    });
  }
}

function zeros<Name extends string>(names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

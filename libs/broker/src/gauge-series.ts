// A gauge whose label sets come and go with topics and groups: what was not set in a round is removed at its end.
import type { Gauge, Labels } from '@milepost/core';

export class GaugeSeries {
  readonly #gauge: Gauge;
  #previous = new Map<string, Labels>();
  #current = new Map<string, Labels>();

  constructor(gauge: Gauge) {
    this.#gauge = gauge;
  }

  set(labels: Labels, value: number): void {
    this.#gauge.set(value, labels);
    let key = '';
    for (const label in labels) key += `${labels[label]}\u0000`;
    this.#current.set(key, labels);
  }

  endRound(): void {
    for (const [key, labels] of this.#previous) if (!this.#current.has(key)) this.#gauge.remove(labels);
    this.#previous = this.#current;
    this.#current = new Map();
  }
}

// Carries messages from one host of the simulated network to another: with a delay, a larger one if the link is slow,
// and not at all while it is silent. No host is notified of a silence; when it ends, all messages arrive, in order.
import type { Clock } from '@milepost/core';

/** Holds arrivals back while it is closed. */
class Gate {
  readonly #clock: Clock;
  #held: (() => void)[] | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  close(): void {
    this.#held ??= [];
  }

  open(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const arrive of held) this.#clock.after(0, () => this.pass(arrive));
  }

  pass(arrive: () => void): void {
    if (this.#held) this.#held.push(arrive);
    else arrive();
  }
}

/** The condition of one direction between two hosts, or of the whole network. */
export class SimLink {
  /** Everything takes this many times longer. */
  slowness = 1;
  readonly #clock: Clock;
  readonly #gate: Gate;
  /** The whole network's link, whose condition applies as well. */
  readonly #whole: SimLink | undefined;

  constructor(clock: Clock, whole?: SimLink) {
    this.#clock = clock;
    this.#gate = new Gate(clock);
    this.#whole = whole;
  }

  /** Its own or that of the whole network, whichever is worse. */
  get totalSlowness(): number {
    return Math.max(this.slowness, this.#whole?.slowness ?? 1);
  }

  silence(): void {
    this.#gate.close();
  }

  endSilence(): void {
    this.#gate.open();
  }

  carry(delayMs: number, arrive: () => void): void {
    this.#clock.after(delayMs, () => this.#pass(arrive));
  }

  #pass(arrive: () => void): void {
    this.#gate.pass(() => {
      if (this.#whole) this.#whole.#pass(arrive);
      else arrive();
    });
  }
}

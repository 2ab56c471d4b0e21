// A machine of the simulation: its name in the network, and its own wall clock, which can be set. Monotonic time and
// the order of events are the same on all machines.
import type { Clock, Network } from '@milepost/core';
import type { SimNetwork } from './sim-network.ts';

export class SimMachine {
  readonly name: string;
  readonly clock: Clock;
  readonly network: Network;
  #wrongByMs = 0;

  constructor(name: string, clock: Clock, network: SimNetwork) {
    this.name = name;
    this.network = network.host(name);
    this.clock = {
      now: () => clock.now() + this.#wrongByMs,
      monotonic: () => clock.monotonic(),
      after: (delayMs, run) => clock.after(delayMs, run),
    };
  }

  /** How far its wall clock is ahead of the correct time; negative: behind. Monotonic time is unaffected. */
  get wrongByMs(): number {
    return this.#wrongByMs;
  }

  setClock(wrongByMs: number): void {
    this.#wrongByMs = wrongByMs;
  }
}

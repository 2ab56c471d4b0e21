// A host on simulated time, disk and network, for tests of a broker's own life: minutes pass immediately, and a lost
// lock or a leftover timer is detected.
import { type Host, type Logger, silentMeter } from '@milepost/core';
import { SimClock } from './sim-clock.ts';
import { SimDeflater } from './sim-deflater.ts';
import { SimDisk } from './sim-disk.ts';
import { SimInflater } from './sim-inflater.ts';
import { SimKeyDerivation } from './sim-key-derivation.ts';
import { SimNetwork } from './sim-network.ts';
import { SimRandom } from './sim-random.ts';

export class SimHost implements Host {
  readonly clock: SimClock;
  readonly random = new SimRandom(1);
  readonly disk: SimDisk;
  readonly network: SimNetwork;
  readonly inflater: SimInflater;
  readonly deflater: SimDeflater;
  readonly keys: SimKeyDerivation;
  readonly meter = silentMeter;
  /** Every line of level warn and error. */
  readonly lines: string[] = [];
  readonly logger: Logger;

  constructor(clock = new SimClock()) {
    this.clock = clock;
    this.disk = new SimDisk(this.random.fork(), { clock: this.clock });
    this.network = new SimNetwork(this.random.fork(), this.clock);
    this.inflater = new SimInflater(this.clock);
    this.deflater = new SimDeflater(this.clock);
    this.keys = new SimKeyDerivation(this.clock);
    const nothing = (): void => {};
    const keep = (_: object, message: string): void => void this.lines.push(message);
    this.logger = { debug: nothing, info: nothing, warn: keep, error: keep };
  }
}

// The metrics of one life of a node, as an operator would read them: the gauges that have no labels.
import { type Meter, silentMeter } from '@milepost/core';

export class SimMeter implements Meter {
  readonly counter = silentMeter.counter;
  readonly histogram = silentMeter.histogram;
  readonly #values = new Map<string, number>();
  readonly #collectors: (() => void | Promise<void>)[] = [];

  gauge(name: string) {
    return {
      ...silentMeter.gauge(name, ''),
      set: (value: number, labels?: object) => {
        if (!labels) this.#values.set(name, value);
      },
    };
  }

  onScrape(collect: () => void | Promise<void>): void {
    this.#collectors.push(collect);
  }

  /** As of now. */
  async read(name: string): Promise<number | undefined> {
    for (const collect of this.#collectors) await collect();
    return this.#values.get(name);
  }
}

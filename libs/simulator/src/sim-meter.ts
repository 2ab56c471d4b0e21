// The metrics of one life of a node, as an operator would read them: the gauges that have no labels.
import { type Counter, type Gauge, type Histogram, type Meter, silentMeter } from '@milepost/core';

export class SimMeter implements Meter {
  readonly #values = new Map<string, number>();
  readonly #collectors: (() => void | Promise<void>)[] = [];

  counter(): Counter {
    return silentMeter.counter('', '');
  }

  histogram(): Histogram {
    return silentMeter.histogram('', '', []);
  }

  gauge(name: string): Gauge {
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

  /** The current value. */
  async read(name: string): Promise<number | undefined> {
    for (const collect of this.#collectors) await collect();
    return this.#values.get(name);
  }
}

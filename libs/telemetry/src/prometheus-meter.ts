// The Meter of production: prom-client. One registry per process; a name asked for twice is the same metric.
import type { Counter, Gauge, Histogram, Labels, Meter } from '@milepost/core';
import * as prom from 'prom-client';

export class PrometheusMeter implements Meter {
  readonly registry = new prom.Registry();
  readonly #collectors: (() => void | Promise<void>)[] = [];

  constructor() {
    prom.collectDefaultMetrics({ register: this.registry });
  }

  counter(name: string, help: string, labelNames: readonly string[] = []): Counter {
    const metric = this.#once(name, () => new prom.Counter({ name, help, labelNames, registers: [this.registry] }));
    if (labelNames.length === 0) metric.inc(0);
    return { add: (amount = 1, labels: Labels = {}) => metric.inc(labels, amount) };
  }

  gauge(name: string, help: string, labelNames: readonly string[] = []): Gauge {
    const metric = this.#once(name, () => new prom.Gauge({ name, help, labelNames, registers: [this.registry] }));
    return {
      set: (value, labels = {}) => metric.set(labels, value),
      remove: (labels) => metric.remove(labels),
    };
  }

  histogram(name: string, help: string, buckets: readonly number[], labelNames: readonly string[] = []): Histogram {
    const metric = this.#once(
      name,
      () => new prom.Histogram({ name, help, labelNames, buckets: [...buckets], registers: [this.registry] }),
    );
    return { observe: (value, labels = {}) => metric.observe(labels, value) };
  }

  onScrape(collect: () => void | Promise<void>): void {
    this.#collectors.push(collect);
  }

  /** The page that Prometheus reads. */
  async text(): Promise<string> {
    for (const collect of this.#collectors) await collect();
    return this.registry.metrics();
  }

  #once<Metric extends prom.Metric>(name: string, make: () => Metric): Metric {
    return (this.registry.getSingleMetric(name) as Metric | undefined) ?? make();
  }
}

// The Meter of production: prom-client for counters, our own gauges and histograms for metrics that are many or
// frequent. One registry per process; a name that is used twice is the same metric. A scrape is one snapshot:
// concurrent ones share it, and a part that fails (it is stopping) only lacks its own metrics.
import type { Counter, Gauge, Histogram, Labels, Meter } from '@milepost/core';
import * as prom from 'prom-client';
import { GaugeFamily } from './gauge-family.ts';
import { HistogramFamily } from './histogram-family.ts';

export interface MetricDescription {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labelNames: readonly string[];
}

export class PrometheusMeter implements Meter {
  readonly registry = new prom.Registry();
  readonly #gauges = new Map<string, GaugeFamily>();
  readonly #histograms = new Map<string, HistogramFamily>();
  readonly #collectors: (() => void | Promise<void>)[] = [];
  readonly #onFailure: (failure: unknown) => void;
  #scraping: Promise<string> | undefined;

  /** `onFailure` is called for a part that could not report its metrics. */
  constructor(onFailure: (failure: unknown) => void = () => {}) {
    this.#onFailure = onFailure;
    prom.collectDefaultMetrics({ register: this.registry });
  }

  counter(name: string, help: string, labelNames: readonly string[] = []): Counter {
    const metric = this.#once(name, () => new prom.Counter({ name, help, labelNames, registers: [this.registry] }));
    if (labelNames.length === 0) metric.inc(0);
    return {
      add: (amount = 1, labels: Labels = {}) => metric.inc(labels, amount),
      remove: (labels) => metric.remove(labels),
    };
  }

  gauge(name: string, help: string, labelNames: readonly string[] = []): Gauge {
    let gauge = this.#gauges.get(name);
    if (!gauge) this.#gauges.set(name, (gauge = new GaugeFamily(name, help, labelNames)));
    return gauge;
  }

  histogram(name: string, help: string, buckets: readonly number[], labelNames: readonly string[] = []): Histogram {
    let histogram = this.#histograms.get(name);
    if (!histogram) this.#histograms.set(name, (histogram = new HistogramFamily(name, help, buckets, labelNames)));
    return histogram;
  }

  onScrape(collect: () => void | Promise<void>): void {
    this.#collectors.push(collect);
  }

  /** The page that Prometheus reads. */
  text(): Promise<string> {
    this.#scraping ??= this.#scrape().finally(() => (this.#scraping = undefined));
    return this.#scraping;
  }

  /** Every metric, by name: the source of docs/METRICS.md. */
  async describe(): Promise<MetricDescription[]> {
    const counted = await this.registry.getMetricsAsJSON();
    const described = counted.map(({ name, help, type }) => {
      const { labelNames } = this.registry.getSingleMetric(name) as unknown as { labelNames: readonly string[] };
      return { name, help, type: String(type), labelNames };
    });
    const own = [
      ...[...this.#gauges.values()].map((gauge) => ({ ...labelled(gauge), type: 'gauge' })),
      ...[...this.#histograms.values()].map((histogram) => ({ ...labelled(histogram), type: 'histogram' })),
    ];
    return [...described, ...own].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  async #scrape(): Promise<string> {
    for (const collect of this.#collectors) {
      try {
        await collect();
      } catch (failure) {
        this.#onFailure(failure);
      }
    }
    const counted = await this.registry.metrics();
    return counted + [...this.#gauges.values(), ...this.#histograms.values()].map((family) => family.text()).join('');
  }

  #once<Metric extends prom.Metric>(name: string, make: () => Metric): Metric {
    return (this.registry.getSingleMetric(name) as Metric | undefined) ?? make();
  }
}

const labelled = ({ name, help, labelNames }: GaugeFamily | HistogramFamily) => ({ name, help, labelNames });

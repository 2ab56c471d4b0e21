// All series of one gauge as the lines of the Prometheus page. Our own, because thousands of partitions are set and
// printed at every scrape: prom-client takes 150 ms for what takes 10 here.
import type { Gauge, Labels } from '@milepost/core';

export class GaugeFamily implements Gauge {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** By the text before the value: name and labels. */
  readonly #all = new Map<string, Series>();
  /**
   * The same by identity: a caller that sets thousands of gauges reuses the label objects, so that no label is hashed
   * again.
   */
  readonly #byLabels = new WeakMap<Labels, Series>();

  constructor(name: string, help: string, labelNames: readonly string[]) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
    if (labelNames.length === 0) this.set(0);
  }

  set(value: number, labels: Labels = NONE): void {
    const known = this.#byLabels.get(labels);
    const series = known?.isShown ? known : this.#find(labels);
    series.value = value;
    series.isFresh = true;
  }

  remove(labels: Labels): void {
    const series = this.#all.get(this.#spelled(labels));
    if (series) this.#drop(series);
  }

  sweep(): void {
    for (const series of this.#all.values())
      if (series.isFresh) series.isFresh = false;
      else this.#drop(series);
  }

  text(): string {
    let page = `# HELP ${this.name} ${escaped(this.help)}\n# TYPE ${this.name} gauge\n`;
    for (const { spelled, value } of this.#all.values()) page += `${spelled} ${shown(value)}\n`;
    return page;
  }

  #find(labels: Labels): Series {
    const spelled = this.#spelled(labels);
    let series = this.#all.get(spelled);
    if (!series) this.#all.set(spelled, (series = { spelled, value: 0, isFresh: true, isShown: true }));
    this.#byLabels.set(labels, series);
    return series;
  }

  #drop(series: Series): void {
    this.#all.delete(series.spelled);
    series.isShown = false;
  }

  #spelled(labels: Labels): string {
    let series = '';
    for (const name of this.labelNames)
      series += `${series === '' ? '{' : ','}${name}="${escaped(labels[name] ?? '')}"`;
    return series === '' ? this.name : `${this.name}${series}}`;
  }
}

interface Series {
  readonly spelled: string;
  value: number;
  isFresh: boolean;
  isShown: boolean;
}

const NONE: Labels = {};
const NEEDS_ESCAPE = /[\\\n"]/;

export function escaped(text: string): string {
  if (!NEEDS_ESCAPE.test(text)) return text;
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

const shown = (value: number): string => (value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : String(value));

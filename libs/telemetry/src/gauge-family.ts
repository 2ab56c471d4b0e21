// All series of one gauge as the lines of the page that Prometheus reads. Ours, because thousands of partitions are set
// and printed at every scrape: prom-client takes 150 ms for what takes 10 here.
import type { Gauge, Labels } from '@milepost/core';

export class GaugeFamily implements Gauge {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** By what stands before the value: name and labels. */
  readonly #values = new Map<string, number>();

  constructor(name: string, help: string, labelNames: readonly string[]) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
    if (labelNames.length === 0) this.set(0);
  }

  set(value: number, labels: Labels = {}): void {
    this.#values.set(this.#series(labels), value);
  }

  remove(labels: Labels): void {
    this.#values.delete(this.#series(labels));
  }

  text(): string {
    let page = `# HELP ${this.name} ${escaped(this.help)}\n# TYPE ${this.name} gauge\n`;
    for (const [series, value] of this.#values) page += `${series} ${shown(value)}\n`;
    return page;
  }

  #series(labels: Labels): string {
    let series = '';
    for (const name of this.labelNames)
      series += `${series === '' ? '{' : ','}${name}="${escaped(labels[name] ?? '')}"`;
    return series === '' ? this.name : `${this.name}${series}}`;
  }
}

const NEEDS_ESCAPE = /[\\\n"]/;

function escaped(text: string): string {
  if (!NEEDS_ESCAPE.test(text)) return text;
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

const shown = (value: number): string => (value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : String(value));

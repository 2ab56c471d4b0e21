// The traffic of each topic, counted in plain numbers and passed to the meter at each scrape: an append or a read costs
// an addition. Names are those of Kafka's BrokerTopicMetrics as exporters spell them. Every topic has its series from
// its beginning; one that is gone, or never was, has none.
import type { Counter, Meter } from '@milepost/core';

const kinds = {
  messagesIn: ['messagesin', 'Records appended.'],
  bytesIn: ['bytesin', 'Bytes of record batches appended.'],
  bytesOut: ['bytesout', 'Bytes of record batches sent to consumers.'],
  produceRequests: ['totalproducerequests', 'Produce requests, one for each partition in them.'],
  failedProduceRequests: ['failedproducerequests', 'Produce requests refused, one for each partition in them.'],
  fetchRequests: ['totalfetchrequests', 'Fetch requests, one for each partition in them.'],
  failedFetchRequests: ['failedfetchrequests', 'Fetch requests refused, one for each partition in them.'],
} as const;

type Kind = keyof typeof kinds;
type Counts = Record<Kind, number>;

export class TopicTraffic {
  readonly #byTopic = new Map<string, Counts>();
  readonly #counters: (readonly [Kind, Counter])[];
  readonly #topics: () => Iterable<string>;
  #shown = new Set<string>();

  constructor(meter: Meter, topics: () => Iterable<string>) {
    this.#topics = topics;
    this.#counters = Object.entries(kinds).map(([kind, [name, help]]) => [
      kind as Kind,
      meter.counter(`kafka_server_brokertopicmetrics_${name}_total`, help, ['topic']),
    ]);
    meter.onScrape(() => this.#publish());
  }

  /** The counts of a topic, for the caller to add to. */
  of(topic: string): Counts {
    let counts = this.#byTopic.get(topic);
    if (!counts) this.#byTopic.set(topic, (counts = none()));
    return counts;
  }

  #publish(): void {
    const topics = new Set(this.#topics());
    for (const topic of topics) {
      const counts = this.#byTopic.get(topic) ?? none();
      for (const [kind, counter] of this.#counters) counter.add(counts[kind], { topic });
    }
    for (const topic of this.#shown)
      if (!topics.has(topic)) for (const [, counter] of this.#counters) counter.remove({ topic });
    this.#byTopic.clear();
    this.#shown = topics;
  }
}

const none = (): Counts => ({
  messagesIn: 0,
  bytesIn: 0,
  bytesOut: 0,
  produceRequests: 0,
  failedProduceRequests: 0,
  fetchRequests: 0,
  failedFetchRequests: 0,
});

// Every record that is read was sent to this partition with this key and timestamp, even if the medium was damaged. And
// only damaged records are reported as damaged.
import { Books } from '../model/books.ts';
import type { Observation, SentRecord, SimPartition } from '../model/observation.ts';
import { type Checker, Rotten } from './checker.ts';

export class WhatIsServedWasSent implements Checker {
  readonly name = 'what is served was sent';
  readonly #sent = new Books<SimPartition, Map<string, SentRecord>>(() => new Map());
  readonly #rotten = new Rotten();

  see(observation: Observation): string | undefined {
    this.#rotten.note(observation);
    switch (observation.kind) {
      case 'sent':
        for (const record of observation.batch.records)
          this.#sent.of(observation.batch.partition).set(record.text, record);
        return undefined;
      case 'read': {
        const { partition, records, from, upTo } = observation;
        for (const { offset, text, key, timestamp } of records) {
          const sent = this.#sent.of(partition).get(text);
          if (sent?.key !== key || sent.timestamp !== timestamp)
            return `${partition.name}: nobody sent what stands at ${offset}: ${key} ${text} ${timestamp}`;
          if (offset < from || offset >= upTo)
            return `${partition.name}: offset ${offset} among those from ${from} to ${upTo}`;
        }
        return undefined;
      }
      case 'refused-as-corrupt':
        return this.#rotten.has(observation.partition)
          ? undefined
          : `${observation.partition.name}: offset ${observation.offset} is said to be damaged, and is not`;
      default:
        return undefined;
    }
  }
}

// The records that a producer sent to a partition one after the other are stored in that order. In a replicated partition this
// holds among those that are in the log: a batch whose first copy was deleted may be stored again (no-duplicates.ts).
import { Books } from '../model/books.ts';
import type { Observation, SimPartition } from '../model/observation.ts';
import { type Checker, Rotten } from './checker.ts';

interface Place {
  readonly offset: number;
  readonly number: number;
  readonly text: string;
}

export class OrderPerPartition implements Checker {
  readonly name = 'records of a producer stand in the order in which it sent them';
  readonly #rotten = new Rotten();
  readonly #sent = new Books<SimPartition, Map<string, { producer: string; number: number }>>(() => new Map());
  /** Of each producer, by offset. */
  readonly #places = new Books<SimPartition, Books<string, Place[]>>(() => new Books(() => []));

  see(observation: Observation): string | undefined {
    this.#rotten.note(observation);
    if (observation.kind === 'sent') {
      const { partition, records } = observation.batch;
      const sent = this.#sent.of(partition);
      for (const { text, producer, number } of records) sent.set(text, { producer, number });
      return undefined;
    }
    if (observation.kind === 'bounds') {
      const { partition, start = 0 } = observation;
      if (partition.topic.replicas === 1) return undefined;
      for (const [, places] of this.#places.of(partition)) dropBelow(places, start);
      return undefined;
    }
    if (observation.kind !== 'read') return undefined;
    const { partition, records } = observation;
    if (this.#rotten.has(partition)) return undefined; // a batch that was cut may be resent after others
    for (const { offset, text } of records) {
      const record = this.#sent.of(partition).get(text);
      if (!record) continue;
      const problem = put(this.#places.of(partition).of(record.producer), { offset, number: record.number, text });
      if (problem !== undefined) return `${partition.name}: ${problem}`;
    }
    return undefined;
  }
}

function dropBelow(places: Place[], start: number): void {
  const left = places.findIndex(({ offset }) => offset >= start);
  places.splice(0, left < 0 ? places.length : left);
}

function put(places: Place[], place: Place): string | undefined {
  let at = places.length;
  while (at > 0 && (places[at - 1] as Place).offset >= place.offset) at--;
  const [before, next] = [places[at - 1], places[at]];
  if (next?.offset === place.offset) return undefined; // another checker compares them
  if (before && before.number > place.number)
    return `${before.text} stands at ${before.offset}, before ${place.text} at ${place.offset}, which was sent first`;
  if (next && next.number < place.number)
    return `${place.text} stands at ${place.offset}, before ${next.text} at ${next.offset}, which was sent first`;
  places.splice(at, 0, place);
  return undefined;
}

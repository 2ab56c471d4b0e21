// A read-process-write loop writes one record for each input up to the offset that it has committed, and no other: through
// kills, fenced processes and aborted transactions.
import type { Observation } from '../model/observation.ts';
import type { Checker } from './checker.ts';
import { LoopExcuse } from './loop-excuse.ts';

export class EachInputCountsOnce implements Checker {
  readonly name = 'a read-process-write loop counts each input once';
  readonly #excuse = new LoopExcuse();

  see(observation: Observation): string | undefined {
    this.#excuse.note(observation);
    if (observation.kind !== 'loop-at-rest' || this.#excuse.isGiven) return undefined;
    const { loop, inputs, records } = observation;
    const counted = new Map<number, string>();
    for (const record of records) {
      const input = Number.parseInt(record, 10);
      const other = counted.get(input);
      if (other !== undefined) return `${loop}: input ${input} is counted twice: "${other}", "${record}"`;
      counted.set(input, record);
    }
    for (let input = 0; input < inputs; input++)
      if (!counted.has(input)) return `${loop}: input ${input} of ${inputs} is not counted`;
    const beyond = [...counted].find(([input]) => input >= inputs);
    return beyond && `${loop}: "${beyond[1]}" is counted, and its offset ${inputs} is not beyond it`;
  }
}

// A group's committed offsets for a topic end with that topic: a topic that is recreated under the name starts without
// offsets, and those of a deleted topic do not remain. A commit by name that is pending during the deletion may count
// for the next topic of the name, because it does not identify the topic. Once the database has lost commits, topics
// may return with their offsets.
import { Books } from '../model/books.ts';
import type { Observation } from '../model/observation.ts';
import { type Checker } from './checker.ts';

export class OffsetsEndWithTheirTopic implements Checker {
  readonly name = 'committed offsets end with their topic';
  /** Commits by name without a response, or with one during their topic's deletion: `<topic>-<index> <offset>`. */
  readonly #uncertain = new Books<string, Set<string>>(() => new Set());
  readonly #isLeaving = new Set<string>();
  #hasForgotten = false;

  see(observation: Observation): string | undefined {
    if (this.#hasForgotten) return undefined;
    switch (observation.kind) {
      case 'database-forgot':
        this.#hasForgotten = true;
        return undefined;
      case 'topic-leaving':
        this.#isLeaving.add(observation.topic.id);
        return undefined;
      case 'name-committed':
        this.#uncertain.of(observation.group).add(placeOf(observation));
        return undefined;
      case 'name-commit-answered':
        if (!this.#isLeaving.has(observation.partition.topic.id))
          this.#uncertain.of(observation.group).delete(placeOf(observation));
        return undefined;
      case 'foreign-offset': {
        const { group, partition, offset } = observation;
        return this.#uncertain.of(group).has(placeOf(observation))
          ? undefined
          : `${group} starts at ${offset} in ${partition.name}, which it committed for an earlier topic of that name`;
      }
      case 'offsets-outlive-topics': {
        const { group, offsets } = observation;
        const sure = offsets.filter((offset) => !this.#uncertain.of(group).has(offset));
        return sure.length === 0 ? undefined : `${group} still has offsets of topics that are gone: ${sure.join(', ')}`;
      }
      default:
        return undefined;
    }
  }
}

const placeOf = ({
  partition: { topic, index },
  offset,
}: Extract<Observation, { kind: 'name-committed' | 'name-commit-answered' | 'foreign-offset' }>): string =>
  `${topic.name}-${index} at ${offset}`;

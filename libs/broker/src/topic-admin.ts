// Creates, grows and deletes topics: decides on the newest image, commits the change to the store, and answers when it is
// true on disk. One command at a time, so that each decides on what the one before it did.
// A store that is away, or another broker that was faster, is a refusal that clients try again.
import { ErrorCode, type Host, Uuid } from '@milepost/core';
import {
  type BrokerConfigLayers,
  type ClusterImage,
  type MetadataChange,
  MetadataConflict,
  type MetadataStore,
  StoreUnavailable,
  type TopicState,
} from '@milepost/metadata';
import {
  decidePartitions,
  decideTopic,
  MOST_PARTITIONS_PER_REQUEST,
  type NewTopic,
  type Refusal,
  refusal,
  type Surroundings,
} from './topic-decisions.ts';

export interface TopicAdminDeps {
  readonly host: Pick<Host, 'random' | 'logger'>;
  readonly store: Pick<MetadataStore, 'commit'>;
  readonly image: () => ClusterImage;
  readonly layers: () => BrokerConfigLayers;
  /** Makes an image true on disk. */
  readonly apply: (image: ClusterImage) => Promise<void>;
  readonly onDeleted: (topics: readonly TopicState[]) => void;
}

export interface NewPartitions {
  readonly name: string;
  readonly count: number;
  readonly assignments: Parameters<typeof decidePartitions>[2];
}

export class TopicAdmin {
  readonly #deps: TopicAdminDeps;
  #last: Promise<unknown> = Promise.resolve();

  constructor(deps: TopicAdminDeps) {
    this.#deps = deps;
  }

  /** In the order of the wishes; what can be created is, whatever happens to the rest. */
  create(wishes: readonly NewTopic[], validateOnly: boolean): Promise<(TopicState | Refusal)[]> {
    return this.#next(async () => {
      let left = MOST_PARTITIONS_PER_REQUEST;
      const outcomes = wishes.map((wish) => {
        const outcome = decideTopic(wish, Uuid(this.#deps.host.random.uuid()), this.#surroundings());
        if ('error' in outcome) return outcome;
        left -= outcome.partitions.length;
        return left >= 0 ? outcome : refusal(ErrorCode.POLICY_VIOLATION, 'too many partitions in one request');
      });
      if (validateOnly) return outcomes;
      const topics = outcomes.filter((outcome) => 'id' in outcome);
      const failure = await this.#commit(topics.map((topic) => ({ type: 'topic-created', topic })));
      return failure ? outcomes.map((outcome) => ('id' in outcome ? failure : outcome)) : outcomes;
    });
  }

  /** For clients that ask for a topic that is not there: with the broker's defaults. A refusal is logged. */
  async createByDefault(names: readonly string[]): Promise<void> {
    const wishes = names.map((name) => ({
      name,
      numPartitions: -1,
      replicationFactor: -1,
      assignments: [],
      configs: [],
    }));
    const outcomes = await this.create(wishes, false);
    outcomes.forEach((outcome, place) => {
      if ('error' in outcome && outcome.error !== ErrorCode.TOPIC_ALREADY_EXISTS)
        this.#deps.host.logger.warn({ topic: names[place] }, `topic not created: ${outcome.message}`);
    });
  }

  addPartitions(wishes: readonly NewPartitions[], validateOnly: boolean): Promise<(Refusal | undefined)[]> {
    return this.#next(async () => {
      const outcomes = wishes.map(({ name, count, assignments }) =>
        decidePartitions(name, count, assignments, this.#surroundings()),
      );
      const changes: MetadataChange[] = outcomes.flatMap((outcome) =>
        'topic' in outcome ? [{ type: 'partitions-added', id: outcome.topic.id, partitions: outcome.partitions }] : [],
      );
      const failure = validateOnly ? undefined : await this.#commit(changes);
      return outcomes.map((outcome) => ('topic' in outcome ? failure : outcome));
    });
  }

  /** Undefined for those that are gone now. */
  delete(topics: readonly TopicState[]): Promise<(Refusal | undefined)[]> {
    return this.#next(async () => {
      const { topicsById } = this.#deps.image();
      const present = topics.filter(({ id }) => topicsById.has(id));
      const failure = await this.#commit(present.map(({ id }) => ({ type: 'topic-deleted', id })));
      if (!failure && present.length > 0) this.#deps.onDeleted(present);
      return topics.map((topic) =>
        present.includes(topic)
          ? failure
          : refusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic ${topic.name}`),
      );
    });
  }

  #surroundings(): Surroundings {
    const { image, layers, host } = this.#deps;
    return { image: image(), layers: layers(), start: host.random.below(MOST_PARTITIONS_PER_REQUEST) };
  }

  async #commit(changes: readonly MetadataChange[]): Promise<Refusal | undefined> {
    if (changes.length === 0) return undefined;
    try {
      await this.#deps.apply(await this.#deps.store.commit(changes));
      return undefined;
    } catch (failure) {
      if (failure instanceof StoreUnavailable)
        return refusal(ErrorCode.REQUEST_TIMED_OUT, 'the metadata store does not answer; try again');
      if (failure instanceof MetadataConflict)
        return refusal(ErrorCode.NOT_CONTROLLER, `another broker was faster (${failure.message}); try again`);
      throw failure;
    }
  }

  #next<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#last.then(run);
    this.#last = result.catch(() => {});
    return result;
  }
}

// Creates, grows and deletes topics. Decided on the true image (topic-decisions.ts); the response is sent when it is applied.
import { ErrorCode, type Host, Uuid } from '@milepost/core';
import type { BrokerConfigLayers, ClusterImage, TopicState } from '@milepost/metadata';
import { type CommitQueue } from './commit-queue.ts';
import { type Refusal, refusal } from '../refusal.ts';
import type { MutationQuota } from '../quotas/quotas.ts';
import {
  decidePartitions,
  decideTopic,
  MOST_PARTITIONS_PER_REQUEST,
  type NewPartitions,
  type NewTopic,
  type Surroundings,
} from './topic-decisions.ts';

export interface TopicAdminDeps {
  readonly host: Pick<Host, 'random' | 'logger'>;
  readonly queue: CommitQueue;
  readonly layers: (image: ClusterImage) => BrokerConfigLayers;
}

export class TopicAdmin {
  readonly #deps: TopicAdminDeps;

  constructor(deps: TopicAdminDeps) {
    this.#deps = deps;
  }

  /** In the order of the requests. A refused topic does not prevent the creation of others. */
  create(wishes: readonly NewTopic[], validateOnly: boolean, quota = UNLIMITED): Promise<(TopicState | Refusal)[]> {
    const chosen = this.#choose(wishes.length);
    return this.#deps.queue.run((image) => {
      const outcomes = this.#decide(wishes, image, chosen, quota);
      const topics = validateOnly ? [] : outcomes.filter((outcome) => 'id' in outcome);
      return {
        changes: topics.map((topic) => ({ type: 'topic-created', topic })),
        outcome: (failure) => outcomes.map((outcome) => ('id' in outcome && failure ? failure : outcome)),
      };
    });
  }

  /** With the broker's defaults, for clients that use a topic that does not exist. A refusal is logged. */
  async createByDefault(names: readonly string[]): Promise<void> {
    const defaults = { numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] };
    const outcomes = await this.create(
      names.map((name) => ({ name, ...defaults })),
      false,
    );
    outcomes.forEach((outcome, place) => {
      if ('error' in outcome && outcome.error !== ErrorCode.TOPIC_ALREADY_EXISTS)
        this.#deps.host.logger.warn({ topic: names[place] }, `topic not created: ${outcome.message}`);
    });
  }

  /** In the order of the requests; undefined where it is done. */
  addPartitions(
    wishes: readonly NewPartitions[],
    validateOnly: boolean,
    quota = UNLIMITED,
  ): Promise<(Refusal | undefined)[]> {
    const { starts } = this.#choose(wishes.length);
    return this.#deps.queue.run((image) => {
      quota.restart();
      const outcomes = wishes.map((wish, place) => {
        const outcome = decidePartitions(wish, this.#surroundings(image, starts[place]));
        return 'error' in outcome || quota.take(outcome.partitions.length) ? outcome : OVER_QUOTA;
      });
      const grown = validateOnly ? [] : outcomes.filter((outcome) => 'topic' in outcome);
      return {
        changes: grown.map(({ topic, partitions }) => ({ type: 'partitions-added', id: topic.id, partitions })),
        outcome: (failure) => outcomes.map((outcome) => ('topic' in outcome ? failure : outcome)),
      };
    });
  }

  /** Undefined for each topic that was deleted. */
  delete(topics: readonly TopicState[], quota = UNLIMITED): Promise<(Refusal | undefined)[]> {
    return this.#deps.queue.run(({ topicsById }) => {
      quota.restart();
      const there = topics.filter(({ id }) => topicsById.has(id));
      const present = there.filter(({ partitions }) => quota.take(partitions.length));
      return {
        changes: present.map(({ id }) => ({ type: 'topic-deleted', id })),
        outcome: (failure) =>
          topics.map((topic) => (present.includes(topic) ? failure : there.includes(topic) ? OVER_QUOTA : gone(topic))),
      };
    });
  }

  #decide(
    wishes: readonly NewTopic[],
    image: ClusterImage,
    { ids, starts }: Chosen,
    quota: Taking,
  ): (TopicState | Refusal)[] {
    quota.restart();
    let left = MOST_PARTITIONS_PER_REQUEST;
    return wishes.map((wish, place) => {
      const outcome = decideTopic(wish, ids[place] as Uuid, this.#surroundings(image, starts[place]));
      if ('error' in outcome) return outcome;
      left -= outcome.partitions.length;
      if (left < 0) return refusal(ErrorCode.POLICY_VIOLATION, 'too many partitions in one request');
      return quota.take(outcome.partitions.length) ? outcome : OVER_QUOTA;
    });
  }

  #surroundings(image: ClusterImage, start = 0): Surroundings {
    return { image, layers: this.#deps.layers(image), start };
  }

  /** The random choices, made before the decision, which may run more than once. */
  #choose(count: number): Chosen {
    const { random } = this.#deps.host;
    const times = Array.from({ length: count });
    return {
      ids: times.map(() => Uuid(random.uuid())),
      starts: times.map(() => random.below(MOST_PARTITIONS_PER_REQUEST)),
    };
  }
}

/** For each request: the id of its topic, and the place at which the placement of its partitions begins. */
interface Chosen {
  readonly ids: readonly Uuid[];
  readonly starts: readonly number[];
}

/** controller_mutation_rate, taken from for each topic. */
type Taking = Pick<MutationQuota, 'take' | 'restart'>;

const UNLIMITED: Taking = { take: () => true, restart: () => {} };

const OVER_QUOTA = refusal(
  ErrorCode.THROTTLING_QUOTA_EXCEEDED,
  'the quota of controller_mutation_rate is used up; try again later',
);

const gone = ({ name }: TopicState): Refusal =>
  refusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic ${name}`);

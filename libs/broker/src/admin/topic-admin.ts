// Creates, grows and deletes topics: decides on the newest image (topic-decisions.ts), and answers when it is so.
import { ErrorCode, type Host, Uuid } from '@milepost/core';
import type { BrokerConfigLayers, ClusterImage, TopicState } from '@milepost/metadata';
import { type CommitQueue } from './commit-queue.ts';
import { type Refusal, refusal } from './refusal.ts';
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
  readonly image: () => ClusterImage;
  readonly layers: () => BrokerConfigLayers;
  readonly onDeleted: (topics: readonly TopicState[]) => void;
}

export class TopicAdmin {
  readonly #deps: TopicAdminDeps;

  constructor(deps: TopicAdminDeps) {
    this.#deps = deps;
  }

  /** In the order of the wishes; what can be created is, whatever happens to the rest. */
  create(wishes: readonly NewTopic[], validateOnly: boolean, quota = UNLIMITED): Promise<(TopicState | Refusal)[]> {
    return this.#deps.queue.run(() => {
      const outcomes = this.#decide(wishes, quota);
      const topics = validateOnly ? [] : outcomes.filter((outcome) => 'id' in outcome);
      return {
        changes: topics.map((topic) => ({ type: 'topic-created', topic })),
        outcome: (failure) => outcomes.map((outcome) => ('id' in outcome && failure ? failure : outcome)),
      };
    });
  }

  /** For clients that ask for a topic that is not there: with the broker's defaults. A refusal is logged. */
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

  /** In the order of the wishes; undefined where it is done. */
  addPartitions(
    wishes: readonly NewPartitions[],
    validateOnly: boolean,
    quota = UNLIMITED,
  ): Promise<(Refusal | undefined)[]> {
    return this.#deps.queue.run(() => {
      const outcomes = wishes.map((wish) => {
        const outcome = decidePartitions(wish, this.#surroundings());
        return 'error' in outcome || quota.take(outcome.partitions.length) ? outcome : OVER_QUOTA;
      });
      const grown = validateOnly ? [] : outcomes.filter((outcome) => 'topic' in outcome);
      return {
        changes: grown.map(({ topic, partitions }) => ({ type: 'partitions-added', id: topic.id, partitions })),
        outcome: (failure) => outcomes.map((outcome) => ('topic' in outcome ? failure : outcome)),
      };
    });
  }

  /** Undefined for those that are gone now. */
  delete(topics: readonly TopicState[], quota = UNLIMITED): Promise<(Refusal | undefined)[]> {
    return this.#deps.queue.run(() => {
      const { topicsById } = this.#deps.image();
      const there = topics.filter(({ id }) => topicsById.has(id));
      const present = there.filter(({ partitions }) => quota.take(partitions.length));
      return {
        changes: present.map(({ id }) => ({ type: 'topic-deleted', id })),
        outcome: (failure) => {
          if (!failure && present.length > 0) this.#deps.onDeleted(present);
          return topics.map((topic) =>
            present.includes(topic) ? failure : there.includes(topic) ? OVER_QUOTA : gone(topic),
          );
        },
      };
    });
  }

  #decide(wishes: readonly NewTopic[], quota: Taking): (TopicState | Refusal)[] {
    let left = MOST_PARTITIONS_PER_REQUEST;
    return wishes.map((wish) => {
      const outcome = decideTopic(wish, Uuid(this.#deps.host.random.uuid()), this.#surroundings());
      if ('error' in outcome) return outcome;
      left -= outcome.partitions.length;
      if (left < 0) return refusal(ErrorCode.POLICY_VIOLATION, 'too many partitions in one request');
      return quota.take(outcome.partitions.length) ? outcome : OVER_QUOTA;
    });
  }

  #surroundings(): Surroundings {
    const { image, layers, host } = this.#deps;
    return { image: image(), layers: layers(), start: host.random.below(MOST_PARTITIONS_PER_REQUEST) };
  }
}

/** controller_mutation_rate, asked for each topic. */
type Taking = Pick<MutationQuota, 'take'>;

const UNLIMITED: Taking = { take: () => true };

const OVER_QUOTA = refusal(
  ErrorCode.THROTTLING_QUOTA_EXCEEDED,
  'the quota of controller_mutation_rate is used up; try again later',
);

const gone = ({ name }: TopicState): Refusal =>
  refusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic ${name}`);

// An operator who moves replicas and leaders about: reassigns replicated partitions, cancels reassignments, and elects
// preferred leaders. Also of `__consumer_offsets`: groups follow those. Ignores refusals.
import { BrokerId } from '@milepost/core';
import { OFFSETS_TOPIC } from '@milepost/metadata';
import { AlterPartitionReassignments, ElectionType, ElectLeaders } from '@milepost/wire';
import type { SimRandom } from '../sim-random.ts';
import { ClusterClient } from './cluster-client.ts';
import { between, sleep, type World } from './world.ts';

interface Target {
  readonly topic: string;
  readonly index: number;
  readonly replicas: number;
}

export class ReplicaMover {
  readonly #world: World;
  readonly #random: SimRandom;
  readonly #client: ClusterClient;
  readonly #groupShards: number;

  /** The number of partitions of `__consumer_offsets`; 0 where no client has groups. */
  constructor(world: World, groupShards: number) {
    this.#world = world;
    this.#groupShards = groupShards;
    this.#random = world.random.fork();
    this.#client = new ClusterClient(world, 'mover', 20_000);
  }

  async run(): Promise<void> {
    for (;;) {
      await sleep(this.#world, between(this.#random, 1_000, 15_000));
      if (this.#world.phase !== 'chaos') return;
      const target = this.#someTarget();
      if (!target) continue;
      if (this.#random.chance(0.4)) await this.#electPreferredLeader(target);
      else if (this.#random.chance(0.2)) await this.#reassign(target, null);
      else await this.#reassign(target, this.#someReplicas(target.replicas));
    }
  }

  #someTarget(): Target | undefined {
    if (this.#groupShards > 0 && this.#random.chance(0.4))
      return {
        topic: OFFSETS_TOPIC,
        index: this.#random.below(this.#groupShards),
        replicas: this.#world.bootstrap.length,
      };
    const replicated = this.#world.topics
      .partitions()
      .filter(({ topic: { replicas, isSteady } }) => isSteady && replicas > 1); // the requests name the topic
    if (replicated.length === 0) return undefined;
    const { topic, index } = this.#random.pick(replicated);
    return { topic: topic.name, index, replicas: topic.replicas };
  }

  async #electPreferredLeader({ topic, index }: Target): Promise<void> {
    const response = await this.#client.ask(ElectLeaders, 2, {
      electionType: ElectionType.PREFERRED,
      topicPartitions: [{ topic, partitions: [index] }],
    });
    const error = response?.replicaElectionResults[0]?.partitionResult[0]?.errorCode;
    this.#world.note(`the preferred leader of ${topic}-${index} is elected: ${error ?? response?.errorCode}`);
  }

  /** Null cancels. */
  async #reassign({ topic, index }: Target, replicas: BrokerId[] | null): Promise<void> {
    const response = await this.#client.ask(AlterPartitionReassignments, 1, {
      topics: [{ name: topic, partitions: [{ partitionIndex: index, replicas }] }],
    });
    const error = response?.responses[0]?.partitions[0]?.errorCode;
    this.#world.note(
      `${topic}-${index} is reassigned to ${replicas?.join(' ') ?? 'nothing new'}: ${error ?? response?.errorCode}`,
    );
  }

  #someReplicas(count: number): BrokerId[] {
    const left = this.#world.bootstrap.map((_, at) => BrokerId(at + 1));
    return Array.from({ length: count }, () => left.splice(this.#random.below(left.length), 1)[0] as BrokerId);
  }
}

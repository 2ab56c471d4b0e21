// An operator who moves replicas and leaders about: reassigns replicated partitions, cancels reassignments, and elects
// preferred leaders. Ignores refusals.
import { BrokerId } from '@milepost/core';
import { AlterPartitionReassignments, ElectionType, ElectLeaders } from '@milepost/wire';
import type { SimPartition } from '../model/observation.ts';
import type { SimRandom } from '../sim-random.ts';
import { ClusterClient } from './cluster-client.ts';
import { between, sleep, type World } from './world.ts';

export class ReplicaMover {
  readonly #world: World;
  readonly #random: SimRandom;
  readonly #client: ClusterClient;

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random.fork();
    this.#client = new ClusterClient(world, 'mover', 20_000);
  }

  async run(): Promise<void> {
    for (;;) {
      await sleep(this.#world, between(this.#random, 1_000, 15_000));
      if (this.#world.phase !== 'chaos') return;
      const replicated = this.#world.topics
        .partitions()
        .filter(({ topic: { replicas, isSteady } }) => isSteady && replicas > 1); // the requests name the topic
      if (replicated.length === 0) continue;
      const partition = this.#random.pick(replicated);
      if (this.#random.chance(0.4)) await this.#electPreferredLeader(partition);
      else if (this.#random.chance(0.2)) await this.#reassign(partition, null);
      else await this.#reassign(partition, this.#someReplicas(partition.topic.replicas));
    }
  }

  async #electPreferredLeader({ topic, index, name }: SimPartition): Promise<void> {
    const response = await this.#client.ask(ElectLeaders, 2, {
      electionType: ElectionType.PREFERRED,
      topicPartitions: [{ topic: topic.name, partitions: [index] }],
    });
    const error = response?.replicaElectionResults[0]?.partitionResult[0]?.errorCode;
    this.#world.note(`the preferred leader of ${name} is elected: ${error ?? response?.errorCode}`);
  }

  /** Null cancels. */
  async #reassign({ topic, index, name }: SimPartition, replicas: BrokerId[] | null): Promise<void> {
    const response = await this.#client.ask(AlterPartitionReassignments, 1, {
      topics: [{ name: topic.name, partitions: [{ partitionIndex: index, replicas }] }],
    });
    const error = response?.responses[0]?.partitions[0]?.errorCode;
    this.#world.note(
      `${name} is reassigned to ${replicas?.join(' ') ?? 'nothing new'}: ${error ?? response?.errorCode}`,
    );
  }

  #someReplicas(count: number): BrokerId[] {
    const left = this.#world.bootstrap.map((_, at) => BrokerId(at + 1));
    return Array.from({ length: count }, () => left.splice(this.#random.below(left.length), 1)[0] as BrokerId);
  }
}

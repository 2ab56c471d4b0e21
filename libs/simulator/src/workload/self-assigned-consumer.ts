// A consumer that assigns partitions to itself, so that its group has offsets and no members. It commits for every
// topic, also for those that are deleted and recreated, and sometimes fetches its offsets. Each offset that it commits
// encodes the life of the topic that it was meant for, so that an offset that outlives its topic is detected.
import { ErrorCode, LeaderEpoch, Offset, type Uuid } from '@milepost/core';
import { OffsetCommit, OffsetFetch } from '@milepost/wire';
import type { SimPartition, SimTopic } from '../model/observation.ts';
import type { SimRandom } from '../sim-random.ts';
import { ClusterClient } from './cluster-client.ts';
import { between, sleep, type World } from './world.ts';

const NO_GENERATION = -1;
const FIRST_VERSION_WITH_GROUPS = 8;
const FIRST_VERSION_WITH_IDS = 10;
/** The distance in offsets between two lives of one name. */
const OFFSETS_PER_LIFE = 1_000_000;
/** How long the deletion of a topic may take to reach the offsets of groups, without faults. */
const SETTLING_MS = 30_000;

export class SelfAssignedConsumer {
  readonly #world: World;
  readonly #random: SimRandom;
  readonly #client: ClusterClient;
  readonly #group: string;
  readonly #pauseMs: number;
  readonly #commitVersion: number;
  readonly #fetchVersion: number;
  readonly #firstOffsets = new Map<Uuid, number>();
  readonly #committed = new Map<SimPartition, number>();

  constructor(world: World, name: string) {
    this.#world = world;
    this.#random = world.random.fork();
    this.#client = new ClusterClient(world, name, between(this.#random, 8_000, 30_000));
    this.#group = `group of ${name}`;
    this.#pauseMs = between(this.#random, 200, 1_500);
    this.#commitVersion = this.#random.pick([2, 9, 10]);
    this.#fetchVersion = this.#random.pick([5, 9, 10]);
  }

  async run(): Promise<void> {
    while (this.#world.phase === 'chaos') {
      await sleep(this.#world, this.#random.below(2 * this.#pauseMs));
      const partition = this.#world.topics.any(this.#random);
      if (!partition) continue;
      if (this.#random.chance(0.6)) await this.#commit(partition);
      else await this.#fetch(partition);
    }
  }

  /** Without faults: its group has no offset of a deleted topic. */
  async tellRest(): Promise<void> {
    for (let waitedMs = 0; ; waitedMs += 1_000) {
      const left = await this.#leftOvers();
      if (left?.length === 0) return;
      if (left && waitedMs > SETTLING_MS)
        return this.#world.see({ kind: 'offsets-outlive-topics', group: this.#group, offsets: left });
      if (waitedMs > 2 * SETTLING_MS)
        return this.#world.see({ kind: 'broken', what: `${this.#group} does not tell its offsets` });
      await sleep(this.#world, 1_000);
    }
  }

  async #commit(partition: SimPartition): Promise<void> {
    const { topic, index } = partition;
    const offset = (this.#committed.get(partition) ?? this.#firstOffsetOf(topic)) + 1 + this.#random.below(4);
    this.#committed.set(partition, offset);
    const askedAt = this.#world.clock.monotonic();
    const isByName = this.#commitVersion < FIRST_VERSION_WITH_IDS;
    const on = { group: this.#group, partition, offset };
    if (isByName) this.#world.see({ kind: 'name-committed', ...on });
    const response = await this.#client.askCoordinator(this.#group, OffsetCommit, this.#commitVersion, {
      groupId: this.#group,
      generationIdOrMemberEpoch: NO_GENERATION,
      memberId: '',
      topics: [
        {
          name: topic.name,
          topicId: topic.id,
          partitions: [
            {
              partitionIndex: index,
              committedOffset: Offset(offset),
              committedLeaderEpoch: LeaderEpoch(-1),
              committedMetadata: null,
            },
          ],
        },
      ],
    });
    const error = response?.topics[0]?.partitions[0]?.errorCode;
    this.#client.heard(this.#group, error);
    this.#world.note(`${this.#group} commits ${partition.name}: ${offset}: ${error}`);
    if (error !== undefined && isByName) this.#world.see({ kind: 'name-commit-answered', ...on });
    const isSure = !isByName || !this.#mayBeMistaken(topic);
    if (response && error === ErrorCode.NONE && isSure && this.#world.topics.exists(topic))
      this.#world.see({
        kind: 'committed',
        group: this.#group,
        partition: partition.name,
        offset,
        askedAt,
        by: this.#client.name,
        coordinator: this.#client.coordinated(response).broker,
      });
  }

  async #fetch(partition: SimPartition): Promise<void> {
    const { topic, index } = partition;
    const askedAt = this.#world.clock.monotonic();
    const topics = [{ name: topic.name, topicId: topic.id, partitionIndexes: [index] }];
    const body = this.#asked(topics, this.#fetchVersion);
    const response = await this.#client.askCoordinator(this.#group, OffsetFetch, this.#fetchVersion, body);
    const answer = response?.groups[0] ?? response;
    this.#client.heard(this.#group, answer?.errorCode);
    const found = answer?.topics[0]?.partitions[0];
    this.#client.heard(this.#group, found?.errorCode);
    if (!response || found?.errorCode !== ErrorCode.NONE || !this.#client.coordinated(response).isOwner) return;
    const offset = found.committedOffset;
    this.#world.note(`${this.#group} finds ${partition.name} at ${offset}`);
    if (!this.#world.topics.exists(topic)) return;
    if (this.#fetchVersion < FIRST_VERSION_WITH_IDS && this.#mayBeMistaken(topic)) return;
    if (offset >= 0 && !this.#isOf(topic, offset))
      this.#world.see({ kind: 'foreign-offset', group: this.#group, partition, offset });
    else this.#world.see({ kind: 'offset-fetched', group: this.#group, partition: partition.name, offset, askedAt });
  }

  /**
   * By name, for a topic that comes and goes: a coordinator that does not know yet that another topic has the name takes the
   * commit for one of the former topic, and deletes it with that; or it responds with what was committed for that. Apache
   * Kafka's does likewise.
   */
  #mayBeMistaken({ isSteady }: SimTopic): boolean {
    return !isSteady && this.#world.bootstrap.length > 1;
  }

  /** Offsets of its group that belong to no existing topic. */
  async #leftOvers(): Promise<string[] | undefined> {
    const response = await this.#client.askCoordinator(this.#group, OffsetFetch, 9, this.#asked(null, 9));
    const answer = response?.groups[0];
    this.#client.heard(this.#group, answer?.errorCode);
    if (!response || answer?.errorCode !== ErrorCode.NONE) return undefined;
    if (!this.#client.coordinated(response).isOwner) return undefined;
    return answer.topics.flatMap(({ name, partitions }) => {
      const topic = this.#world.topics.named(name);
      return partitions
        .filter(({ committedOffset }) => !topic || !this.#isOf(topic, committedOffset))
        .map(({ partitionIndex, committedOffset }) => `${name}-${partitionIndex} at ${committedOffset}`);
    });
  }

  /** One group at the top level, or a list of groups. */
  #asked(topics: { name: string; topicId: Uuid; partitionIndexes: number[] }[] | null, version: number) {
    const group = { groupId: this.#group, topics };
    return version < FIRST_VERSION_WITH_GROUPS ? group : { groups: [group] };
  }

  #firstOffsetOf({ id }: SimTopic): number {
    const first = this.#firstOffsets.get(id) ?? (this.#firstOffsets.size + 1) * OFFSETS_PER_LIFE;
    this.#firstOffsets.set(id, first);
    return first;
  }

  #isOf(topic: SimTopic, offset: number): boolean {
    const first = this.#firstOffsetOf(topic);
    return offset >= first && offset < first + OFFSETS_PER_LIFE;
  }
}

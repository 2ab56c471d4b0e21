// What members of both kinds of group do alike: they are killed and paused, ask where to read on, and commit further and
// further. They count instead of reading: what a commit is worth does not depend on what was read.
import { ErrorCode, LeaderEpoch, Offset } from '@milepost/core';
import { OffsetCommit, OffsetFetch } from '@milepost/wire';
import type { SimTopic } from '../model/observation.ts';
import type { SimRandom } from '../sim-random.ts';
import { SimClient } from './sim-client.ts';
import { between, sleep, type World } from './world.ts';

export interface GroupOfMembers {
  readonly id: string;
  readonly topic: SimTopic;
  /** Who comes with the id of a static member takes its place at once, alive or not: as the classic protocol has it. */
  readonly takesOver: boolean;
}

interface Commit {
  readonly generation: number;
  readonly partition: number;
  readonly offset: number;
}

export abstract class Member {
  readonly instanceId: string | null;
  isAlive = true;
  /** Another process takes its place, or it the other's, which either may not know: what they believe to have tells nothing. */
  isContested = false;
  memberId = '';
  owned: readonly number[] = [];
  protected heldUntil = 0;
  protected readonly world: World;
  protected readonly random: SimRandom;
  protected readonly client: SimClient;
  protected readonly group: GroupOfMembers;
  readonly #positions = new Map<number, number>();
  #pausedUntil = 0;
  /** A commit that one of its threads holds back until the rest of it is further on. */
  #late: Commit | undefined;

  constructor(world: World, group: GroupOfMembers, name: string, instanceId: string | null) {
    this.world = world;
    this.group = group;
    this.random = world.random.fork();
    this.client = new SimClient(world, name, between(this.random, 12_000, 30_000));
    this.instanceId = instanceId;
  }

  abstract readonly speaks: 'classic' | 'consumer';
  abstract run(): Promise<void>;
  abstract leave(): Promise<void>;

  get name(): string {
    return this.client.name;
  }

  /** The process dies: no goodbye. */
  kill(): void {
    this.isAlive = false;
    this.client.retire();
  }

  /** The process stands still, wherever it is, and wakes up with old beliefs. */
  pause(ms: number): void {
    this.#pausedUntil = this.world.clock.monotonic() + ms;
  }

  disconnect(): void {
    this.client.disconnect();
  }

  /** What it has, and until when nobody else may, by what it knows. */
  protected hold(partitions: readonly number[], untilMs: number): void {
    if (!this.isAlive && partitions.length > 0) return; // it left while it waited for this
    this.owned = partitions;
    this.heldUntil = untilMs;
    if (this.isContested) return;
    const { id: group, takesOver } = this.group;
    const member = takesOver ? (this.instanceId ?? this.memberId) : this.memberId;
    this.world.see({ kind: 'holds', group, member, partitions, untilMs });
  }

  protected async sleep(ms: number): Promise<void> {
    await sleep(this.world, ms);
    await this.breathe();
  }

  /** Sits out a pause. */
  protected async breathe(): Promise<void> {
    for (;;) {
      const leftMs = this.#pausedUntil - this.world.clock.monotonic();
      if (leftMs <= 0) return;
      await sleep(this.world, leftMs);
    }
  }

  /** Where to read on; false where nobody says. */
  protected async fetchPositions(partitions: readonly number[], memberEpoch?: number): Promise<boolean> {
    const askedAt = this.world.clock.monotonic();
    const { id, topic } = this.group;
    const response = await this.client.ask(OffsetFetch, 9, {
      groups: [
        {
          groupId: id,
          ...(memberEpoch !== undefined && { memberId: this.memberId, memberEpoch }),
          topics: [{ name: topic.name, partitionIndexes: [...partitions] }],
        },
      ],
      requireStable: true,
    });
    await this.breathe();
    const answer = response?.groups[0];
    if (answer?.errorCode !== ErrorCode.NONE) return false;
    const found = answer.topics[0]?.partitions ?? [];
    for (const { partitionIndex: partition, committedOffset: offset, errorCode } of found) {
      if (errorCode !== ErrorCode.NONE) return false;
      this.world.see({ kind: 'offset-fetched', group: id, partition: `${topic.name}-${partition}`, offset, askedAt });
      this.#positions.set(partition, Math.max(0, offset));
    }
    return true;
  }

  /** One of its partitions, a little further; undefined where no answer comes. */
  protected async commit(generation: number): Promise<ErrorCode | undefined> {
    const partition = this.owned[this.random.below(Math.max(1, this.owned.length))];
    if (partition === undefined) return ErrorCode.NONE;
    const offset = (this.#positions.get(partition) ?? 0) + this.random.below(5);
    if (!this.#late && this.random.chance(0.15)) {
      this.#late = { generation, partition, offset };
      return ErrorCode.NONE;
    }
    this.#positions.set(partition, offset);
    return this.#send({ generation, partition, offset });
  }

  /** Sends what was held back, once it is out of date. */
  protected sendLate(generation: number, has: readonly number[]): void {
    const late = this.#late;
    if (!late || late.generation === generation || has.includes(late.partition)) return;
    this.#late = undefined;
    void this.#send(late);
  }

  async #send({ generation, partition, offset }: Commit): Promise<ErrorCode | undefined> {
    const askedAt = this.world.clock.monotonic();
    const { id, topic } = this.group;
    const response = await this.client.ask(OffsetCommit, 9, {
      groupId: id,
      generationIdOrMemberEpoch: generation,
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
      topics: [
        {
          name: topic.name,
          partitions: [
            {
              partitionIndex: partition,
              committedOffset: Offset(offset),
              committedLeaderEpoch: LeaderEpoch(0),
              committedMetadata: null,
            },
          ],
        },
      ],
    });
    const error = response?.topics[0]?.partitions[0]?.errorCode;
    this.world.note(`${this.name} commits ${id}/${partition}: ${offset} in ${generation}: ${error}`);
    const by = `${this.name} in ${generation}`;
    if (error === ErrorCode.NONE)
      this.world.see({ kind: 'committed', group: id, partition: `${topic.name}-${partition}`, offset, askedAt, by });
    return error;
  }
}

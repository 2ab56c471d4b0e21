// The common part of members of both protocols: they are killed and paused, fetch their offsets, and commit larger and
// larger ones. They count instead of reading: a commit does not depend on what was read.
import { ErrorCode, LeaderEpoch, Offset } from '@milepost/core';
import { type AnyApi, OffsetCommit, OffsetFetch, type RequestInput, type ResponseOutput } from '@milepost/wire';
import type { SimTopic } from '../model/observation.ts';
import type { SimRandom } from '../sim-random.ts';
import { ClusterClient } from './cluster-client.ts';
import { between, sleep, type World } from './world.ts';

export interface GroupOfMembers {
  readonly id: string;
  readonly topic: SimTopic;
  /**
   * In the classic protocol a process that joins with the id of a static member replaces it immediately, alive or not.
   */
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
  /** Two processes use its static id, and may not know of each other: what they believe to own proves nothing. */
  isContested = false;
  memberId = '';
  owned: readonly number[] = [];
  protected heldUntil = 0;
  protected readonly world: World;
  protected readonly random: SimRandom;
  readonly #client: ClusterClient;
  protected readonly group: GroupOfMembers;
  readonly #positions = new Map<number, number>();
  #pausedUntil = 0;
  /** A commit that one of its threads holds back until the others are further. */
  #late: Commit | undefined;

  constructor(world: World, group: GroupOfMembers, name: string, instanceId: string | null) {
    this.world = world;
    this.group = group;
    this.random = world.random.fork();
    this.#client = new ClusterClient(world, name, between(this.random, 12_000, 30_000));
    this.instanceId = instanceId;
  }

  abstract readonly speaks: 'classic' | 'consumer';
  abstract run(): Promise<void>;
  abstract leave(): Promise<void>;

  get name(): string {
    return this.#client.name;
  }

  /** The process dies without leaving. */
  kill(): void {
    this.isAlive = false;
    this.retire();
  }

  /** The process is paused, and continues later with outdated beliefs. */
  pause(ms: number): void {
    this.#pausedUntil = this.world.clock.monotonic() + ms;
  }

  disconnect(): void {
    this.#client.disconnect();
  }

  protected retire(): void {
    this.#client.retire();
  }

  /** The coordinator of its group. */
  protected ask<A extends AnyApi>(
    api: A,
    version: number,
    body: RequestInput<A>,
  ): Promise<ResponseOutput<A> | undefined> {
    return this.#client.askCoordinator(this.group.id, api, version, body);
  }

  /** It comes from a coordinator that does not own the group any more: it may be out of date, and proves nothing. */
  protected isOutdated(response: object): boolean {
    return !this.#client.coordinated(response).isOwner;
  }

  /** After each response: the coordinator may be another broker by now. */
  protected heard(error: ErrorCode | undefined): void {
    this.#client.heard(this.group.id, error);
  }

  /** Its partitions, and the time until which no other member may own them, as far as it knows. */
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

  /** Waits until a pause is over. */
  protected async breathe(): Promise<void> {
    for (;;) {
      const leftMs = this.#pausedUntil - this.world.clock.monotonic();
      if (leftMs <= 0) return;
      await sleep(this.world, leftMs);
    }
  }

  /** Fetches the committed offsets; false without a usable response. */
  protected async fetchPositions(partitions: readonly number[], memberEpoch?: number): Promise<boolean> {
    const askedAt = this.world.clock.monotonic();
    const { id, topic } = this.group;
    const response = await this.ask(OffsetFetch, 9, {
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
    this.heard(answer?.errorCode);
    if (!response || answer?.errorCode !== ErrorCode.NONE || this.isOutdated(response)) return false;
    const found = answer.topics[0]?.partitions ?? [];
    for (const { partitionIndex: partition, committedOffset: offset, errorCode } of found) {
      if (errorCode !== ErrorCode.NONE) return false;
      this.world.see({ kind: 'offset-fetched', group: id, partition: `${topic.name}-${partition}`, offset, askedAt });
      this.#positions.set(partition, Math.max(0, offset));
    }
    return true;
  }

  /** Commits a slightly larger offset for one of its partitions; undefined without a response. */
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

  /** Sends the commit that was held back, once it is out of date. */
  protected sendLate(generation: number, has: readonly number[]): void {
    const late = this.#late;
    if (!late || late.generation === generation || has.includes(late.partition)) return;
    this.#late = undefined;
    void this.#send(late);
  }

  async #send({ generation, partition, offset }: Commit): Promise<ErrorCode | undefined> {
    const askedAt = this.world.clock.monotonic();
    const { id, topic } = this.group;
    const response = await this.ask(OffsetCommit, 9, {
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
    this.heard(error);
    this.world.note(`${this.name} commits ${id}/${partition}: ${offset} in ${generation}: ${error}`);
    const by = `${this.name} in ${generation}`;
    if (response && error === ErrorCode.NONE) {
      const { broker: coordinator } = this.#client.coordinated(response);
      const name = `${topic.name}-${partition}`;
      this.world.see({ kind: 'committed', group: id, partition: name, offset, askedAt, by, coordinator });
    }
    return error;
  }
}

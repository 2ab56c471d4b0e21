// A member of a consumer group: it heartbeats, revokes and adds partitions as its responses say, reads from the committed
// offsets, and commits. Responses may get lost. It may be stopped anywhere for a while, and wakes up with old state.
import { ErrorCode, LeaderEpoch, Offset, type Uuid, ZERO_UUID } from '@milepost/core';
import type { ConsumerHeartbeatCommand, ConsumerHeartbeatResult } from '../group/consumer/commands.ts';
import { GROUP, type Walker, type World } from './walk-consumer.ts';

/** After this many UNRELEASED_INSTANCE_ID it gives up. */
const UNRELEASED_MS = 12_000;

export class WalkMember implements Walker {
  readonly instanceId: string | null;
  readonly memberId: string;
  isAlive = true;
  owned: readonly number[] = [];
  readonly #world: World;
  readonly #positions = new Map<number, number>();
  #topicId: Uuid = ZERO_UUID;
  #epoch = 0;
  /** Its assignment. */
  #told: readonly number[] = [];
  #mustSayAll = true;
  #stoppedUntil = 0;
  #unreleasedSince: number | undefined;
  /** A commit that the network delays until its member no longer has the partition. */
  #late: { readonly generation: number; readonly partition: number; readonly send: () => Promise<unknown> } | undefined;

  constructor(world: World, instanceId: string | null) {
    this.#world = world;
    this.instanceId = instanceId;
    this.memberId = `m${world.random.uuid()}`;
    void this.#run();
  }

  stop(ms: number): void {
    this.#stoppedUntil = this.#world.clock.monotonic() + ms;
  }

  async leave(): Promise<void> {
    this.isAlive = false;
    const forAWhile = this.instanceId !== null && this.#world.random.chance(0.5);
    await this.#world.coordinator.consumerHeartbeat({ ...this.#request(), memberEpoch: forAWhile ? -2 : -1 });
  }

  async #run(): Promise<void> {
    while (this.isAlive) {
      const isNews = await this.#beat();
      if (this.isAlive && this.#epoch > 0) await this.#commit();
      if (!isNews) await this.#sleep(this.#world.random.between(200, 1_000));
    }
  }

  /** True if it must send the next heartbeat immediately, to confirm a revocation. */
  async #beat(): Promise<boolean> {
    const answer = await this.#world.coordinator.consumerHeartbeat(this.#request());
    await this.#breathe();
    if (this.#world.random.chance(0.05)) {
      this.#mustSayAll = true;
      await this.#sleep(500);
      return false;
    }
    return this.#hear(answer);
  }

  #request(): ConsumerHeartbeatCommand {
    const saysAll = this.#mustSayAll || this.#epoch === 0;
    const all = { rebalanceTimeoutMs: 9_000, topicNames: ['t'] };
    return {
      groupId: GROUP,
      memberId: this.memberId,
      memberEpoch: this.#epoch,
      instanceId: this.instanceId,
      rackId: null,
      clientId: 'c',
      clientHost: '/127.0.0.1',
      ...(saysAll ? all : { rebalanceTimeoutMs: -1, topicNames: null }),
      topicRegex: null,
      assignor: null,
      owned: this.owned.length > 0 ? [{ topicId: this.#topicId, partitions: this.owned }] : [],
      requiresMemberId: true,
    };
  }

  async #hear({ error, memberEpoch, assignment }: ConsumerHeartbeatResult): Promise<boolean> {
    this.#mustSayAll = error !== ErrorCode.NONE;
    if (error !== ErrorCode.NONE) {
      this.#refused(error);
      return false;
    }
    this.#unreleasedSince = undefined;
    this.#arriveLate();
    this.#epoch = memberEpoch;
    if (assignment) {
      this.#topicId = assignment[0]?.topicId ?? this.#topicId;
      this.#told = assignment.flatMap(({ partitions }) => partitions);
    }
    return this.#follow();
  }

  #refused(error: ErrorCode): void {
    const now = this.#world.clock.monotonic();
    if (error === ErrorCode.FENCED_INSTANCE_ID) this.isAlive = false;
    else if (error === ErrorCode.UNRELEASED_INSTANCE_ID) {
      this.#unreleasedSince ??= now;
      if (now - this.#unreleasedSince > UNRELEASED_MS) this.isAlive = false;
    } else if (beginsAnew.includes(error)) {
      this.#epoch = 0;
      this.#told = [];
      this.owned = [];
    }
  }

  /** It has just confirmed a revocation. A commit in its current epoch still counts, as in Kafka. */
  #arriveLate(): void {
    if (!this.#late || this.owned.includes(this.#late.partition) || this.#late.generation >= this.#epoch) return;
    void this.#late.send();
    this.#late = undefined;
  }

  /** Revokes first. It owns new partitions once it knows their offsets. */
  async #follow(): Promise<boolean> {
    const kept = this.owned.filter((partition) => this.#told.includes(partition));
    const fresh = this.#told.filter((partition) => !kept.includes(partition));
    const gaveUp = kept.length < this.owned.length;
    this.owned = kept;
    if (fresh.length === 0) return gaveUp;
    const topics = [{ name: 't', topicId: this.#topicId, partitions: fresh }];
    const member = { memberId: this.memberId, memberEpoch: this.#epoch };
    const fetched = await this.#world.coordinator.fetchOffsets({ groupId: GROUP, topics, requireStable: true, member });
    await this.#breathe();
    if (fetched.error !== ErrorCode.NONE) return false;
    for (const { partition, offset } of fetched.topics[0]?.partitions ?? [])
      this.#positions.set(partition, Math.max(0, offset));
    this.owned = [...kept, ...fresh];
    return true;
  }

  async #commit(): Promise<void> {
    const { random, coordinator } = this.#world;
    const partition = this.owned[random.below(Math.max(1, this.owned.length))];
    if (partition === undefined) return;
    const offset = (this.#positions.get(partition) ?? 0) + random.below(5);
    const generation = this.#epoch;
    const send = async () => {
      const partitions = [{ partition, offset: Offset(offset), leaderEpoch: LeaderEpoch(0), metadata: null }];
      const topics = [{ name: 't', topicId: this.#topicId, partitions }];
      const who = { groupId: GROUP, generation, memberId: this.memberId, instanceId: this.instanceId };
      const command = { ...who, retentionTimeMs: -1, knowsGroupIdNotFound: true, topics };
      const { topics: answered } = await coordinator.commitOffsets(command);
      const error = answered[0]?.partitions[0]?.error;
      if (error === ErrorCode.NONE) this.#world.committed(partition, offset);
    };
    if (!this.#late && random.chance(0.1)) {
      this.#late = { generation, partition, send };
      return;
    }
    this.#positions.set(partition, offset);
    await send();
    await this.#breathe();
  }

  async #sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => this.#world.clock.after(ms, resolve));
    await this.#breathe();
  }

  /** Waits while the member is stopped. */
  async #breathe(): Promise<void> {
    const leftMs = this.#stoppedUntil - this.#world.clock.monotonic();
    if (leftMs > 0) await new Promise<void>((resolve) => this.#world.clock.after(leftMs, resolve));
  }
}

const beginsAnew: readonly ErrorCode[] = [
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.FENCED_MEMBER_EPOCH,
  ErrorCode.GROUP_ID_NOT_FOUND,
];

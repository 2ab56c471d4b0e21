// A consumer of the classic protocol: it joins, syncs, reads from the committed offsets, commits, heartbeats, and reacts to each
// error as Java's client does. It may be stopped anywhere for a while, and wakes up with old state.
import { type Clock, ErrorCode, LeaderEpoch, Offset, ZERO_UUID } from '@milepost/core';
import { ConsumerProtocolAssignment } from '@milepost/wire';
import type { JoinResult } from '../group/model/commands.ts';
import type { GroupCoordinator } from '../group/group-coordinator.ts';
import { protocol } from './harness.ts';
import type { SeededRandom } from './seeded-random.ts';

export const GROUP = 'g';
export const PARTITIONS = 6;
const SESSION_MS = 6_000;

/** The world of a consumer, and where it reports what it learns. */
export interface World {
  readonly clock: Clock;
  readonly random: SeededRandom;
  /** The current coordinator. */
  readonly coordinator: GroupCoordinator;
  /** As in consumer groups, a late commit counts while its partition stays with its member. */
  readonly countsLate: boolean;
  assigned(generation: number, owner: string, partitions: readonly number[]): void;
  committed(partition: number, offset: number): void;
}

/** A consumer of either protocol. */
export interface Walker {
  readonly instanceId: string | null;
  isAlive: boolean;
  readonly memberId: string;
  readonly owned: readonly number[];
  stop(ms: number): void;
  leave(): Promise<void>;
}

export class WalkConsumer implements Walker {
  readonly instanceId: string | null;
  isAlive = true;
  memberId = '';
  generation = -1;
  owned: readonly number[] = [];
  readonly #world: World;
  readonly #positions = new Map<number, number>();
  #stoppedUntil = 0;
  /** For the leader. */
  #members: readonly string[] = [];
  /** A commit that the network delays until its consumer is in the next generation. */
  #late: { readonly generation: number; readonly partition: number; readonly send: () => Promise<unknown> } | undefined;

  constructor(world: World, instanceId: string | null) {
    this.#world = world;
    this.instanceId = instanceId;
    void this.#run();
  }

  stop(ms: number): void {
    this.#stoppedUntil = this.#world.clock.monotonic() + ms;
  }

  async leave(): Promise<void> {
    this.isAlive = false;
    const { memberId, instanceId } = this;
    await this.#world.coordinator.leave({ groupId: GROUP, members: [{ memberId, instanceId, reason: null }] });
  }

  async #run(): Promise<void> {
    while (this.isAlive) {
      this.owned = [];
      if ((await this.#join()) && (await this.#sync()) && (await this.#fetchPositions())) await this.#consume();
      await this.#sleep(200);
    }
  }

  async #join(): Promise<boolean> {
    const joined: JoinResult = await this.#world.coordinator.join({
      groupId: GROUP,
      memberId: this.memberId,
      instanceId: this.instanceId,
      clientId: 'c',
      clientHost: '/127.0.0.1',
      sessionTimeoutMs: SESSION_MS,
      rebalanceTimeoutMs: SESSION_MS + 3_000,
      protocolType: 'consumer',
      protocols: [protocol('range', ['t'])],
      requireKnownMemberId: true,
      supportsSkippingAssignment: true,
      reason: null,
    });
    await this.#breathe();
    if (joined.error === ErrorCode.MEMBER_ID_REQUIRED) {
      this.memberId = joined.memberId;
      return this.#join();
    }
    if (!this.#accepted(joined.error)) return false;
    this.memberId = joined.memberId;
    this.generation = joined.generation;
    this.#members = joined.skipAssignment ? [] : joined.members.map(({ memberId }) => memberId);
    return true;
  }

  /** The leader assigns the partitions, starting with a random member. */
  async #sync(): Promise<boolean> {
    const first = this.#world.random.below(PARTITIONS);
    const assignments = this.#members.map((memberId, at) => {
      const dealt = Array.from({ length: PARTITIONS }, (_, partition) => partition);
      const own = dealt.filter((partition) => (partition + first) % this.#members.length === at);
      const assignedPartitions = [{ topic: 't', partitions: own }];
      return { memberId, assignment: ConsumerProtocolAssignment.write(0, { assignedPartitions, userData: null }) };
    });
    const { generation, memberId, instanceId } = this;
    const command = { groupId: GROUP, generation, memberId, instanceId, protocolType: null, protocolName: null };
    const synced = await this.#world.coordinator.sync({ ...command, assignments });
    const partitions = synced.assignment.length === 0 ? [] : partitionsIn(synced.assignment);
    if (synced.error === ErrorCode.NONE) this.#world.assigned(generation, instanceId ?? memberId, partitions);
    await this.#breathe();
    if (!this.#accepted(synced.error)) return false;
    this.owned = partitions;
    const mayArrive = (partition: number) => !this.#world.countsLate || !this.owned.includes(partition);
    if (this.#late && this.#late.generation < generation && mayArrive(this.#late.partition)) {
      void this.#late.send();
      this.#late = undefined;
    }
    return true;
  }

  async #fetchPositions(): Promise<boolean> {
    const topics = [{ name: 't', topicId: ZERO_UUID, partitions: this.owned }];
    const fetched = await this.#world.coordinator.fetchOffsets({ groupId: GROUP, topics, requireStable: true });
    if (fetched.error !== ErrorCode.NONE) return false;
    for (const { partition, offset } of fetched.topics[0]?.partitions ?? [])
      this.#positions.set(partition, Math.max(0, offset));
    return true;
  }

  async #consume(): Promise<void> {
    for (;;) {
      await this.#sleep(this.#world.random.between(500, 2_000));
      if (!this.isAlive) return;
      if (this.#world.random.chance(0.6) && !this.#accepted(await this.#commit())) return;
      const { generation, memberId, instanceId } = this;
      const error = await this.#world.coordinator.heartbeat({ groupId: GROUP, generation, memberId, instanceId });
      if (!this.#accepted(error)) return;
    }
  }

  async #commit(): Promise<ErrorCode> {
    const partition = this.owned[this.#world.random.below(Math.max(1, this.owned.length))];
    if (partition === undefined) return ErrorCode.NONE;
    const offset = (this.#positions.get(partition) ?? 0) + this.#world.random.below(5);
    this.#positions.set(partition, offset);
    const { generation, memberId, instanceId } = this;
    const send = async () => {
      const partitions = [{ partition, offset: Offset(offset), leaderEpoch: LeaderEpoch(0), metadata: null }];
      const topics = [{ name: 't', topicId: ZERO_UUID, partitions }];
      const who = { groupId: GROUP, generation, memberId, instanceId };
      const command = { ...who, retentionTimeMs: -1, knowsGroupIdNotFound: true, topics };
      const { topics: answered } = await this.#world.coordinator.commitOffsets(command);
      const error = answered[0]?.partitions[0]?.error ?? ErrorCode.UNKNOWN_SERVER_ERROR;
      if (error === ErrorCode.NONE) this.#world.committed(partition, offset);
      return error;
    };
    if (!this.#late && this.#world.random.chance(0.1)) {
      this.#late = { generation, partition, send };
      return ErrorCode.NONE;
    }
    const error = await send();
    await this.#breathe();
    return error;
  }

  /** False: it must join again, with a new member id if the old one is unknown. Transient errors are retried. */
  #accepted(error: ErrorCode): boolean {
    switch (error) {
      case ErrorCode.NONE:
        return true;
      case ErrorCode.FENCED_INSTANCE_ID:
        this.isAlive = false;
        return false;
      case ErrorCode.UNKNOWN_MEMBER_ID:
        this.memberId = '';
        return false;
      default:
        return this.owned.length > 0 && (passing as readonly ErrorCode[]).includes(error);
    }
  }

  async #sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => this.#world.clock.after(ms, resolve));
    await this.#breathe();
  }

  /** Waits while the consumer is stopped. */
  async #breathe(): Promise<void> {
    const leftMs = this.#stoppedUntil - this.#world.clock.monotonic();
    if (leftMs > 0) await new Promise<void>((resolve) => this.#world.clock.after(leftMs, resolve));
  }
}

const partitionsIn = (assignment: Buffer): number[] =>
  ConsumerProtocolAssignment.read(assignment).assignedPartitions.flatMap(({ partitions }) => [...partitions]);

const passing = [
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.NOT_COORDINATOR,
] as const;

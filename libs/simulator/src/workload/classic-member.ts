// A consumer with the classic protocol: joins, gets its partitions from the leader (or the broker, in a mixed group),
// commits, heartbeats, revokes everything before it rejoins, and handles each error like Java's client.
import { ErrorCode, errorName } from '@milepost/core';
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  SyncGroup,
} from '@milepost/wire';
import { Member } from './member.ts';
import { between } from './world.ts';

const SESSION_MS = 6_000;
const REBALANCE_MS = 9_000;
/** Before it joins again. */
const PAUSE_MS = 300;

export class ClassicMember extends Member {
  readonly speaks = 'classic';
  /** Of the embedded protocol. */
  readonly #version = this.random.below(4);
  #generation = -1;
  /** When it sent the join of this generation: until a heartbeat, its session counts from then. */
  #joinedAt = 0;
  /** For the leader. */
  #members: readonly string[] = [];

  async run(): Promise<void> {
    while (this.isAlive) {
      this.hold([], 0);
      if ((await this.#join()) && (await this.#sync()) && (await this.fetchPositions(this.owned)))
        await this.#consume();
      await this.sleep(PAUSE_MS);
    }
  }

  async leave(): Promise<void> {
    this.isAlive = false;
    this.hold([], 0);
    // Without a member id it never joined: its instance id alone would be an administrator's order to remove its successor.
    const members = [{ memberId: this.memberId, groupInstanceId: this.instanceId }];
    if (this.memberId !== '') await this.ask(LeaveGroup, 5, { groupId: this.group.id, members });
    this.retire();
  }

  async #join(): Promise<boolean> {
    for (let attempt = 0; attempt < 2 && this.isAlive; attempt++) {
      this.#joinedAt = this.world.clock.monotonic();
      const joined = await this.ask(JoinGroup, 9, {
        groupId: this.group.id,
        sessionTimeoutMs: SESSION_MS,
        rebalanceTimeoutMs: REBALANCE_MS,
        memberId: this.memberId,
        groupInstanceId: this.instanceId,
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: this.#subscription }],
      });
      await this.breathe();
      if (!joined) return false;
      this.world.note(`${this.name} joins: ${errorName(joined.errorCode)} ${joined.generationId} ${joined.memberId}`);
      if (joined.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
        this.memberId = joined.memberId;
        continue;
      }
      if (!this.#accepted(joined.errorCode)) return false;
      this.memberId = joined.memberId;
      this.#generation = joined.generationId;
      const isLeader = joined.leader === joined.memberId && !joined.skipAssignment;
      this.#members = isLeader ? joined.members.map(({ memberId }) => memberId) : [];
      return true;
    }
    return false;
  }

  /** The leader assigns the partitions round robin, starting at any member. */
  async #sync(): Promise<boolean> {
    const all = Array.from({ length: this.group.topic.partitions }, (_, partition) => partition);
    const first = this.random.below(all.length);
    const assignments = this.#members.map((memberId, at) => {
      return {
        memberId,
        assignment: this.#assignment(all.filter((partition) => (partition + first) % this.#members.length === at)),
      };
    });
    const synced = await this.ask(SyncGroup, 5, {
      ...this.#who,
      protocolType: 'consumer',
      protocolName: 'range',
      assignments,
    });
    const partitions = partitionsIn(synced?.assignment);
    if (synced?.errorCode === ErrorCode.NONE)
      this.world.see({
        kind: 'assigned',
        group: this.group.id,
        generation: this.#generation,
        member: this.instanceId ?? this.memberId,
        partitions,
      });
    await this.breathe();
    if (!synced) return false;
    this.world.note(`${this.name} syncs: ${errorName(synced.errorCode)} ${partitions.join(' ')}`);
    if (!this.#accepted(synced.errorCode) || this.isOutdated(synced)) return false;
    this.hold(partitions, this.#joinedAt + SESSION_MS);
    return true;
  }

  async #consume(): Promise<void> {
    while (this.isAlive) {
      await this.sleep(between(this.random, 500, 2_000));
      if (!this.isAlive) return;
      this.sendLate(this.#generation, this.owned);
      if (this.random.chance(0.5) && !this.#accepted(await this.commit(this.#generation))) return;
      await this.breathe();
      const sentAt = this.world.clock.monotonic();
      const beat = await this.ask(Heartbeat, 4, this.#who);
      const answeredAt = this.world.clock.monotonic();
      await this.breathe();
      if (!this.#accepted(beat?.errorCode)) return;
      // Once its session has expired it may be removed at any moment, whatever the response is.
      const isKept = beat?.errorCode === ErrorCode.NONE && answeredAt < this.heldUntil;
      if (isKept && !this.isOutdated(beat)) this.hold(this.owned, sentAt + SESSION_MS);
    }
  }

  get #subscription(): Buffer {
    return ConsumerProtocolSubscription.write(this.#version, { topics: [this.group.topic.name] });
  }

  #assignment(partitions: readonly number[]): Buffer {
    const assignedPartitions = [{ topic: this.group.topic.name, partitions: [...partitions] }];
    return ConsumerProtocolAssignment.write(this.#version, { assignedPartitions });
  }

  get #who() {
    return {
      groupId: this.group.id,
      generationId: this.#generation,
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
    };
  }

  /** False: it has to rejoin, with a new id if the old one is unknown. Retriable errors do not change what it owns. */
  #accepted(error: ErrorCode | undefined): boolean {
    this.heard(error);
    switch (error) {
      case ErrorCode.NONE:
        return true;
      case ErrorCode.FENCED_INSTANCE_ID:
        this.kill();
        return false;
      case ErrorCode.UNKNOWN_MEMBER_ID:
        this.hold([], 0);
        this.memberId = '';
        return false;
      case undefined:
      case ErrorCode.COORDINATOR_NOT_AVAILABLE:
      case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
      case ErrorCode.NOT_COORDINATOR:
        return this.owned.length > 0;
      default:
        return false;
    }
  }
}

/** Empty if the group assigned nothing to it. */
const partitionsIn = (assignment: Buffer | undefined): number[] =>
  assignment && assignment.length > 0
    ? ConsumerProtocolAssignment.read(assignment).assignedPartitions.flatMap(({ partitions }) => [...partitions])
    : [];

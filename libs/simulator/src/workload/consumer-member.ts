// A member of a consumer group (KIP-848): it heartbeats, revokes partitions on request and confirms that, owns new ones
// once it has fetched their offsets, and commits.
import { ErrorCode, errorName } from '@milepost/core';
import { ConsumerGroupHeartbeat, type ResponseOutput } from '@milepost/wire';
import { type GroupOfMembers, Member } from './member.ts';
import { between, type World } from './world.ts';

/** group.consumer.session.timeout.ms of the simulated node. */
export const CONSUMER_SESSION_MS = 6_000;
const REBALANCE_MS = 9_000;
/** It gives up after receiving UNRELEASED_INSTANCE_ID for this long. */
const UNRELEASED_MS = 15_000;

const LEAVES = -1;
const LEAVES_FOR_A_WHILE = -2;

export class ConsumerMember extends Member {
  readonly speaks = 'consumer';
  #epoch = 0;
  /** Its target assignment. */
  #told: readonly number[] = [];
  /** After an error or a lost response the next heartbeat carries every field. */
  #mustSayAll = true;
  #unreleasedSince: number | undefined;

  constructor(world: World, group: GroupOfMembers, name: string, instanceId: string | null) {
    super(world, group, name, instanceId);
    this.memberId = this.random.uuid();
  }

  async run(): Promise<void> {
    while (this.isAlive) {
      const isNews = await this.#beat();
      if (this.isAlive && this.#epoch > 0 && this.random.chance(0.5)) await this.commit(this.#epoch);
      await this.breathe();
      if (!isNews) await this.sleep(between(this.random, 300, 1_500));
    }
  }

  async leave(): Promise<void> {
    this.isAlive = false;
    const forAWhile = this.instanceId !== null && this.random.chance(0.5);
    this.hold([], 0);
    await this.ask(ConsumerGroupHeartbeat, 1, {
      ...this.#request(),
      memberEpoch: forAWhile ? LEAVES_FOR_A_WHILE : LEAVES,
    });
    this.retire();
  }

  /** True when the next heartbeat is due immediately, to confirm a revocation. */
  async #beat(): Promise<boolean> {
    const sentAt = this.world.clock.monotonic();
    const answer = await this.ask(ConsumerGroupHeartbeat, 1, this.#request());
    await this.breathe();
    if (!this.isAlive) return false;
    this.#mustSayAll = answer?.errorCode !== ErrorCode.NONE;
    if (!answer) return false;
    this.world.note(
      `${this.name} beats: ${errorName(answer.errorCode)} ${answer.memberEpoch} ${JSON.stringify(answer.assignment?.topicPartitions.map(({ partitions }) => partitions) ?? null)}`,
    );
    if (answer.errorCode !== ErrorCode.NONE) {
      this.#refused(answer.errorCode);
      return false;
    }
    // As if it had been lost: the next heartbeat says everything again.
    this.#mustSayAll = this.isOutdated(answer);
    return !this.#mustSayAll && this.#follow(answer, sentAt + CONSUMER_SESSION_MS);
  }

  #request() {
    const saysAll = this.#mustSayAll || this.#epoch === 0;
    const { id, topic } = this.group;
    return {
      groupId: id,
      memberId: this.memberId,
      memberEpoch: this.#epoch,
      instanceId: this.instanceId,
      rackId: null,
      serverAssignor: null,
      ...(saysAll && { rebalanceTimeoutMs: REBALANCE_MS, subscribedTopicNames: [topic.name] }),
      topicPartitions: this.owned.length > 0 ? [{ topicId: topic.id, partitions: [...this.owned] }] : [],
    };
  }

  #refused(error: ErrorCode): void {
    this.heard(error);
    const now = this.world.clock.monotonic();
    if (error === ErrorCode.FENCED_INSTANCE_ID) {
      this.hold([], 0);
      this.kill();
    } else if (error === ErrorCode.UNRELEASED_INSTANCE_ID) {
      this.#unreleasedSince ??= now;
      if (now - this.#unreleasedSince > UNRELEASED_MS) this.kill();
    } else if (beginsAnew.includes(error)) {
      this.#epoch = 0;
      this.#told = [];
      this.hold([], 0);
    }
  }

  /** Revokes first; new partitions are owned once their offsets are fetched. */
  async #follow(
    { memberEpoch, assignment }: ResponseOutput<typeof ConsumerGroupHeartbeat>,
    untilMs: number,
  ): Promise<boolean> {
    this.#unreleasedSince = undefined;
    this.#epoch = memberEpoch;
    if (assignment) this.#told = assignment.topicPartitions.flatMap(({ partitions }) => partitions);
    // For partitions that it still has, or has again, an old commit would count.
    this.sendLate(memberEpoch, [...this.owned, ...this.#told]);
    const kept = this.owned.filter((partition) => this.#told.includes(partition));
    const fresh = this.#told.filter((partition) => !kept.includes(partition));
    const gaveUp = kept.length < this.owned.length;
    this.hold(kept, untilMs);
    if (fresh.length === 0) return gaveUp;
    if (!(await this.fetchPositions(fresh, this.#epoch)) || !this.isAlive) return false;
    this.hold([...kept, ...fresh], untilMs);
    return true;
  }
}

const beginsAnew: readonly ErrorCode[] = [
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.FENCED_MEMBER_EPOCH,
  ErrorCode.GROUP_ID_NOT_FOUND,
];

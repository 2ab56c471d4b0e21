// A member of a consumer group, driven one heartbeat at a time.
import { ErrorCode, type Uuid } from '@milepost/core';
import type { ConsumerHeartbeatCommand, ConsumerHeartbeatResult } from '../group/consumer/commands.ts';
import { commitOf, type Harness } from './harness.ts';

export class ConsumerMember {
  readonly harness: Harness;
  readonly options: ConsumerHeartbeatCommand;
  memberId: string;
  epoch = 0;
  /** The assignment of the last response, and the partitions that its requests list. */
  told: readonly { readonly topicId: Uuid; readonly partitions: readonly number[] }[] = [];
  owned: ConsumerMember['told'] = [];

  constructor(harness: Harness, memberId: string, options: Partial<ConsumerHeartbeatCommand> = {}) {
    this.harness = harness;
    this.memberId = memberId;
    this.options = {
      groupId: 'g',
      memberId,
      memberEpoch: 0,
      instanceId: null,
      rackId: null,
      clientId: 'client',
      clientHost: '/127.0.0.1',
      rebalanceTimeoutMs: 60_000,
      topicNames: ['t'],
      topicRegex: null,
      assignor: null,
      owned: [],
      requiresMemberId: true,
      ...options,
    };
  }

  /** Partitions of all topics, as `t0`. */
  get partitions(): string[] {
    const { catalog } = this.harness;
    return this.told.flatMap(({ topicId, partitions }) =>
      partitions.map((each) => `${catalog.withId(topicId)?.name ?? 'gone'}${each}`),
    );
  }

  /** Sends all fields, in epoch 0. */
  async join(changes: Partial<ConsumerHeartbeatCommand> = {}): Promise<ConsumerHeartbeatResult> {
    this.owned = [];
    return this.#send({ ...this.options, memberId: this.memberId, ...changes });
  }

  /** Sends its partitions, and only fields that have changed. */
  async beat(changes: Partial<ConsumerHeartbeatCommand> = {}): Promise<ConsumerHeartbeatResult> {
    return this.#send({
      ...this.options,
      memberId: this.memberId,
      memberEpoch: this.epoch,
      rebalanceTimeoutMs: -1,
      topicNames: null,
      topicRegex: null,
      owned: this.owned,
      ...changes,
    });
  }

  /** Applies the assignment of the last response. */
  obey(): void {
    this.owned = this.told;
  }

  /** Applies the assignment, and confirms it. */
  async follow(): Promise<ConsumerHeartbeatResult> {
    this.obey();
    return this.beat();
  }

  leave(memberEpoch = -1): Promise<ConsumerHeartbeatResult> {
    return this.beat({ memberEpoch, owned: null });
  }

  async commit(offset: number, epoch = this.epoch, partition = 0): Promise<ErrorCode | undefined> {
    const topicId = this.harness.catalog.named('t')?.id;
    const { options, memberId } = this;
    const command = commitOf(
      { options: { ...this.harness.member().options, ...options }, memberId, generation: epoch },
      offset,
    );
    const topics = command.topics.map((topic) => ({
      ...topic,
      ...(topicId && { topicId }),
      partitions: topic.partitions.map((each) => ({ ...each, partition })),
    }));
    return (await this.harness.coordinator.commitOffsets({ ...command, topics })).topics[0]?.partitions[0]?.error;
  }

  async #send(command: ConsumerHeartbeatCommand): Promise<ConsumerHeartbeatResult> {
    const result = await this.harness.coordinator.consumerHeartbeat(command);
    if (result.error !== ErrorCode.NONE) return result;
    this.memberId = result.memberId ?? this.memberId;
    this.epoch = result.memberEpoch;
    this.told = result.assignment ?? this.told;
    return result;
  }
}

/** Members that have joined one after the other, and heartbeat until the group is stable. */
export async function settledGroup(
  harness: Harness,
  memberIds: readonly string[],
  options: Partial<ConsumerHeartbeatCommand> = {},
): Promise<ConsumerMember[]> {
  const members = memberIds.map((memberId) => new ConsumerMember(harness, memberId, options));
  for (const member of members) await member.join();
  await settle(harness, members);
  return members;
}

export async function settle(harness: Harness, members: readonly ConsumerMember[]): Promise<void> {
  await harness.clock.advance(1_000);
  for (let round = 0; round < 4; round++) for (const member of members) await member.follow();
}

// A coordinator on a manual clock with a store in memory, and members that act as clients do.
import {
  Offset,
  type ErrorCode,
  LeaderEpoch,
  type Meter,
  type Random,
  silentLogger,
  silentMeter,
  ZERO_UUID,
} from '@milepost/core';
import { DEFAULT_GROUP_CONFIG, type GroupConfig } from '../group/model/config.ts';
import type { CommitCommand, JoinCommand, JoinResult, SyncCommand, SyncResult } from '../group/model/commands.ts';
import { GroupCoordinator } from '../group/group-coordinator.ts';
import { MemoryGroupStore } from '../group/memory-group-store.ts';
import { ManualClock, settled } from '../../../core/src/testing/manual-clock.ts';
import { MemoryPartitions } from './memory-partitions.ts';
import { TestCatalog } from './test-catalog.ts';

const SHARDS = Array.from({ length: 50 }, (_, shard) => shard);

/** Ids that are easy to distinguish in output. */
export class CountingRandom implements Random {
  #count = 0;
  below(limit: number): number {
    return this.#count++ % limit;
  }
  chance(): boolean {
    return false;
  }
  uuid(): string {
    this.#count += 1;
    return `id${this.#count}`;
  }
}

export class Harness {
  readonly clock = new ManualClock();
  readonly random = new CountingRandom();
  readonly config: GroupConfig;
  readonly rebalances: string[] = [];
  readonly catalog = new TestCatalog();
  readonly partitions = new MemoryPartitions();
  store = new MemoryGroupStore();
  coordinator: GroupCoordinator;

  private constructor(config: Partial<GroupConfig>) {
    for (const topic of ['t', 'u']) this.catalog.set(topic, 1);
    this.config = { ...DEFAULT_GROUP_CONFIG, ...config };
    this.coordinator = this.#make();
  }

  static async start(config: Partial<GroupConfig> = {}, shards: readonly number[] = SHARDS): Promise<Harness> {
    const harness = new Harness(config);
    await harness.coordinator.start(shards);
    // Until the echo is current.
    await harness.clock.advance(0);
    return harness;
  }

  /** As after kill -9: the next coordinator finds what the store has. */
  async restart(health: MemoryGroupStore['health'] = 'well'): Promise<void> {
    void this.coordinator.close();
    this.store = new MemoryGroupStore(this.store.table);
    this.store.health = health;
    this.coordinator = this.#make();
    await this.coordinator.start(SHARDS);
  }

  member(options: Partial<JoinCommand> = {}): TestMember {
    return new TestMember(this, options);
  }

  /** A Stable group of that many members; the first one leads. */
  async stable(count: number, options: Partial<JoinCommand> = {}): Promise<TestMember[]> {
    const members = Array.from({ length: count }, () => this.member(options));
    const joins = await Promise.all(members.map((member) => member.enter()));
    await this.clock.advance(this.config.initialRebalanceDelayMs * 2);
    await Promise.all(joins.map(({ answer }) => answer));
    await this.assign(members);
    return members;
  }

  /** Members of one generation send SyncGroup; each is assigned its own id. */
  async assign(members: readonly TestMember[]): Promise<SyncResult[]> {
    return Promise.all(members.map((member) => member.sync(member.leads ? members : [])));
  }

  async stateOf(groupId = 'g'): Promise<string> {
    const [described] = await this.coordinator.describe([groupId]);
    return described?.state ?? 'undescribed';
  }

  async committed(groupId = 'g', partition = 0): Promise<number> {
    const { topics } = await this.coordinator.fetchOffsets({
      groupId,
      topics: [{ name: 't', topicId: ZERO_UUID, partitions: [partition] }],
      requireStable: false,
    });
    return topics[0]?.partitions[0]?.offset ?? Number.NaN;
  }

  #make(): GroupCoordinator {
    const meter: Meter = {
      ...silentMeter,
      counter: (name) => ({
        add: (_, labels) => void this.rebalances.push(`${name} ${labels?.['consumergroup']} ${labels?.['reason']}`),
        remove: () => {},
      }),
    };
    const { clock, random, store, partitions: writer, catalog, config } = this;
    const deps = { clock, random, logger: silentLogger, meter, store, writer, catalog, config };
    return new GroupCoordinator({ ...deps, shards: 50 });
  }
}

/** `value` is undefined until the response has come. */
export class Awaited<T> {
  readonly answer: Promise<T>;
  value: T | undefined;
  constructor(answer: Promise<T>) {
    this.answer = answer.then((value) => {
      this.value = value;
      return value;
    });
  }
}

export class TestMember {
  readonly harness: Harness;
  readonly options: JoinCommand;
  memberId = '';
  generation = -1;
  leads = false;

  constructor(harness: Harness, options: Partial<JoinCommand>) {
    this.harness = harness;
    this.options = {
      groupId: 'g',
      memberId: '',
      instanceId: null,
      clientId: 'client',
      clientHost: '/127.0.0.1',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      protocolType: 'consumer',
      protocols: [protocol('range', ['t'])],
      requireKnownMemberId: true,
      supportsSkippingAssignment: true,
      reason: null,
      ...options,
    };
  }

  /** Sends one JoinGroup, and lets its consequences happen. */
  async join(changes: Partial<JoinCommand> = {}): Promise<Awaited<JoinResult>> {
    const { coordinator } = this.harness;
    const asked = coordinator.join({ ...this.options, memberId: this.memberId, ...changes });
    const joining = new Awaited(
      asked.then((result) => {
        if (result.memberId !== '') this.memberId = result.memberId;
        this.generation = result.generation;
        this.leads = result.error === 0 && result.leader === result.memberId;
        return result;
      }),
    );
    await settled();
    return joining;
  }

  /** Joins as a client without a member id does: requests one where it must (KIP-394), then waits. */
  async enter(): Promise<Awaited<JoinResult>> {
    if (this.options.requireKnownMemberId && this.options.instanceId === null) await (await this.join()).answer;
    return this.join();
  }

  sync(assignTo: readonly TestMember[] = [], changes: Partial<SyncCommand> = {}): Promise<SyncResult> {
    return this.harness.coordinator.sync({
      groupId: this.options.groupId,
      generation: this.generation,
      memberId: this.memberId,
      instanceId: this.options.instanceId,
      protocolType: null,
      protocolName: null,
      assignments: assignTo.map(({ memberId }) => ({ memberId, assignment: Buffer.from(`for ${memberId}`) })),
      ...changes,
    });
  }

  heartbeat(generation = this.generation): Promise<ErrorCode> {
    const { groupId, instanceId } = this.options;
    return this.harness.coordinator.heartbeat({ groupId, generation, memberId: this.memberId, instanceId });
  }

  async leave(): Promise<ErrorCode | undefined> {
    const { groupId, instanceId } = this.options;
    const members = [{ memberId: this.memberId, instanceId, reason: null }];
    const { error, members: left } = await this.harness.coordinator.leave({ groupId, members });
    return left[0]?.error ?? error;
  }

  async commit(offset: number, changes: Partial<CommitCommand> = {}): Promise<ErrorCode | undefined> {
    const { topics } = await this.harness.coordinator.commitOffsets(commitOf(this, offset, changes));
    return topics[0]?.partitions[0]?.error;
  }
}

/** Offset of partition 0 of topic t. */
export function commitOf(
  { options, memberId, generation }: Pick<TestMember, 'options' | 'memberId' | 'generation'>,
  offset: number,
  changes: Partial<CommitCommand> = {},
): CommitCommand {
  const partitions = [{ partition: 0, offset: Offset(offset), leaderEpoch: LeaderEpoch(2), metadata: null }];
  return {
    groupId: options.groupId,
    generation,
    memberId,
    instanceId: options.instanceId,
    retentionTimeMs: -1,
    knowsGroupIdNotFound: true,
    topics: [{ name: 't', topicId: ZERO_UUID, partitions }],
    ...changes,
  };
}

/** Its metadata is a consumer's subscription, version 0, without user data. */
export function protocol(name: string, topics: readonly string[]): { name: string; metadata: Buffer } {
  const names = topics.map((topic) => {
    const bytes = Buffer.alloc(2 + Buffer.byteLength(topic));
    bytes.writeInt16BE(bytes.length - 2);
    bytes.write(topic, 2);
    return bytes;
  });
  const head = Buffer.alloc(6);
  head.writeInt32BE(topics.length, 2);
  return { name, metadata: Buffer.concat([head, ...names, Buffer.from([255, 255, 255, 255])]) };
}

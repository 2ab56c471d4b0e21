// A random life of one group: consumers join, leave, die and freeze; the store is away, slow or forgetful; the coordinator is
// killed. One seed is one life. Invariants are checked all the time, and at the end that the group settles.
import { type Clock, ErrorCode, silentLogger, silentMeter, ZERO_UUID } from '@milepost/core';
import { DEFAULT_GROUP_CONFIG } from '../group/model/config.ts';
import { GroupCoordinator, type GroupCoordinatorDeps } from '../group/group-coordinator.ts';
import { GroupTable, MemoryGroupStore } from '../group/memory-group-store.ts';
import { ManualClock } from '../../../core/src/testing/manual-clock.ts';
import { MemoryPartitions } from './memory-partitions.ts';
import { TestCatalog } from './test-catalog.ts';
import { SeededRandom } from './seeded-random.ts';
import { GROUP, PARTITIONS, WalkConsumer, type Walker, type World } from './walk-consumer.ts';
import { WalkMember } from './walk-member.ts';

const STEPS = 40;
const MOST_CONSUMERS = 5;

/** The places for planted bugs. */
export interface Plants {
  /** The protocol of the group; classic by default. */
  readonly protocol?: 'classic' | 'consumer' | 'mixed';
  readonly make?: (deps: GroupCoordinatorDeps) => GroupCoordinator;
  readonly clockOfCoordinator?: (clock: Clock, random: SeededRandom) => Clock;
}

export class Walk implements World {
  readonly clock = new ManualClock();
  readonly random: SeededRandom;
  readonly catalog = new TestCatalog();
  readonly violations: string[] = [];
  coordinator: GroupCoordinator;
  readonly countsLate: boolean;
  readonly #plants: Plants;
  readonly #table = new GroupTable();
  #partitions = new MemoryPartitions();
  #store: MemoryGroupStore;
  #isLoading = true;
  readonly #consumers: Walker[] = [];
  /** By generation and partition. */
  readonly #owners = new Map<string, string>();
  readonly #acknowledged = new Map<number, number>();

  private constructor(seed: number, plants: Plants) {
    this.random = new SeededRandom(seed);
    this.#plants = plants;
    this.countsLate = plants.protocol === 'mixed';
    this.#store = new MemoryGroupStore(this.#table);
    this.catalog.set('t', PARTITIONS);
    this.coordinator = this.#startCoordinator();
  }

  /** Resolves with the violations in the life of that seed. */
  static async live(seed: number, plants: Plants = {}): Promise<string[]> {
    const walk = new Walk(seed, plants);
    for (let step = 0; step < STEPS && walk.violations.length === 0; step++) {
      walk.#happen();
      await walk.clock.advance(walk.random.between(100, 3_000));
      await walk.#checkCommitted();
      await walk.#checkOwners();
    }
    await walk.#settle();
    await walk.coordinator.close();
    return walk.violations;
  }

  assigned(generation: number, owner: string, partitions: readonly number[]): void {
    for (const partition of partitions) {
      const key = `generation ${generation}, partition ${partition}`;
      const other = this.#owners.get(key);
      if (other !== undefined && other !== owner) this.violations.push(`${key}: ${other} and ${owner}`);
      this.#owners.set(key, owner);
    }
  }

  committed(partition: number, offset: number): void {
    const before = this.#acknowledged.get(partition) ?? 0;
    if (offset < before) this.violations.push(`partition ${partition}: ${offset} was committed after ${before}`);
    this.#acknowledged.set(partition, offset);
  }

  #happen(): void {
    const living = this.#living();
    const someone = living[this.random.below(Math.max(1, living.length))];
    switch (this.random.below(10)) {
      case 0:
      case 1:
      case 2:
        if (living.length < MOST_CONSUMERS) this.#add(this.#newInstance(living));
        break;
      case 3:
        if (someone) someone.isAlive = false;
        break;
      case 4:
        void someone?.leave();
        break;
      case 5:
        someone?.stop(this.random.between(500, 15_000));
        break;
      case 6:
        if (someone && someone.instanceId !== null) {
          // The old process may be frozen, not dead, and wake up.
          someone.stop(this.random.between(500, 5_000));
          this.#add(someone.instanceId);
        }
        break;
      case 7:
        this.#store.health = (['away', 'forgetful', 'well'] as const)[this.random.below(3)] as 'well';
        break;
      case 8: {
        const slowestMs = this.random.below(2) * 7_000;
        this.#store.pace = () => this.#sleep(this.random.below(slowestMs + 1));
        break;
      }
      case 9:
        this.#killCoordinator();
        break;
    }
  }

  async #settle(): Promise<void> {
    this.#store.health = 'well';
    this.#store.pace = async () => {};
    await this.clock.advance(60_000);
    await this.#checkCommitted();
    const living = this.#living();
    const group = await this.#described();
    const expected = living.length > 0 ? ['Stable'] : ['Empty', 'Dead'];
    if (!group || !expected.includes(group.state))
      this.violations.push(`${living.length} live consumers, and the group is ${group?.state}`);
    const members = group?.members.map(({ memberId }) => memberId).toSorted() ?? [];
    const known = living.map(({ memberId }) => memberId).toSorted();
    if (String(members) !== String(known))
      this.violations.push(`members ${String(members)}, live consumers ${String(known)}`);
    const owned = living.flatMap((consumer) => consumer.owned).toSorted((a, b) => a - b);
    if (living.length > 0 && String(owned) !== String(Array.from({ length: PARTITIONS }, (_, at) => at)))
      this.violations.push(`partitions ${String(owned)} are owned`);
    await this.#checkEcho();
  }

  /** `__consumer_offsets` holds what a coordinator would write that finds it empty. */
  async #checkEcho(): Promise<void> {
    for (const consumer of this.#living()) consumer.isAlive = false;
    await this.clock.advance(3_000);
    this.#killCoordinator();
    await this.clock.advance(100);
    const echoed = this.#partitions.compacted();
    this.#partitions = new MemoryPartitions();
    this.#killCoordinator();
    await this.clock.advance(100);
    const anew = this.#partitions.compacted();
    const differ = [...new Set([...echoed.keys(), ...anew.keys()])].filter((key) => {
      const [left, right] = [echoed.get(key), anew.get(key)];
      return !left || !right || !left.equals(right);
    });
    if (differ.length > 0) this.violations.push(`__consumer_offsets differs in ${differ.length} keys`);
  }

  async #checkCommitted(): Promise<void> {
    const partitions = [...this.#acknowledged.keys()];
    const topics = [{ name: 't', topicId: ZERO_UUID, partitions }];
    const fetched = await this.coordinator.fetchOffsets({ groupId: GROUP, topics, requireStable: false });
    if (fetched.error !== ErrorCode.NONE) return;
    for (const { partition, offset } of fetched.topics[0]?.partitions ?? []) {
      const acknowledged = this.#acknowledged.get(partition) ?? 0;
      if (offset < acknowledged) this.violations.push(`partition ${partition}: ${acknowledged} became ${offset}`);
    }
  }

  #killCoordinator(): void {
    const { health, pace } = this.#store;
    void this.coordinator.close();
    // A write in progress may still land. An acquisition may not: that would be another living process.
    if (this.#isLoading) this.#store.health = 'away';
    this.#store = Object.assign(new MemoryGroupStore(this.#table), { health, pace });
    this.coordinator = this.#startCoordinator();
  }

  #startCoordinator(): GroupCoordinator {
    const deps: GroupCoordinatorDeps = {
      clock: this.#plants.clockOfCoordinator?.(this.clock, this.random) ?? this.clock,
      random: this.random,
      logger: silentLogger,
      meter: silentMeter,
      store: this.#store,
      writer: {
        // A dead process appends nothing.
        append: (partition, batch) =>
          this.coordinator === coordinator ? this.#partitions.append(partition, batch) : 'later',
        read: (partition, from) => this.#partitions.read(partition, from),
      },
      catalog: this.catalog,
      config: { ...DEFAULT_GROUP_CONFIG, initialRebalanceDelayMs: 1_000, consumerSessionTimeoutMs: 6_000 },
      shards: 1,
    };
    const coordinator: GroupCoordinator = this.#plants.make?.(deps) ?? new GroupCoordinator(deps);
    this.#isLoading = true;
    void coordinator.start([0]).then(() => {
      if (this.coordinator === coordinator) this.#isLoading = false;
    });
    return coordinator;
  }

  async #described() {
    const [consumers] = await this.coordinator.describeConsumers([GROUP]);
    return consumers?.error === ErrorCode.NONE ? consumers : (await this.coordinator.describe([GROUP]))[0];
  }

  /** In a consumer group, at every moment. Members of a classic group are checked by generation. */
  async #checkOwners(): Promise<void> {
    const [group] = await this.coordinator.describeConsumers([GROUP]);
    const owned = group?.members.flatMap(({ assignment }) => assignment.flatMap(({ partitions }) => partitions)) ?? [];
    if (new Set(owned).size < owned.length) this.violations.push(`partitions ${String(owned)} are assigned`);
  }

  #add(instanceId: string | null): void {
    const { protocol } = this.#plants;
    const isModern = protocol === 'consumer' || (protocol === 'mixed' && this.random.chance(0.5));
    this.#consumers.push(isModern ? new WalkMember(this, instanceId) : new WalkConsumer(this, instanceId));
  }

  #living(): Walker[] {
    return this.#consumers.filter(({ isAlive }) => isAlive);
  }

  /** A third of the members are static. */
  #newInstance(living: readonly Walker[]): string | null {
    const instanceId = `i${this.random.below(2)}`;
    const isTaken = living.some((other) => other.instanceId === instanceId);
    return this.random.chance(0.33) && !isTaken ? instanceId : null;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.after(ms, resolve));
  }
}

// PostgreSQL as brokers see it through its two ports: another process, some milliseconds away, sometimes slow or away,
// or losing its responses. It outlives the brokers, and can go back to an earlier backup of itself.
//
// Promises what the stores' contracts promise; a call that fails while it is pending may have happened or not.
import {
  type GroupStore,
  CoordinatorStoreUnavailable,
  GroupTable,
  MemoryGroupStore,
  MemoryShareStateStore,
  MemoryTransactionStore,
  type ShareStateStore,
  type TransactionStore,
  TransactionTable,
} from '@milepost/coordinators';
import type { Clock } from '@milepost/core';
import {
  type BrokerLeases,
  type ClusterImage,
  MemoryBrokerLeases,
  type MemoryMetadataBackup,
  MemoryMetadataDatabase,
  MemoryMetadataStore,
  type MetadataStore,
  StoreUnavailable,
} from '@milepost/metadata';
import type { SimLife } from './sim-life.ts';
import type { SimRandom } from './sim-random.ts';

/** `forgetful`: executes every call, but often loses the response. */
export type DatabaseHealth = 'well' | 'away' | 'forgetful';

/** The initial value of its clock, which is never set. */
const START_MS = Date.UTC(2026, 0, 1);
/** A call waits at most this long for a database that is away, like the calls of the real stores. */
const TIMEOUT_MS = 5_000;

/** The condition of one machine's access to it. */
export interface DatabaseAccess {
  health: DatabaseHealth;
  /** Everything takes so many times longer. */
  slowness: number;
}

/** The content of the database at one moment. */
export interface DatabaseBackup {
  readonly metadata: MemoryMetadataBackup;
  readonly transactions: Pick<TransactionTable, 'epochs' | 'leaders' | 'transactions'>;
  readonly groups: Pick<GroupTable, 'epochs' | 'leaders' | 'groups' | 'shares'>;
}

export class SimDatabase {
  readonly metadata = new MemoryMetadataDatabase();
  readonly groups = new GroupTable();
  readonly transactions = new TransactionTable();
  /** For every machine. */
  health: DatabaseHealth = 'well';
  /** Every call takes this many times longer. */
  slowness = 1;
  /** Called when a machine has acquired a shard of groups, whether it hears of that or not. */
  onShardAcquired: (shard: number, epoch: number, machine: string) => void = () => {};
  /** Calls that began before the last one are lost. */
  #restores = 0;
  readonly #accesses = new Map<string, DatabaseAccess>();
  readonly #random: SimRandom;
  readonly #clock: Clock;

  constructor(random: SimRandom, clock: Clock) {
    this.#random = random;
    this.#clock = clock;
  }

  /** The access of one machine, if it is worse than that of the others. */
  accessOf(machine: string): DatabaseAccess {
    let access = this.#accesses.get(machine);
    if (!access) this.#accesses.set(machine, (access = { health: 'well', slowness: 1 }));
    return access;
  }

  backup(): DatabaseBackup {
    const { epochs, leaders, transactions } = this.transactions;
    return {
      metadata: this.metadata.backup(),
      groups: copyOf(this.groups),
      transactions: { epochs: new Map(epochs), leaders: new Map(leaders), transactions: new Map(transactions) },
    };
  }

  /** A standby with only the backup's content is promoted, under the programs that use it. */
  failOver({ metadata, groups, transactions }: DatabaseBackup): void {
    this.#replace(groups, transactions);
    this.metadata.failOver(metadata);
  }

  /** The database becomes the backup again, on the timeline of the backup. */
  restore({ metadata, groups, transactions }: DatabaseBackup): void {
    this.#replace(groups, transactions);
    this.metadata.restore(metadata);
  }

  metadataStore(life?: SimLife, machine = ''): MetadataStore {
    const store = new MemoryMetadataStore(this.metadata);
    const lost = (why: string): Error => new StoreUnavailable(why);
    const call = <Answer>(work: () => Promise<Answer>): Promise<Answer> => heard(life, this.#call(machine, work, lost));
    return {
      open: (seen) => call(() => store.open(seen)),
      commit: (decide, fence) => call(() => store.commit(decide, fence)),
      allocateProducerIds: (count, atLeast) => call(() => store.allocateProducerIds(count, atLeast)),
      sighting: () => store.sighting(),
      watch: (listener) => this.#watch(machine, store, listener, life),
      close: () => store.close(),
    };
  }

  leases(life?: SimLife, machine = ''): BrokerLeases {
    const leases = new MemoryBrokerLeases(this.metadata, { now: () => START_MS + this.#clock.monotonic() });
    const lost = (why: string): Error => new StoreUnavailable(why);
    // A dead program extends no lease: its request was lost with it.
    const call = <Answer>(work: () => Promise<Answer>, timeoutMs = TIMEOUT_MS): Promise<Answer> => {
      const response = this.#call(machine, () => (life?.isOver ? never : work()), lost);
      return heard(life, this.#within(timeoutMs, response, lost));
    };
    return {
      hold: (claim, timeoutMs) => call(() => leases.hold(claim), timeoutMs),
      all: (timeoutMs) => call(() => leases.all(), timeoutMs),
      release: (brokerId, incarnation) => call(() => leases.release(brokerId, incarnation)),
      close: () => leases.close(),
    };
  }

  groupStore(life?: SimLife, machine = ''): GroupStore {
    const store = new MemoryGroupStore(this.groups);
    const lost = (why: string): Error => new CoordinatorStoreUnavailable(why);
    const acquire: GroupStore['acquire'] = async (shards, leadership) => {
      const acquired = await this.#logged(store.acquire(shards, leadership));
      for (const [shard, { number }] of acquired.epochs) this.onShardAcquired(shard, number, machine);
      return acquired;
    };
    return {
      shards: () =>
        heard(
          life,
          this.#call(machine, () => store.shards(), lost),
        ),
      acquire: (shards, leadership) =>
        heard(
          life,
          // A dead program acquires no shards: its request was lost with it.
          this.#call(machine, () => (life?.isOver ? never : acquire(shards, leadership)), lost),
        ),
      persist: (shard, epoch, events) =>
        heard(
          life,
          this.#call(machine, () => this.#logged(store.persist(shard, epoch, events)), lost),
        ),
    };
  }

  shareStore(life?: SimLife, machine = ''): ShareStateStore {
    const store = new MemoryShareStateStore(this.groups);
    const lost = (why: string): Error => new CoordinatorStoreUnavailable(why);
    const call = <Answer>(work: () => Promise<Answer>): Promise<Answer> => heard(life, this.#call(machine, work, lost));
    return {
      // The request of a dead program was lost with it.
      acquire: (key, leaderEpoch) => call(() => (life?.isOver ? never : this.#logged(store.acquire(key, leaderEpoch)))),
      persist: (key, epochs, content, doneCount) =>
        call(() => this.#logged(store.persist(key, epochs, content, doneCount))),
      summaries: (groupId) => call(() => store.summaries(groupId)),
    };
  }

  transactionStore(life?: SimLife, machine = ''): TransactionStore {
    const store = new MemoryTransactionStore(this.transactions);
    const lost = (why: string): Error => new CoordinatorStoreUnavailable(why);
    const call = <Answer>(work: () => Promise<Answer>): Promise<Answer> => heard(life, this.#call(machine, work, lost));
    return {
      shards: () => call(() => store.shards()),
      // The request of a dead program was lost with it.
      acquire: (shards, leadership) =>
        call(() => (life?.isOver ? never : this.#logged(store.acquire(shards, leadership)))),
      persist: (shard, epoch, events) => call(() => this.#logged(store.persist(shard, epoch, events))),
    };
  }

  /** The way there, the work, and the way back. */
  async #call<Answer>(machine: string, work: () => Promise<Answer>, lost: (why: string) => Error): Promise<Answer> {
    const restores = this.#restores;
    await this.#travel(machine);
    // No connection outlives the server that it was made to.
    if (restores !== this.#restores) throw lost('the connection was lost');
    if (this.#isAwayFor(machine)) {
      await this.#pass(this.#random.below(TIMEOUT_MS));
      throw lost('the database is away');
    }
    const answer = await work();
    await this.#travel(machine);
    const isWell = this.health === 'well' && this.accessOf(machine).health === 'well';
    if (!isWell && this.#random.chance(0.5)) throw lost('the answer got lost');
    return answer;
  }

  /** What a caller that has given up requested may still be done. */
  #within<Answer>(timeoutMs: number, response: Promise<Answer>, lost: (why: string) => Error): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(timeoutMs, () => reject(lost('no response in time')));
      void response.then(resolve, reject).then(cancel);
    });
  }

  /** Notifications arrive late, in order, and not at all while it is away: then the newest arrives when it is back. */
  #watch(machine: string, store: MetadataStore, listener: (image: ClusterImage) => void, life?: SimLife): () => void {
    let [isDelivering, isWatching, hasNews] = [false, true, false];
    const isHeard = (): boolean => isWatching && !life?.isOver;
    const deliver = async (): Promise<void> => {
      isDelivering = true;
      for (let told = -1; hasNews && isHeard(); ) {
        await this.#travel(machine);
        if (this.#isAwayFor(machine)) await this.#pass(1_000);
        else if (isHeard()) {
          hasNews = false;
          const image = await store.commit(() => []);
          if (image.version > told && isHeard()) listener(image);
          told = image.version;
        }
      }
      isDelivering = false;
    };
    const changed = (): void => {
      hasNews = true;
      if (!isDelivering) void deliver();
    };
    this.metadata.watchers.add(changed);
    return () => {
      isWatching = false;
      this.metadata.watchers.delete(changed);
    };
  }

  /** A write to the groups moves the database's position, like one to the metadata. */
  async #logged<Answer>(write: Promise<Answer>): Promise<Answer> {
    const answer = await write;
    this.metadata.position++;
    return answer;
  }

  #replace(groups: DatabaseBackup['groups'], transactions: DatabaseBackup['transactions']): void {
    this.#restores += 1;
    this.#refill(groups);
    this.#refillTransactions(transactions);
  }

  #refill(backup: DatabaseBackup['groups']): void {
    const { epochs, leaders, groups, shares } = copyOf(backup);
    this.groups.epochs.clear();
    this.groups.leaders.clear();
    for (const [shard, leader] of leaders) this.groups.leaders.set(shard, leader);
    this.groups.groups.clear();
    for (const [shard, epoch] of epochs) this.groups.epochs.set(shard, epoch);
    for (const [groupId, rows] of groups) this.groups.groups.set(groupId, rows);
    this.groups.shares.clear();
    for (const [name, row] of shares) this.groups.shares.set(name, row);
  }

  #refillTransactions({ epochs, leaders, transactions }: DatabaseBackup['transactions']): void {
    this.transactions.epochs.clear();
    this.transactions.leaders.clear();
    this.transactions.transactions.clear();
    for (const [shard, leader] of leaders) this.transactions.leaders.set(shard, leader);
    for (const [shard, epoch] of epochs) this.transactions.epochs.set(shard, epoch);
    for (const [id, row] of transactions) this.transactions.transactions.set(id, row);
  }

  #isAwayFor(machine: string): boolean {
    return this.health === 'away' || this.accessOf(machine).health === 'away';
  }

  #travel(machine: string): Promise<void> {
    const slowness = Math.max(this.slowness, this.accessOf(machine).slowness);
    return this.#pass(Math.min(TIMEOUT_MS / 2, slowness * (0.2 + this.#random.below(2_000) / 1_000)));
  }

  #pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.#clock.after(ms, resolve));
  }
}

const never = new Promise<never>(() => {});

const copyOf = ({ epochs, leaders, groups, shares }: DatabaseBackup['groups']): DatabaseBackup['groups'] => ({
  epochs: new Map(epochs),
  leaders: new Map(leaders),
  groups: new Map(
    Array.from(groups, ([id, rows]) => [
      id,
      { ...rows, offsets: new Map(rows.offsets), pending: new Map(rows.pending) },
    ]),
  ),
  shares: new Map(Array.from(shares, ([name, row]) => [name, { ...row }])),
});

const heard = <Answer>(life: SimLife | undefined, answer: Promise<Answer>): Promise<Answer> =>
  life ? life.answered(answer) : answer;

import { groupStoreContract } from '../../coordinators/src/group/group-store.contract.ts';
import { transactionStoreContract } from '../../coordinators/src/transaction/transaction-store.contract.ts';
import { brokerLeasesContract } from '../../metadata/src/broker-lease.contract.ts';
import { metadataStoreContract } from '../../metadata/src/store.contract.ts';
import { CoordinatorStoreUnavailable, type ShardEpoch } from '@milepost/coordinators';
import { type Decide, StoreUnavailable } from '@milepost/metadata';
import { SimClock, SimDatabase, SimLife, SimNetwork, SimRandom } from './index.ts';

/** Time passes by itself: the contracts do not control it. */
function flowing(): { clock: SimClock; stop: () => void } {
  const clock = new SimClock();
  let isStopped = false;
  const flow = async (): Promise<void> => {
    while (!isStopped) await clock.run(1);
  };
  void flow();
  return {
    clock,
    stop: () => {
      isStopped = true;
    },
  };
}

metadataStoreContract('the simulated database, metadata', async () => {
  const { clock, stop } = flowing();
  const database = new SimDatabase(new SimRandom(1), clock);
  return {
    connect: async () => database.metadataStore(),
    backup: async () => {
      const backup = database.metadata.backup();
      return async () => database.metadata.restore(backup);
    },
    close: async () => stop(),
  };
});

brokerLeasesContract('the simulated database, leases of brokers', async () => {
  const { clock, stop } = flowing();
  const database = new SimDatabase(new SimRandom(1), clock);
  return { connect: async () => database.leases(), close: async () => stop() };
});

groupStoreContract('the simulated database, groups', async () => {
  const { clock, stop } = flowing();
  const database = new SimDatabase(new SimRandom(1), clock);
  return {
    connect: async () => database.groupStore(),
    backup: async () => {
      const backup = database.backup();
      return async () => database.failOver(backup);
    },
    close: async () => stop(),
  };
});

transactionStoreContract('the simulated database, transactions', async () => {
  const { clock, stop } = flowing();
  const database = new SimDatabase(new SimRandom(1), clock);
  return {
    connect: async () => database.transactionStore(),
    backup: async () => {
      const backup = database.backup();
      return async () => database.failOver(backup);
    },
    close: async () => stop(),
  };
});

const something: Decide = () => [{ type: 'broker-configured', id: '', configs: {} }];

test('calls to a database that is away fail within seconds, and succeed when it is back', async () => {
  const clock = new SimClock();
  const database = new SimDatabase(new SimRandom(1), clock);
  const store = database.metadataStore();
  database.health = 'away';
  await expect(clock.settle(store.open(), 6_000)).rejects.toThrow(StoreUnavailable);
  await expect(clock.settle(database.groupStore().acquire([1]), 6_000)).rejects.toThrow(CoordinatorStoreUnavailable);
  database.health = 'well';
  expect((await clock.settle(store.open())).version).toBe(0);
});

test('a watcher gets the newest image when the database is back', async () => {
  const clock = new SimClock();
  const database = new SimDatabase(new SimRandom(1), clock);
  const store = database.metadataStore();
  const versions: number[] = [];
  store.watch(({ version }) => versions.push(version));
  await clock.settle(store.commit(something));
  database.health = 'away';
  await clock.run(10_000);
  database.health = 'well';
  await clock.settle(store.commit(something));
  await clock.run(10_000);
  expect(versions.at(-1)).toBe(2);
});

test('a write that is pending when its program dies may land, its response does not', async () => {
  const clock = new SimClock();
  const database = new SimDatabase(new SimRandom(1), clock);
  const life = new SimLife(clock, new SimNetwork(new SimRandom(2), clock));
  let answers = 0;
  void database
    .metadataStore(life)
    .commit(something)
    .then(() => answers++);
  life.end();
  await clock.run(1_000);
  expect(answers).toBe(0);
  expect(database.metadata.image.version).toBe(1);
});

test('a database that fails over has lost its last commits, of metadata and of groups alike', async () => {
  const clock = new SimClock();
  const database = new SimDatabase(new SimRandom(1), clock);
  const [metadata, groups] = [database.metadataStore(), database.groupStore()];
  const before = await clock.settle(metadata.open());
  const { epochs } = await clock.settle(groups.acquire([1]));
  const backup = database.backup();
  await clock.settle(metadata.commit(() => [{ type: 'group-configured', groupId: 'g', configs: {} }]));
  await clock.settle(groups.persist(1, epochs.get(1) as ShardEpoch, [{ type: 'group-stored', group: GROUP }]));
  database.failOver(backup);
  expect(database.groups.groups.size).toBe(0);
  expect(database.metadata.image.origin).not.toEqual(before.origin);
  expect((await clock.settle(database.metadataStore().open())).version).toBe(before.version);
  database.restore(backup);
  expect(database.metadata.image.origin).toEqual(before.origin);
});

test('an attempt to extend a lease ends at its limit, though the simulated database is back and responds later', async () => {
  const clock = new SimClock();
  const database = new SimDatabase(new SimRandom(1), clock);
  const leases = database.leases();
  database.slowness = 1_500;
  let failure: unknown;
  void leases.all(1).catch((reason: unknown) => {
    failure = reason;
  });
  database.slowness = 1;
  await clock.run(1);
  expect(failure).toBeInstanceOf(StoreUnavailable);
});

test('a database may be away for one machine only', async () => {
  const clock = new SimClock();
  const database = new SimDatabase(new SimRandom(1), clock);
  database.accessOf('a').health = 'away';
  await expect(clock.settle(database.metadataStore(undefined, 'a').open(), 6_000)).rejects.toThrow(StoreUnavailable);
  expect((await clock.settle(database.metadataStore(undefined, 'b').open())).version).toBe(0);
});

const GROUP = { groupId: 'g', kind: 'classic', generation: 1, state: {} } as const;

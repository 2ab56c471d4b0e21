import { type GroupEvent, CoordinatorStoreUnavailable, type ShardEpoch } from '@milepost/coordinators';
import { BrokerId, LeaderEpoch, type Logger, Offset, silentLogger, Timestamp, Uuid, ZERO_UUID } from '@milepost/core';
import { type ClusterImage, type LeaseClaim, StoreUnavailable } from '@milepost/metadata';
import { PostgresBrokerLeases } from './postgres-broker-leases.ts';
import { PostgresGroupStore } from './postgres-group-store.ts';
import { PostgresMetadataStore } from './postgres-metadata-store.ts';
import { type TestDatabase, TestServer } from './testing/databases.ts';

const logger = silentLogger;
let server: TestServer;
let database: TestDatabase;
let isOver = false;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());
beforeEach(async () => {
  isOver = false;
  database = await server.database();
});
afterEach(() => {
  isOver = true; // a test that fails must not leave a client that retries without end
  return database.close();
});

const commit = (groupId: string, offset: number): GroupEvent => ({
  type: 'offset-committed',
  offset: {
    groupId,
    topic: 't',
    topicId: ZERO_UUID,
    partition: 0,
    offset: Offset(offset),
    leaderEpoch: LeaderEpoch(0),
    metadata: '',
    committedAt: Timestamp(0),
    expiresAt: null,
  },
});
const register = (host: string) => () =>
  [{ type: 'broker-registered', broker: { id: BrokerId(1), host, port: 1, rack: null, incarnation: null } }] as const;

const claim: LeaseClaim = {
  brokerId: BrokerId(1),
  incarnation: Uuid('00000000-0000-4000-8000-000000000001'),
  host: 'host',
  port: 9092,
  place: 'machine:/data',
  sessionTimeoutMs: 600_000,
  predecessors: [],
};

/** Freezes every process of the server: connections stay open and nothing responds. */
async function frozen<T>(work: () => Promise<T>): Promise<T> {
  const processes = await server.processes();
  const signal = (name: NodeJS.Signals) =>
    processes.forEach((pid) => {
      try {
        process.kill(pid, name);
      } catch {
        // It ended by itself in the meantime.
      }
    });
  signal('SIGSTOP');
  try {
    return await work();
  } finally {
    signal('SIGCONT');
  }
}

test('calls to a frozen database fail within their limit, and succeed when it thaws', async () => {
  const source = await database.connect();
  const store = new PostgresMetadataStore(source, { logger, timeoutMs: 400 });
  const groups = new PostgresGroupStore(source, { logger, timeoutMs: 400 });
  const before = await patiently(() => store.open());
  const epoch = await epochOf(groups);
  const started = performance.now();
  await frozen(async () => {
    const first = groups.persist(1, epoch, [commit('g', 1)]);
    const behind = new Promise<void>((resolve) => setTimeout(resolve, 50)).then(() =>
      groups.persist(1, epoch, [commit('h', 1)]),
    );
    await expect(first).rejects.toThrow(CoordinatorStoreUnavailable);
    await expect(behind).rejects.toThrow(CoordinatorStoreUnavailable);
    await expect(store.commit(register('frozen'))).rejects.toThrow(StoreUnavailable);
    await expect(store.allocateProducerIds(1, 0n)).rejects.toThrow(StoreUnavailable);
  });
  expect(performance.now() - started).toBeLessThan(30_000); // a machine may stand still; without a bound it is for ever
  await patiently(() => groups.persist(1, epoch, [commit('g', 2)]));
  const image = await patiently(() => store.commit(register('thawed')));
  expect(image.version).toBeGreaterThan(before.version);
  expect(image.brokers.get(BrokerId(1))?.host).toBe('thawed');
  const { offsets } = await patiently(() => groups.acquire([1]));
  expect(offsets.find(({ groupId }) => groupId === 'g')?.offset).toBe(2);
  await store.close();
});

test('an attempt to extend a lease ends before a longer one, and the next one succeeds on another connection', async () => {
  const source = await database.connect();
  const leases = new PostgresBrokerLeases(source);
  const store = new PostgresMetadataStore(source, { logger, timeoutMs: 2_500 });
  expect(await patiently(() => leases.hold(claim, 400))).toEqual({ isHeld: true, epoch: 1 });
  await patiently(() => store.open());
  const ended: string[] = [];
  await frozen(async () => {
    const longer = expect(store.open()).rejects.toThrow(StoreUnavailable);
    const attempt = expect(leases.hold(claim, 400)).rejects.toThrow(StoreUnavailable);
    await Promise.all([longer.then(() => ended.push('longer')), attempt.then(() => ended.push('attempt'))]);
  });
  expect(ended).toEqual(['attempt', 'longer']);
  expect(await patiently(() => leases.hold(claim, 400))).toEqual({ isHeld: true, epoch: 1 });
  expect((await patiently(() => leases.all(400))).get(claim.brokerId)?.remainingMs).toBeGreaterThan(0);
  await Promise.all([leases.close(), store.close()]);
});

test('an abandoned call never lands after a later one', async () => {
  const groups = new PostgresGroupStore(await database.connect(), { logger, timeoutMs: 300 });
  const epoch = await epochOf(groups);
  for (let round = 0; round < 5; round++) {
    const given = frozen(() => Promise.allSettled([groups.persist(1, epoch, [commit('g', round * 10)])]));
    await given;
    await patiently(() => groups.persist(1, epoch, [commit('g', round * 10 + 1)]));
    expect(
      (await database.connect().then((source) => source.query('SELECT committed_offset FROM group_offsets')))[0],
    ).toEqual({
      committed_offset: String(round * 10 + 1),
    });
  }
});

test('a database that is killed under load loses nothing that was acknowledged', async () => {
  const source = await database.connect();
  const groups = new PostgresGroupStore(source, { logger, timeoutMs: 10_000 });
  const epoch = await epochOf(groups);
  const acknowledged = new Map<string, number>();
  let killed = 0;
  const consumers = Array.from({ length: 40 }, async (_, at) => {
    for (let offset = 1; killed < 3 || offset < 30; offset++) {
      await patiently(() => groups.persist(1, epoch, [commit(`g${at}`, offset)]));
      acknowledged.set(`g${at}`, offset);
    }
  });
  for (const consumer of consumers) consumer.catch(() => {}); // they are awaited below
  for (; killed < 3; killed++) {
    const seen = acknowledged.get('g0') ?? 0;
    await until(() => (acknowledged.get('g0') ?? 0) > seen + 5);
    const [postmaster = 0] = await server.processes();
    process.kill(postmaster, 'SIGKILL');
  }
  await Promise.all(consumers);
  const { offsets } = await patiently(() => groups.acquire([1]));
  expect(new Map(offsets.map(({ groupId, offset }) => [groupId, Number(offset)]))).toEqual(acknowledged);
});

test('a short absence is waited out: no caller notices it', async () => {
  const source = await database.connect();
  const groups = new PostgresGroupStore(source, { logger, timeoutMs: 120_000 });
  const store = new PostgresMetadataStore(source, { logger, timeoutMs: 120_000 });
  await store.open();
  const epoch = await epochOf(groups);
  const [postmaster = 0] = await server.processes();
  process.kill(postmaster, 'SIGKILL');
  await groups.persist(1, epoch, [commit('g', 7)]);
  expect((await store.commit(register('after'))).brokers.size).toBe(1);
  await store.close();
});

test('after an absence of the database a watcher is notified of changes made meanwhile', async () => {
  const lines: string[] = [];
  const say = (_: object, message: string): void => void lines.push(message);
  const listening: Logger = { ...silentLogger, info: say, warn: say };
  const watching = new PostgresMetadataStore(await database.connect(), { logger: listening, timeoutMs: 10_000 });
  const other = new PostgresMetadataStore(await database.connect(), { logger, timeoutMs: 10_000 });
  await watching.open();
  await other.open();
  const heard = new Promise<ClusterImage>((resolve) => {
    watching.watch((image) => {
      if (image.brokers.get(BrokerId(1))?.host === 'news') resolve(image);
    });
  });
  const [postmaster = 0] = await server.processes();
  process.kill(postmaster, 'SIGKILL');
  await patiently(() => other.commit(register('news')));
  const image = await heard;
  expect(image.brokers.size).toBe(1);
  await Promise.all([watching.close(), other.close()]);
  expect(lines.filter((line) => line.includes('the database is away')).length).toBeLessThanOrEqual(1);
});

test('opening a store while the database is away fails, and succeeds later', async () => {
  const source = await database.connect();
  const store = new PostgresMetadataStore(source, { logger, timeoutMs: 300 });
  await frozen(() => expect(store.open()).rejects.toThrow(StoreUnavailable));
  expect((await patiently(() => store.open())).clusterId).toHaveLength(22);
  await store.close();
});

/**
 * Retries until the database is there: with limits this short, a disk that pauses for a moment is a database that is
 * away.
 */
async function patiently<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (;;)
    try {
      return await ask();
    } catch (error) {
      if (isOver || !(error instanceof CoordinatorStoreUnavailable || error instanceof StoreUnavailable)) throw error;
    }
}

const epochOf = async (groups: PostgresGroupStore): Promise<ShardEpoch> =>
  (await patiently(() => groups.acquire([1]))).epochs.get(1) as ShardEpoch;

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

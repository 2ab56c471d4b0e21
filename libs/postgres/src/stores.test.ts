import { randomBytes } from 'node:crypto';
import { CoordinatorStoreUnavailable, type ShardEpoch } from '@milepost/coordinators';
import { LeaderEpoch, Offset, silentLogger, Timestamp, ZERO_UUID } from '@milepost/core';
import { groupStoreContract } from '../../coordinators/src/group/group-store.contract.ts';
import { shareStateStoreContract } from '../../coordinators/src/share/share-state-store.contract.ts';
import { transactionStoreContract } from '../../coordinators/src/transaction/transaction-store.contract.ts';
import { brokerLeasesContract } from '../../metadata/src/broker-lease.contract.ts';
import { metadataStoreContract } from '../../metadata/src/store.contract.ts';
import { PostgresBrokerLeases } from './postgres-broker-leases.ts';
import { PostgresGroupStore } from './postgres-group-store.ts';
import { PostgresShareStateStore } from './postgres-share-state-store.ts';
import { PostgresMetadataStore } from './postgres-metadata-store.ts';
import { PostgresTransactionStore } from './postgres-transaction-store.ts';
import { type TestDatabase, TestServer } from './testing/databases.ts';
import { fromText, toText } from './text.ts';

const logger = silentLogger;
/** No test here is about a database that is away, however slow the machine is. */
const TIMEOUT_MS = 120_000;
let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

/** Each table before those that refer to it, and first those that every look at the database locks first. */
const METADATA_TABLES = [
  'metadata_version',
  'cluster',
  'metadata_changes',
  'controller',
  'brokers',
  'topics',
  'partitions',
  'broker_configs',
  'group_configs',
  'client_metrics_configs',
  'client_quotas',
  'scram_users',
  'decoy_secret',
  'acls',
  'delegation_tokens',
  'producer_id_blocks',
];

/** The returned function restores the tables. */
async function backupOf(database: TestDatabase, tables: readonly string[]): Promise<() => Promise<void>> {
  const source = await database.connect();
  await source.query('CREATE SCHEMA backup');
  for (const table of tables) await source.query(`CREATE TABLE backup.${table} AS TABLE ${table}`);
  const restored = tables.map((table) => `INSERT INTO ${table} SELECT * FROM backup.${table};`);
  return async () => void (await source.query(`TRUNCATE ${tables.join()}; ${restored.join(' ')}`));
}

metadataStoreContract('PostgresMetadataStore', async () => {
  const database = await server.database();
  const stores: PostgresMetadataStore[] = [];
  return {
    connect: async () => {
      const store = new PostgresMetadataStore(await database.connect(), { logger, timeoutMs: TIMEOUT_MS });
      stores.push(store);
      return store;
    },
    backup: () => backupOf(database, METADATA_TABLES),
    close: async () => {
      for (const store of stores) await store.close();
      await database.close();
    },
  };
});

brokerLeasesContract('PostgresBrokerLeases', async () => {
  const database = await server.database();
  const all: PostgresBrokerLeases[] = [];
  return {
    connect: async () => {
      const leases = new PostgresBrokerLeases(await database.connect());
      all.push(leases);
      return leases;
    },
    close: async () => {
      for (const leases of all) await leases.close();
      await database.close();
    },
  };
});

groupStoreContract('PostgresGroupStore', async () => {
  const database = await server.database();
  return {
    connect: async () => new PostgresGroupStore(await database.connect(), { logger, timeoutMs: TIMEOUT_MS }),
    backup: () => backupOf(database, ['coordinator_shards']),
    close: () => database.close(),
  };
});

shareStateStoreContract('PostgresShareStateStore', async () => {
  const database = await server.database();
  const source = await database.connect();
  return {
    groups: new PostgresGroupStore(source, { logger, timeoutMs: TIMEOUT_MS }),
    shares: new PostgresShareStateStore(source, { timeoutMs: TIMEOUT_MS }),
    close: () => database.close(),
  };
});

transactionStoreContract('PostgresTransactionStore', async () => {
  const database = await server.database();
  return {
    connect: async () => new PostgresTransactionStore(await database.connect(), { logger, timeoutMs: TIMEOUT_MS }),
    backup: () => backupOf(database, ['transaction_shards']),
    close: () => database.close(),
  };
});

const committed = (groupId: string, offset = 1) => ({
  type: 'offset-committed' as const,
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

test('a call that PostgreSQL refuses fails alone, and the others land', async () => {
  const database = await server.database();
  const store = new PostgresGroupStore(await database.connect(), { logger, timeoutMs: TIMEOUT_MS });
  const epoch = (await store.acquire([1])).epochs.get(1) as ShardEpoch;
  // Longer than a key of an index may be, and random, so that it cannot be compressed.
  const monster = randomBytes(9_000).toString('base64');
  const calls = ['a', monster, 'b'].map((groupId) => store.persist(1, epoch, [committed(groupId)]));
  const ends = await Promise.allSettled(calls);
  expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  await expect(calls[1]).rejects.toThrow(CoordinatorStoreUnavailable);
  const { offsets } = await store.acquire([1]);
  expect(offsets.map(({ groupId }) => groupId).toSorted((a, b) => a.localeCompare(b))).toEqual(['a', 'b']);
  await database.close();
});

test('more events than fit into one statement, and one transaction, all land', async () => {
  const database = await server.database();
  const store = new PostgresGroupStore(await database.connect(), { logger, timeoutMs: TIMEOUT_MS });
  const epoch = (await store.acquire([1])).epochs.get(1) as ShardEpoch;
  const groups = Array.from({ length: 6_500 }, (_, at) => `g${at}`);
  await Promise.all([
    store.persist(
      1,
      epoch,
      groups.slice(0, 1_200).map((groupId) => committed(groupId)),
    ),
    ...groups.slice(1_200).map((groupId) => store.persist(1, epoch, [committed(groupId)])),
  ]);
  expect((await store.acquire([1])).offsets).toHaveLength(groups.length);
  await database.close();
});

test('calls for one group keep their order, however they are coalesced', async () => {
  const database = await server.database();
  const store = new PostgresGroupStore(await database.connect(), { logger, timeoutMs: TIMEOUT_MS });
  const epoch = (await store.acquire([1])).epochs.get(1) as ShardEpoch;
  const calls = Array.from({ length: 500 }, (_, at) => store.persist(1, epoch, [committed(`g${at % 3}`, at)]));
  await Promise.all(calls);
  const last = (await store.acquire([1])).offsets.map(({ offset }) => offset).toSorted((a, b) => a - b);
  expect(last).toEqual([497, 498, 499]);
  await database.close();
});

test('metadata is read back although the tables were touched by hand, and the next commit sees it', async () => {
  const database = await server.database();
  const source = await database.connect();
  const store = new PostgresMetadataStore(source, { logger, timeoutMs: TIMEOUT_MS });
  await store.open();
  await source.query(`INSERT INTO topics VALUES ('00000000-0000-0000-0000-00000000000a', 'by-hand', '{}')`);
  await source.query('UPDATE metadata_version SET version = version + 1');
  const image = await store.commit(() => [{ type: 'broker-configured', id: '', configs: { a: 'b' } }]);
  expect(image.topics.has('by-hand')).toBe(true);
  await store.close();
  await database.close();
});

test('any text survives PostgreSQL', () => {
  for (const text of ['', 'plain', '\0', '\\', '\\0', 'a\0b\\c\\\\0', '\\\\\0', '\u{1f69a}\n']) {
    expect(toText(text)).not.toContain('\0');
    expect(fromText(toText(text))).toBe(text);
  }
  expect(toText('plain')).toBe('plain');
});

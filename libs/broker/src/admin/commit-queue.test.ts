// Commands of two brokers on one database; neither has the other's latest image.
import { BrokerId, ErrorCode, silentLogger } from '@milepost/core';
import {
  brokerConfigLayers,
  type ClusterImage,
  MemoryMetadataDatabase,
  MemoryMetadataStore,
  type MetadataStore,
  quotaKey,
  StoreUnavailable,
} from '@milepost/metadata';
import { ConfigOperation, ConfigResourceType } from '@milepost/wire';
import { ClusterAdmin } from './cluster-admin.ts';
import { CommitQueue } from './commit-queue.ts';
import { ConfigAdmin } from './config-admin.ts';
import { LogLevel } from './log-level.ts';
import { TopicAdmin } from './topic-admin.ts';

const brokerId = BrokerId(1);
let database: MemoryMetadataDatabase;
let uuids = 0;
beforeEach(async () => {
  database = new MemoryMetadataDatabase();
  const broker = { id: brokerId, host: 'h', port: 9092, rack: null, incarnation: null };
  await new MemoryMetadataStore(database).commit(() => [{ type: 'broker-registered', broker }]);
});

/** One broker's administration. It never receives an image of another's commit. */
function admin(store: Pick<MetadataStore, 'commit'> = new MemoryMetadataStore(database)) {
  const stale = database.image;
  const queue = new CommitQueue({
    commit: (decide) => store.commit(decide),
    image: () => stale,
    apply: async () => {},
  });
  const layers = (image: ClusterImage) => brokerConfigLayers(image, brokerId, {});
  const random = {
    uuid: () => `00000000-0000-4000-8000-${String(++uuids).padStart(12, '0')}`,
    below: () => 0,
    chance: () => false,
  };
  return {
    topics: new TopicAdmin({ host: { random, logger: silentLogger }, queue, layers }),
    configs: new ConfigAdmin({ brokerId, queue, layers, logLevel: new LogLevel(silentLogger) }),
    cluster: new ClusterAdmin({ isUncleanAllowed: () => false, queue }),
  };
}

const named = (name: string) => ({ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] });
const setting = (name: string, value: string) => ({
  resourceType: ConfigResourceType.TOPIC,
  resourceName: 't',
  configs: [{ name, configOperation: ConfigOperation.SET, value }],
  mode: 'incremental' as const,
});
const quota = (key: string, value: number) => ({
  entity: [{ entityType: 'user', entityName: 'u' }],
  ops: [{ key, value, remove: false }],
});

test('two names that differ only in "." and "_" are not both created, whichever broker gets the request', async () => {
  const outcomes = await Promise.all([
    admin().topics.create([named('a.b')], false),
    admin().topics.create([named('a_b')], false),
  ]);
  expect(outcomes.flat()).toMatchObject([{ name: 'a.b' }, { error: ErrorCode.INVALID_TOPIC_EXCEPTION }]);
  expect([...database.image.topics.keys()]).toEqual(['a.b']);
});

test('configs that two brokers set concurrently are merged', async () => {
  await admin().topics.create([named('t')], false);
  const [one, other] = [admin(), admin()];
  await one.configs.alter([setting('retention.ms', '1')], false);
  await other.configs.alter([setting('segment.ms', '2')], false);
  expect(database.image.topics.get('t')?.configs).toEqual({ 'retention.ms': '1', 'segment.ms': '2' });
});

test('quotas that two brokers set for one client are merged', async () => {
  const [one, other] = [admin(), admin()];
  await one.cluster.alterQuotas([quota('producer_byte_rate', 1)], false);
  await other.cluster.alterQuotas([quota('consumer_byte_rate', 2)], false);
  const set = database.image.clientQuotas.get(quotaKey({ user: 'u' }));
  expect(set?.quotas).toEqual({ producer_byte_rate: 1, consumer_byte_rate: 2 });
});

test('a command whose response was lost is retriable, and its retry is decided on the result of the first attempt', async () => {
  const store = new MemoryMetadataStore(database);
  const deaf: Pick<MetadataStore, 'commit'> = {
    commit: async (decide) => {
      await store.commit(decide);
      throw new StoreUnavailable('the answer got lost');
    },
  };
  expect(await admin(deaf).topics.create([named('t')], false)).toMatchObject([{ error: ErrorCode.REQUEST_TIMED_OUT }]);
  expect(await admin(store).topics.create([named('t')], false)).toMatchObject([
    { error: ErrorCode.TOPIC_ALREADY_EXISTS },
  ]);
});

test('without the store, a request that would be refused anyway gets that refusal', async () => {
  await admin().topics.create([named('t')], false);
  const broker = admin();
  database.available = false;
  expect(await broker.topics.create([named('t'), named('new')], false)).toMatchObject([
    { error: ErrorCode.TOPIC_ALREADY_EXISTS },
    { error: ErrorCode.REQUEST_TIMED_OUT },
  ]);
});

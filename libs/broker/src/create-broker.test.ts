// The start and the stop of a broker when its stores or its disk fail.
import { ErrorCode, NO_BROKER } from '@milepost/core';
import { CoordinatorStoreUnavailable, MemoryGroupStore } from '@milepost/coordinators';
import {
  type MemoryMetadataDatabase,
  type MetadataStore,
  MemoryMetadataStore,
  StoreUnavailable,
} from '@milepost/metadata';
import { SimHost } from '@milepost/simulator';
import { CreateTopics, FindCoordinator } from '@milepost/wire';
import { BrokerUnderTest } from './testing/broker-under-test.ts';
import { keepRetention } from './partitions/retention.ts';

const DATA = '/data';

/** A memory store with some methods replaced by the test. */
const storeWith = (database: MemoryMetadataDatabase, own: (whole: MetadataStore) => Partial<MetadataStore>) => {
  const store = new MemoryMetadataStore(database);
  const whole: MetadataStore = {
    open: (seen) => store.open(seen),
    commit: (decide, fence) => store.commit(decide, fence),
    watch: (listener) => store.watch(listener),
    allocateProducerIds: (count, atLeast) => store.allocateProducerIds(count, atLeast),
    sighting: () => store.sighting(),
    close: () => store.close(),
  };
  return { ...whole, ...own(whole) };
};

test('a start that waits for the metadata store ends when it is aborted', async () => {
  const host = new SimHost();
  const it = new BrokerUnderTest(host, DATA);
  it.metadata.available = false;
  const stop = new AbortController();
  const ended = expect(it.start({}, { aborted: stop.signal })).rejects.toThrow('Ctrl-C');
  await host.clock.run(60_000);
  expect(host.lines).toEqual(['waiting for the metadata store']);
  stop.abort(new Error('Ctrl-C'));
  await host.clock.settle(ended, 1_000);
});

test('a start that waits for the group store ends when it is aborted, and releases the folder', async () => {
  const host = new SimHost();
  const it = new BrokerUnderTest(host, DATA);
  const groups = new MemoryGroupStore(it.groups);
  groups.acquire = () => Promise.reject(new CoordinatorStoreUnavailable('the group store is away'));
  const stop = new AbortController();
  const ended = expect(it.start({}, { stores: { groups }, aborted: stop.signal })).rejects.toThrow('Ctrl-C');
  await host.clock.run(60_000);
  stop.abort(new Error('Ctrl-C'));
  await host.clock.settle(ended, 10_000);
  expect(host.disk.lock(`${DATA}/.lock`)).toBeDefined();
});

test('a database that refuses to create __consumer_offsets stops nothing: the refusal is logged, and clients are served', async () => {
  const host = new SimHost();
  const it = new BrokerUnderTest(host, DATA);
  let isForbidden = false;
  const metadata = storeWith(it.metadata, (store) => ({
    commit: (decide, fence) =>
      isForbidden ? Promise.reject(new Error('42501 permission denied')) : store.commit(decide, fence),
  }));
  await host.clock.settle(it.start({}, { stores: { metadata } }));
  isForbidden = true;
  const client = await host.clock.settle(it.client());
  const find = () => client.ask(FindCoordinator, 2, { key: 'g', keyType: 0 });
  expect((await host.clock.settle(find())).errorCode).toBe(ErrorCode.NONE);
  await host.clock.run(1_000);
  expect(host.lines).toEqual(['a background task failed: creating __consumer_offsets']);
  expect((await host.clock.settle(find())).nodeId).not.toBe(NO_BROKER);
  await host.clock.settle(it.stop());
});

test('a topic whose commit outlasts the broker leaves nothing in a folder that is no longer its own', async () => {
  const host = new SimHost();
  const it = new BrokerUnderTest(host, DATA);
  let isSlow = false;
  const metadata = storeWith(it.metadata, (store) => ({
    commit: async (decide, fence) => {
      const image = await store.commit(decide, fence);
      if (isSlow) await new Promise<void>((resolve) => host.clock.after(60_000, resolve));
      return image;
    },
    watch: () => () => {},
  }));
  await host.clock.settle(it.start({}, { stores: { metadata } }));
  const client = await host.clock.settle(it.client());
  isSlow = true;
  const asked = { topics: [{ name: 'late', numPartitions: 1, replicationFactor: 1 }], timeoutMs: 60_000 };
  client.ask(CreateTopics, 5, asked).catch(() => {});
  await host.clock.run(100);
  await host.clock.settle(it.broker.close());
  const left = host.disk.list(DATA);
  await host.clock.run(120_000);
  expect(host.disk.list(DATA)).toEqual(left);
  expect(it.metadata.image.topics.has('late')).toBe(true);
});

test('retention that is stopped in the middle of a round does not begin another', async () => {
  const { clock, logger } = new SimHost();
  const stop = new AbortController();
  let rounds = 0;
  const slow = {
    topic: 't',
    index: 0,
    applyRetention: () => (rounds++, new Promise<void>((r) => clock.after(5_000, r))),
  };
  const kept = keepRetention(
    { host: { clock, logger }, partitions: () => [slow as never], intervalMs: 1_000 },
    stop.signal,
  );
  await clock.run(2_000);
  stop.abort();
  await clock.settle(kept, 10_000);
  await clock.run(60_000);
  expect(rounds).toBe(1);
});

test('a part that fails to close leaves the folder unlocked and marked as clean', async () => {
  const host = new SimHost();
  const it = new BrokerUnderTest(host, DATA);
  const metadata = storeWith(it.metadata, () => ({
    watch: () => () => {
      throw new StoreUnavailable('no answer');
    },
  }));
  await host.clock.settle(it.start({}, { stores: { metadata } }));
  const closed = expect(it.broker.close()).rejects.toThrow('no answer');
  await host.clock.settle(closed);
  expect(host.lines).toEqual(['the watch of the metadata did not close: StoreUnavailable: no answer']);
  expect(host.disk.list(DATA)?.map(({ name }) => name)).toContain('.kafka_cleanshutdown');
  expect(host.disk.lock(`${DATA}/.lock`)).toBeDefined();
});

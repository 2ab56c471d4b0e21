// Two brokers of one id on one database: one serves.
import { MemoryGroupStore } from '@milepost/coordinators';
import { BrokerId, ErrorCode, Offset, Timestamp } from '@milepost/core';
import { buildBatch } from '@milepost/records';
import { type BrokerLeases, MemoryBrokerLeases, MemoryMetadataStore, type MetadataStore } from '@milepost/metadata';
import { type SimDisk, SimHost } from '@milepost/simulator';
import { CreateTopics, OffsetCommit, Produce } from '@milepost/wire';
import { BrokerUnderTest } from './testing/broker-under-test.ts';
import type { RawClient } from './testing/raw-client.ts';

async function produce(client: RawClient): Promise<ErrorCode | undefined> {
  const records = buildBatch({ records: [{ key: null, value: Buffer.from('v'), timestamp: Timestamp(1) }] });
  const { responses } = await client.ask(Produce, 8, {
    acks: -1,
    timeoutMs: 5_000,
    topicData: [{ name: 't', partitionData: [{ index: 0, records }] }],
  });
  return responses[0]?.partitionResponses[0]?.errorCode;
}

const topics = [{ name: 't', numPartitions: 1, replicationFactor: 1 }];

async function started(host: SimHost): Promise<{ it: BrokerUnderTest; client: RawClient }> {
  const it = new BrokerUnderTest(host, '/first');
  await host.clock.settle(it.start());
  const client = await host.clock.settle(it.client());
  await host.clock.settle(client.ask(CreateTopics, 5, { topics, timeoutMs: 60_000 }));
  return { it, client };
}

/** The same machine and database after a kill -9: the system has released the locks. */
function afterKill(host: SimHost): SimHost {
  const next = new SimHost(host.clock);
  (next as { disk: SimDisk }).disk = host.disk.kill(host.clock);
  return next;
}

test('the second broker on a database is refused, its folder stays empty, and the first continues', async () => {
  const host = new SimHost();
  const { it, client } = await started(host);
  const second = new BrokerUnderTest(host, '/second', {}, it.metadata);
  const refused = expect(second.start()).rejects.toThrow(
    /^broker 1 of this database is alive at 127\.0\.0\.1:\d+ since .*: stop that one/,
  );
  await host.clock.settle(refused, 60_000);
  expect(host.disk.list('/second')?.map(({ name }) => name)).not.toContain('meta.properties');
  expect(await host.clock.settle(produce(client))).toBe(ErrorCode.NONE);
  expect(it.broker.fencedBy()).toBeUndefined();
  await host.clock.settle(it.stop());
});

test('a killed broker restarts without a wait: the lock on its folder proves that its former life is over', async () => {
  const host = new SimHost();
  const { it } = await started(host);
  const next = new BrokerUnderTest(afterKill(host), '/first', {}, it.metadata);
  const before = host.clock.monotonic();
  await host.clock.settle(next.start());
  expect(host.clock.monotonic() - before).toBeLessThan(1_000);
  await host.clock.settle(next.stop());
});

test('a broker that was killed right after its registration knows its own folder, and begins no new epochs', async () => {
  const host = new SimHost();
  const { it, client } = await started(host);
  expect(await host.clock.settle(produce(client))).toBe(ErrorCode.NONE);
  // A commit beyond the end: by it a folder that lacks records would be recognized.
  const partitions = [{ partitionIndex: 0, committedOffset: Offset(50), committedMetadata: null }];
  const asked = { groupId: 'g', generationIdOrMemberEpoch: -1, memberId: '', topics: [{ name: 't', partitions }] };
  await host.clock.settle(client.ask(OffsetCommit, 7, asked));
  await host.clock.settle(it.stop());

  const memory = new MemoryMetadataStore(it.metadata);
  let isRegistered = false;
  const metadata: MetadataStore = {
    open: (seen) => memory.open(seen),
    commit: async (decide) => {
      const { version } = it.metadata.image;
      const image = await memory.commit(decide);
      isRegistered = image.version > version && image.brokers.get(BrokerId(1))?.epoch === image.version;
      return isRegistered ? new Promise<never>(() => {}) : image;
    },
    watch: (listener) => memory.watch(listener),
    sighting: () => memory.sighting(),
    allocateProducerIds: (count, atLeast) => memory.allocateProducerIds(count, atLeast),
    close: () => memory.close(),
  };
  void it.start({}, { stores: { metadata } }).catch(() => {}); // its disk is taken away
  for (let waitedMs = 0; !isRegistered && waitedMs < 10_000; waitedMs += 10) await host.clock.run(10);
  expect(isRegistered).toBe(true);

  const successor = afterKill(host);
  const next = new BrokerUnderTest(successor, '/first', {}, it.metadata);
  await host.clock.settle(next.start({}, { stores: { groups: new MemoryGroupStore(it.groups) } }));
  expect(successor.lines).toEqual([]);
  expect(it.metadata.image.topics.get('t')?.partitions[0]?.leaderEpoch).toBe(0);
  await host.clock.settle(next.stop());
});

test('a broker whose lease another process has acquired acknowledges nothing more, and logs one line', async () => {
  const host = new SimHost();
  const { it, client } = await started(host);
  const lease = it.metadata.leases.get(BrokerId(1));
  if (lease) it.metadata.leases.set(BrokerId(1), { ...lease, untilMs: 0 }); // it was frozen for too long
  const next = new BrokerUnderTest(host, '/second', {}, it.metadata);
  const acceptLostLog = String(it.metadata.image.brokers.get(BrokerId(1))?.epoch);
  await host.clock.settle(next.start({ acceptLostLog }));
  await host.clock.run(10_000);
  expect(await host.clock.settle(produce(client))).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  expect(it.broker.fencedBy()).toMatch(/^127\.0\.0\.1(:\d+)? is broker 1 since /);
  expect(it.broker.failedPartitions()).toEqual([]);
  expect(host.lines.filter((line) => line.includes('acknowledges nothing more'))).toHaveLength(1);
  const ofNext = await host.clock.settle(next.client());
  expect(await host.clock.settle(produce(ofNext))).toBe(ErrorCode.NONE);
  await host.clock.settle(next.stop());
});

test('a broker whose id another process has registered changes no metadata, though it does not know it yet', async () => {
  const host = new SimHost();
  const { it, client } = await started(host);
  const lease = it.metadata.leases.get(BrokerId(1));
  if (lease) it.metadata.leases.set(BrokerId(1), { ...lease, untilMs: 0 }); // it was frozen for too long
  const next = new BrokerUnderTest(host, '/second', {}, it.metadata);
  const acceptLostLog = String(it.metadata.image.brokers.get(BrokerId(1))?.epoch);
  await host.clock.settle(next.start({ acceptLostLog }));
  const { version } = it.metadata.image;
  const asked = client.ask(CreateTopics, 5, { topics: topics.map((one) => ({ ...one, name: 'u' })), timeoutMs: 1 });
  const response = await host.clock.settle(asked, 1_000);
  expect(response.topics).toMatchObject([
    { errorCode: ErrorCode.NOT_CONTROLLER, errorMessage: expect.stringMatching(/^another process has this broker id/) },
  ]);
  expect(it.metadata.image.version).toBe(version);
  expect(it.metadata.image.topics.has('u')).toBe(false);
  expect(it.broker.fencedBy()).toBeDefined(); // and now it knows
  await host.clock.settle(next.stop());
});

test('an empty folder that waits for the lease of a broker learns what that broker did meanwhile, and is refused', async () => {
  const host = new SimHost();
  const it = new BrokerUnderTest(host, '/first');
  const opened: (() => void)[] = [];
  const waiting = new Promise<void>((resolve) => opened.push(resolve));
  const metadata = new MemoryMetadataStore(it.metadata);
  const leases = new MemoryBrokerLeases(it.metadata, host.clock);
  const second = new BrokerUnderTest(host, '/second', {}, it.metadata);
  const late: BrokerLeases = {
    hold: (claim) => waiting.then(() => leases.hold(claim)),
    all: () => leases.all(),
    release: (...args) => leases.release(...args),
    close: () => leases.close(),
  };
  const refused = expect(second.start({}, { stores: { metadata, leases: late } })).rejects.toThrow(
    'log folder /second is empty, but broker 1 has lived before',
  );
  await host.clock.run(10); // it has read the metadata, in which no broker is registered
  await host.clock.settle(it.start());
  await host.clock.settle(it.stop());
  opened.forEach((open) => open());
  await host.clock.settle(refused, 60_000);
});

test('a broker continues while the database is away for an hour', async () => {
  const host = new SimHost();
  const { it, client } = await started(host);
  it.metadata.available = false;
  await host.clock.run(3_600_000);
  const again = await host.clock.settle(it.client());
  expect(await host.clock.settle(produce(again))).toBe(ErrorCode.NONE);
  expect(it.broker.fencedBy()).toBeUndefined();
  it.metadata.available = true;
  client.close();
  await host.clock.settle(it.stop());
});

// PostgreSQL goes away while consumers of both protocols are running, and returns. No member is removed, no record is
// read twice, commits are refused meanwhile and continue afterwards, and no committed offset ever goes back.
//
// On a starved machine a member may send nothing for a whole session. It is removed then, correctly, and its successor
// rereads records that were not committed. The test measures how long this process and the broker stood still, and
// requires "no member is removed" only if that was much less than a session. The rest always holds.
import { join } from 'node:path';
import { ErrorCode, Offset, silentLogger } from '@milepost/core';
import { nodeNetwork } from '@milepost/node-host';
import { startEmbeddedPostgres } from '@milepost/postgres';
import { ApiVersions, ConsumerGroupDescribe, OffsetCommit } from '@milepost/wire';
import { Consumer, MessagesStreamModes, stringDeserializers } from '@platformatic/kafka';
import kafkajs from 'kafkajs';
import { RawClient } from '../../libs/broker/src/testing/raw-client.ts';
import { dataFolder, Program, testSettings } from './support/program.ts';
import { until } from './support/until.ts';

const TOPIC = 't';
const PARTITIONS = 4;
/** Longer than any session here, and than the longest wait of a commit in the broker (offsets.commit.timeout.ms). */
const AWAY_MS = 60_000;
const SESSION_MS = 20_000;

const { Kafka, logLevel } = kafkajs;

/** The longest time in which this process did nothing, or the broker did not respond to an immediate request. */
function watchStandstill(ask: () => Promise<void>): { stop(): Promise<number> } {
  const everyMs = 100;
  let longestMs = 0;
  let isWatching = true;
  const watch = async (): Promise<void> => {
    while (isWatching) {
      const from = performance.now();
      await new Promise((resolve) => setTimeout(resolve, everyMs));
      await ask();
      longestMs = Math.max(longestMs, performance.now() - from - everyMs);
    }
  };
  const watching = watch();
  return {
    async stop() {
      isWatching = false;
      await watching;
      return longestMs;
    },
  };
}

/** What the members of a group have read, by value. */
type Seen = Map<string, number>;
const saw = (seen: Seen, value: string) => seen.set(value, (seen.get(value) ?? 0) + 1);

/** The first record of each partition, which may be read twice (see below). */
const FIRST = 'first';
const isFirst = (value: string) => value.startsWith(FIRST);
const countOf = (seen: Seen) => [...seen.keys()].filter((value) => !isFirst(value)).length;

test('members remain while PostgreSQL is away, commits are refused, and everything continues when it is back', async () => {
  const postgresFolder = join(dataFolder(), 'postgres');
  let postgres = await startEmbeddedPostgres({ dataDir: postgresFolder, logger: silentLogger });
  const broker = await Program.start('broker', {
    ...testSettings,
    DATABASE_URL: postgres.url,
    MILEPOST_DATA_DIR: dataFolder(),
    MILEPOST_LOG_LEVEL: 'warn',
    KAFKA_GROUP_CONSUMER_MIN_SESSION_TIMEOUT_MS: '1000',
    KAFKA_GROUP_CONSUMER_MIN_HEARTBEAT_INTERVAL_MS: '100',
    KAFKA_GROUP_CONSUMER_SESSION_TIMEOUT_MS: String(SESSION_MS),
    KAFKA_GROUP_CONSUMER_HEARTBEAT_INTERVAL_MS: '500',
  });
  const bootstrap = `127.0.0.1:${broker.ports.kafka}`;
  const retry = { retries: 100, initialRetryTime: 100, maxRetryTime: 500 };
  const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING, retry });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: PARTITIONS }] });

  const classic: Seen = new Map();
  let joins = 0;
  const classicConsumers = await Promise.all(
    [0, 1].map(async () => {
      // A consumer of kafkajs ignores the client's `retry`: after five refused commits it rejoins.
      const options = { groupId: 'classic', sessionTimeout: SESSION_MS, heartbeatInterval: 500, retry };
      const consumer = kafka.consumer(options);
      consumer.on('consumer.group_join', () => void joins++);
      await consumer.connect();
      await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
      await consumer.run({
        autoCommitInterval: 200,
        eachMessage: async ({ message }) => void saw(classic, String(message.value)),
      });
      return consumer;
    }),
  );
  const modern: Seen = new Map();
  const modernConsumers = await Promise.all(
    [0, 1].map(async (number) => {
      const consumer = new Consumer({
        clientId: `modern-${number}`,
        bootstrapBrokers: [bootstrap],
        groupId: 'modern',
        groupProtocol: 'consumer',
        deserializers: stringDeserializers,
        autocommit: 200,
        retries: 100,
        retryDelay: 200,
      });
      const stream = await consumer.consume({
        topics: [TOPIC],
        mode: MessagesStreamModes.COMMITTED,
        fallbackMode: 'earliest',
      });
      stream.on('data', ({ value }) => void saw(modern, value));
      stream.on('error', () => {});
      return consumer;
    }),
  );

  const producer = kafka.producer();
  await producer.connect();
  let sent = 0;
  const send = async (count: number): Promise<void> => {
    const messages = Array.from({ length: count }, () => ({ key: String(sent), value: String(sent++) }));
    await producer.send({ topic: TOPIC, messages });
  };
  const allSeen = (seen: Seen) => countOf(seen) === sent;
  const committed = async (groupId: string): Promise<number[]> => {
    const [topic] = await admin.fetchOffsets({ groupId, topics: [TOPIC] });
    const sorted = topic?.partitions.toSorted((a, b) => a.partition - b.partition) ?? [];
    return sorted.map(({ offset }) => Number(offset));
  };
  const ends = async (): Promise<number[]> => {
    const offsets = await admin.fetchTopicOffsets(TOPIC);
    return offsets.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset));
  };
  const caughtUp = async (groupId: string) => String(await committed(groupId)) === String(await ends());
  const members = async () => {
    const { groups } = await admin.describeGroups(['classic']);
    return groups[0]?.members.map(({ memberId }) => memberId).toSorted();
  };

  const raw = await RawClient.connect(nodeNetwork, { host: '127.0.0.1', port: broker.ports.kafka });
  // A group that is still between two generations would receive some records twice, with any database.
  await until('two members in the classic group', async () => {
    const { groups } = await admin.describeGroups(['classic']);
    return groups[0]?.state === 'Stable' && groups[0].members.length === 2;
  });
  await until('two members in the group of the new protocol, each with its half', async () => {
    const { groups } = await raw.ask(ConsumerGroupDescribe, 1, {
      groupIds: ['modern'],
      includeAuthorizedOperations: false,
    });
    const held = groups[0]?.members.map(({ assignment }) => assignment.topicPartitions[0]?.partitions.length);
    return groups[0]?.groupState === 'Stable' && String(held) === `${PARTITIONS / 2},${PARTITIONS / 2}`;
  });
  // A member that gives a partition up still delivers what its pending fetch returns for it: @platformatic/kafka checks the
  // assignment when it sends a fetch, not when the response comes. A record in each partition ends those fetches. A group that
  // read the rest of the test's records through one of them read 54 records twice, before PostgreSQL was ever away.
  const firsts = Array.from({ length: PARTITIONS }, (_, partition) => ({ partition, value: `${FIRST}-${partition}` }));
  await producer.send({ topic: TOPIC, messages: firsts });
  await until('the fetches from before the assignment are over', async () =>
    [classic, modern].every((seen) => firsts.every(({ value }) => seen.has(value))),
  );
  await send(200);
  await until('all read and committed', async () => allSeen(classic) && allSeen(modern) && caughtUp('classic'));
  await until('committed by the new protocol', () => caughtUp('modern'));
  const modernEpoch = async (): Promise<number> => {
    const { groups } = await raw.ask(ConsumerGroupDescribe, 1, {
      groupIds: ['modern'],
      includeAuthorizedOperations: false,
    });
    return groups[0]?.groupEpoch ?? -1;
  };
  const before = await members();
  const epochBefore = await modernEpoch();
  const joinsBefore = joins;
  const highest = new Map<string, number[]>();
  /** The commits from before, or later ones: never earlier ones. */
  const neverBack = async (): Promise<void> => {
    for (const groupId of ['classic', 'modern']) {
      const now = await committed(groupId);
      const known = highest.get(groupId) ?? now;
      expect(now.every((offset, partition) => offset >= (known[partition] ?? 0))).toBe(true);
      highest.set(groupId, now);
    }
  };
  await neverBack();

  const probe = await RawClient.connect(nodeNetwork, { host: '127.0.0.1', port: broker.ports.kafka });
  const standstill = watchStandstill(async () => void (await probe.ask(ApiVersions, 0, {})));
  await postgres.stop();
  const back = performance.now() + AWAY_MS;
  const partitions = [{ partitionIndex: 0, committedOffset: Offset(1), committedMetadata: '' }];
  const request = {
    groupId: 'operator',
    generationIdOrMemberEpoch: -1,
    memberId: '',
    topics: [{ name: TOPIC, partitions }],
  };
  const refused = await raw.ask(OffsetCommit, 8, request);
  expect(refused.topics[0]?.partitions[0]?.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  while (performance.now() < back) {
    await send(10);
    await neverBack();
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  await until('what was sent meanwhile is read by the new protocol', () => allSeen(modern));
  postgres = await startEmbeddedPostgres({ dataDir: postgresFolder, logger: silentLogger });

  await until('commits of both groups go on', async () => {
    await neverBack();
    return allSeen(classic) && (await caughtUp('classic')) && (await caughtUp('modern'));
  });
  const longestMs = await standstill.stop();
  if (longestMs < SESSION_MS / 4) {
    expect(await members()).toEqual(before);
    expect(joins).toBe(joinsBefore);
    expect(await modernEpoch()).toBe(epochBefore);
  } else console.info(`this machine stood still for ${Math.round(longestMs)} ms: members may have been removed`);
  // A group that was not rebalanced has read nothing twice.
  const twice = (seen: Seen) => [...seen].filter(([value, times]) => times !== 1 && !isFirst(value)).length;
  if (joins === joinsBefore) expect(twice(classic)).toBe(0);
  if ((await modernEpoch()) === epochBefore) expect(twice(modern)).toBe(0);

  for (const consumer of classicConsumers) await consumer.disconnect();
  for (const consumer of modernConsumers) await consumer.close(true);
  raw.close();
  probe.close();
  await Promise.all([producer.disconnect(), admin.disconnect()]);
  expect(await broker.stop()).toBe(0);
  await postgres.stop();
});

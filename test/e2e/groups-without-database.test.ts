// PostgreSQL goes away under living consumers of both protocols and comes back: nobody leaves, nobody is told anything
// twice, commits are refused meanwhile and go on afterwards, and no committed offset ever goes back.
import { join } from 'node:path';
import { ErrorCode, Offset, silentLogger } from '@milepost/core';
import { nodeNetwork } from '@milepost/node-host';
import { startEmbeddedPostgres } from '@milepost/postgres';
import { ConsumerGroupDescribe, OffsetCommit } from '@milepost/wire';
import { Consumer, MessagesStreamModes, stringDeserializers } from '@platformatic/kafka';
import kafkajs from 'kafkajs';
import { RawClient } from '../../libs/broker/src/testing/raw-client.ts';
import { dataFolder, Program, testSettings } from './support/program.ts';
import { until } from './support/until.ts';

const TOPIC = 't';
const PARTITIONS = 4;
/** Longer than any session here, and than the broker lets a commit wait (offsets.commit.timeout.ms). */
const AWAY_MS = 60_000;
const SESSION_MS = 20_000;

const { Kafka, logLevel } = kafkajs;

/** What the members of a group have read, by value. */
type Seen = Map<string, number>;
const saw = (seen: Seen, value: string) => seen.set(value, (seen.get(value) ?? 0) + 1);

test('members stay while PostgreSQL is away, commits are refused, and all goes on by itself when it is back', async () => {
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
      // A consumer of kafkajs does not take the client's `retry`: after five refused commits of its own it joins anew.
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
  const allSeen = (seen: Seen) => seen.size === sent;
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
  // A group that is still between two generations would be told some things twice, database or not.
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
  await send(200);
  await until('all read and committed', async () => allSeen(classic) && allSeen(modern) && caughtUp('classic'));
  await until('committed by the new protocol', () => caughtUp('modern'));
  const before = await members();
  const joinsBefore = joins;
  const highest = new Map<string, number[]>();
  /** Commits of before, or later ones: never earlier ones. */
  const neverBack = async (): Promise<void> => {
    for (const groupId of ['classic', 'modern']) {
      const now = await committed(groupId);
      const known = highest.get(groupId) ?? now;
      expect(now.every((offset, partition) => offset >= (known[partition] ?? 0))).toBe(true);
      highest.set(groupId, now);
    }
  };
  await neverBack();

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
  expect(await members()).toEqual(before);
  expect(joins).toBe(joinsBefore);
  // Nobody was rebalanced, so nobody has read anything twice.
  expect([...classic.values(), ...modern.values()].filter((times) => times !== 1)).toEqual([]);

  for (const consumer of classicConsumers) await consumer.disconnect();
  for (const consumer of modernConsumers) await consumer.close(true);
  raw.close();
  await Promise.all([producer.disconnect(), admin.disconnect()]);
  expect(await broker.stop()).toBe(0);
  await postgres.stop();
});

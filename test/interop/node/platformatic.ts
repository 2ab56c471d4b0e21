// @platformatic/kafka as its users use it: write, read in a group of either protocol, administer.
import {
  Admin,
  Consumer,
  ListOffsetTimestamps,
  MessagesStreamModes,
  Producer,
  stringDeserializers,
  stringSerializers,
} from '@platformatic/kafka';
import { login } from './login.ts';
import { records, run, Tally } from './tally.ts';

type Codec = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
const base = (broker: string) => ({
  clientId: 'platformatic',
  bootstrapBrokers: [broker],
  ...(login && {
    tls: { ca: login.ca },
    sasl: { mechanism: login.mechanism, username: login.username, password: login.password },
  }),
});
const PARTITIONS = [0, 1, 2, 3];
/** Of config resources and of changes to them, as the protocol numbers them. */
const TOPIC = 2;
const SET = 0 as const;

async function write(broker: string, topic = '', compression = 'none', count = '0'): Promise<object> {
  const options = { serializers: stringSerializers, autocreateTopics: true, idempotent: true };
  const producer = new Producer({ ...base(broker), ...options });
  const headers = new Map([['origin', 'platformatic']]);
  const messages = records(Number(count)).map((record) => ({ topic, ...record, headers }));
  await producer.send({ compression: compression as Codec, messages });
  await producer.close();
  return { written: messages.length, failures: [] };
}

async function read(broker: string, topic = '', groupId = '', count = '0', groupProtocol = 'classic'): Promise<object> {
  const protocol = { groupProtocol: groupProtocol as 'classic' | 'consumer' };
  const consumer = new Consumer({ ...base(broker), groupId, ...protocol, deserializers: stringDeserializers });
  const stream = await consumer.consume({
    topics: [topic],
    mode: MessagesStreamModes.COMMITTED,
    fallbackMode: 'earliest',
    autocommit: false,
  });
  const tally = new Tally(Number(count));
  const ends = new Map<number, { topic: string; partition: number; offset: bigint; leaderEpoch: number }>();
  for await (const { partition, offset, key, value, headers } of stream) {
    tally.add({ partition, offset: Number(offset), key, value, origin: headers.get('origin') });
    ends.set(partition, { topic, partition, offset: offset + 1n, leaderEpoch: -1 });
    if (tally.isEnough) break;
  }
  await consumer.commit({ offsets: [...ends.values()] });
  await consumer.close(true);
  return tally.answer(await committedOf(broker, topic, groupId));
}

async function committedOf(broker: string, topic: string, groupId: string): Promise<number> {
  const admin = new Admin(base(broker));
  const groups = [{ groupId, topics: [{ name: topic, partitionIndexes: PARTITIONS }] }];
  const [group] = await admin.listConsumerGroupOffsets({ groups });
  await admin.close();
  const offsets = group?.topics.flatMap(({ partitions }) => partitions) ?? [];
  return offsets.reduce((sum, { committedOffset }) => sum + Math.max(0, Number(committedOffset)), 0);
}

async function administer(broker: string, topic = ''): Promise<object> {
  const groupId = `${topic}-group`;
  const admin = new Admin(base(broker));
  await admin.createTopics({ topics: [topic], partitions: 3, replicas: 1 });
  await admin.createPartitions({
    topics: [{ name: topic, count: 4, assignments: null }],
    validateOnly: false,
  } as never);
  const metadata = await admin.metadata({ topics: [topic], forceUpdate: true });
  const resourceType = TOPIC;
  const configs = [{ name: 'retention.ms', configOperation: SET, value: '1234' }];
  await admin.incrementalAlterConfigs({
    resources: [{ resourceType, resourceName: topic, configs }],
    validateOnly: false,
  });
  const described = await admin.describeConfigs({
    resources: [{ resourceType, resourceName: topic, configurationKeys: ['retention.ms'] }],
    includeSynonyms: false,
    includeDocumentation: false,
  });
  await write(broker, topic, 'zstd', '50');
  await read(broker, topic, groupId, '50');
  const committed = await committedOf(broker, topic, groupId);
  const endsAt = async (timestamp: bigint): Promise<number[]> => {
    const partitions = PARTITIONS.map((partitionIndex) => ({ partitionIndex, timestamp }));
    const [offsets] = await admin.listOffsets({ topics: [{ name: topic, partitions }] });
    const found = offsets?.partitions ?? [];
    return PARTITIONS.map((partition) =>
      Number(found.find(({ partitionIndex }) => partitionIndex === partition)?.offset),
    );
  };
  const ends = await endsAt(ListOffsetTimestamps.LATEST);
  const listed = (await admin.listGroups()).has(groupId);
  const state = (await admin.describeGroups({ groups: [groupId] })).get(groupId)?.state;
  const deleted = [{ partition: 0, offset: BigInt(ends[0] ?? 0) }];
  await admin.deleteRecords({ topics: [{ name: topic, partitions: deleted }] });
  const starts = await endsAt(ListOffsetTimestamps.EARLIEST);
  await admin.deleteGroups({ groups: [groupId] });
  await admin.deleteTopics({ topics: [topic] });
  const answer = {
    partitions: metadata.topics.get(topic)?.partitionsCount,
    retention: described[0]?.configs[0]?.value,
    ends: ends.reduce((sum, end) => sum + end, 0),
    committed,
    listed,
    state: state?.toUpperCase(),
    emptied: starts[0] === ends[0],
    gone: !(await admin.listTopics()).includes(topic),
  };
  await admin.close();
  return answer;
}

await run({ write, read, administer });

// kafkajs as its users use it: write, read in a group, administer. It supports only gzip.
import kafkajs from 'kafkajs';
import { login } from './login.ts';
import { records, run, Tally } from './tally.ts';

const { CompressionTypes, ConfigResourceTypes, Kafka, logLevel } = kafkajs;
/** The client's own limit for a connection is a second. */
const kafka = (broker: string) =>
  new Kafka({
    brokers: [broker],
    clientId: 'kafkajs',
    logLevel: logLevel.ERROR,
    connectionTimeout: 30_000,
    ...(login && { ssl: { ca: login.ca }, sasl: { ...login, mechanism: login.mechanism.toLowerCase() } as never }),
  });
const sum = (offsets: readonly { offset: string }[]): number =>
  offsets.reduce((all, { offset }) => all + Math.max(0, Number(offset)), 0);

async function write(broker: string, topic = '', codec = 'none', count = '0'): Promise<object> {
  const producer = kafka(broker).producer({
    idempotent: true,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const compression = codec === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None;
  const messages = records(Number(count)).map((record) => ({ ...record, headers: { origin: 'kafkajs' } }));
  await producer.send({ topic, compression, messages });
  await producer.disconnect();
  return { written: messages.length, failures: [] };
}

async function read(broker: string, topic = '', groupId = '', count = '0'): Promise<object> {
  const consumer = kafka(broker).consumer({ groupId });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const tally = new Tally(Number(count));
  const ends = new Map<number, number>();
  await new Promise<void>((enough) => {
    void consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message: { offset, key, value, headers } }) => {
        const origin = headers?.['origin']?.toString();
        tally.add({ partition, offset: Number(offset), key: key?.toString(), value: String(value), origin });
        ends.set(partition, Number(offset) + 1);
        if (tally.isEnough) enough();
      },
    });
  });
  await consumer.commitOffsets([...ends].map(([partition, end]) => ({ topic, partition, offset: String(end) })));
  await consumer.disconnect();
  const admin = kafka(broker).admin();
  await admin.connect();
  const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] });
  await admin.disconnect();
  return tally.answer(sum(committed?.partitions ?? []));
}

async function administer(broker: string, topic = ''): Promise<object> {
  const groupId = `${topic}-group`;
  const admin = kafka(broker).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 3 }] });
  await admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] });
  const resource = { type: ConfigResourceTypes.TOPIC, name: topic };
  const configEntries = [{ name: 'retention.ms', value: '1234' }];
  await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries }] });
  const configs = await admin.describeConfigs({ resources: [resource], includeSynonyms: false });
  await write(broker, topic, 'gzip', '50');
  await read(broker, topic, groupId, '50');
  const ends = await admin.fetchTopicOffsets(topic);
  const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] });
  const { groups } = await admin.listGroups();
  const described = await admin.describeGroups([groupId]);
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: ends[0]?.offset ?? '0' }] });
  const [first] = await admin.fetchTopicOffsets(topic);
  await admin.deleteGroups([groupId]);
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  await admin.deleteTopics({ topics: [topic] });
  const answer = {
    partitions: topics[0]?.partitions.length,
    retention: configs.resources[0]?.configEntries.find(({ configName }) => configName === 'retention.ms')?.configValue,
    ends: sum(ends),
    committed: sum(committed?.partitions ?? []),
    listed: groups.some((group) => group.groupId === groupId),
    state: described.groups[0]?.state.toUpperCase(),
    emptied: first?.low === first?.high,
    gone: !(await admin.listTopics()).includes(topic),
  };
  await admin.disconnect();
  return answer;
}

await run({ write, read, administer });

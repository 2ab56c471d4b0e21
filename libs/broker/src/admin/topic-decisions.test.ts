import { BrokerId, ErrorCode, Uuid } from '@milepost/core';
import { applied, brokerConfigLayers, type ClusterImage, emptyImage } from '@milepost/metadata';
import { decidePartitions, decideTopic, type NewTopic } from './topic-decisions.ts';

const id = Uuid('00000000-0000-4000-8000-000000000001');
const broker = (number: number) => ({ id: BrokerId(number), host: 'h', port: 9092, rack: null, incarnation: null });
const twoBrokers = applied(
  emptyImage('cluster'),
  [1, 2].map((number) => ({ type: 'broker-registered', broker: broker(number) })),
);

const wish = (more: Partial<NewTopic> = {}): NewTopic => ({
  name: 'trucks',
  numPartitions: -1,
  replicationFactor: -1,
  assignments: [],
  configs: [],
  ...more,
});

const around = (image: ClusterImage = twoBrokers, properties: Record<string, string> = {}) => ({
  image,
  layers: brokerConfigLayers(image, 1, properties),
  start: 0,
});

const withTopic = (name: string): ClusterImage => {
  const topic = decideTopic(wish({ name, numPartitions: 2 }), id, around());
  if ('error' in topic) throw new Error(topic.message);
  return applied(twoBrokers, [{ type: 'topic-created', topic }]);
};

test("-1 means the broker's defaults", () => {
  expect(decideTopic(wish(), id, around(twoBrokers, { 'num.partitions': '4' }))).toMatchObject({
    name: 'trucks',
    id,
    partitions: [{ index: 0 }, { index: 1 }, { index: 2 }, { index: 3, replicas: [expect.any(Number)] }],
  });
});

test.each<[string, Partial<NewTopic>, number]>([
  ['a name with a space', { name: 'a b' }, ErrorCode.INVALID_TOPIC_EXCEPTION],
  ['no partitions', { numPartitions: 0 }, ErrorCode.INVALID_PARTITIONS],
  ['no replicas', { replicationFactor: 0 }, ErrorCode.INVALID_REPLICATION_FACTOR],
  ['more replicas than brokers', { replicationFactor: 3 }, ErrorCode.INVALID_REPLICATION_FACTOR],
  ['more partitions than one request may ask for', { numPartitions: 10_001 }, ErrorCode.POLICY_VIOLATION],
  ['a property that no topic has', { configs: [{ name: 'colour', value: 'red' }] }, ErrorCode.INVALID_CONFIG],
  ['a property without a value', { configs: [{ name: 'retention.ms', value: null }] }, ErrorCode.INVALID_CONFIG],
  [
    'both an assignment and a number of partitions',
    { numPartitions: 1, assignments: [{ partitionIndex: 0, brokerIds: [BrokerId(1)] }] },
    ErrorCode.INVALID_REQUEST,
  ],
  [
    'a hole in the assignment',
    { assignments: [{ partitionIndex: 1, brokerIds: [BrokerId(1)] }] },
    ErrorCode.INVALID_REPLICA_ASSIGNMENT,
  ],
  [
    'a broker that is not there',
    { assignments: [{ partitionIndex: 0, brokerIds: [BrokerId(9)] }] },
    ErrorCode.INVALID_REPLICA_ASSIGNMENT,
  ],
])('%s is refused', (_, more, error) => {
  expect(decideTopic(wish(more), id, around())).toMatchObject({ error });
});

test('replicas can be assigned by hand', () => {
  const assignments = [
    { partitionIndex: 1, brokerIds: [BrokerId(1), BrokerId(2)] },
    { partitionIndex: 0, brokerIds: [BrokerId(2), BrokerId(1)] },
  ];
  expect(decideTopic(wish({ assignments }), id, around())).toMatchObject({
    partitions: [
      { index: 0, leader: 2, isr: [2, 1] },
      { index: 1, leader: 1, isr: [1, 2] },
    ],
  });
});

test('a topic exists once, and no two differ only in dots and underscores', () => {
  const image = withTopic('truck_gps');
  expect(decideTopic(wish({ name: 'truck_gps' }), id, around(image))).toMatchObject({
    error: ErrorCode.TOPIC_ALREADY_EXISTS,
  });
  expect(decideTopic(wish({ name: 'truck.gps' }), id, around(image))).toMatchObject({
    error: ErrorCode.INVALID_TOPIC_EXCEPTION,
  });
});

test('a topic grows and never shrinks', () => {
  const image = withTopic('trucks');
  const grow = (count: number) => decidePartitions({ name: 'trucks', count, assignments: null }, around(image));
  expect(grow(4)).toMatchObject({ partitions: [{ index: 2 }, { index: 3 }] });
  expect(grow(2)).toMatchObject({ error: ErrorCode.INVALID_PARTITIONS });
  expect(grow(1)).toMatchObject({ error: ErrorCode.INVALID_PARTITIONS });
  expect(decidePartitions({ name: 'ghosts', count: 4, assignments: null }, around(image))).toMatchObject({
    error: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  });
});

import { BrokerId, LeaderEpoch, Uuid } from '@milepost/core';
import { applied, emptyImage, type PartitionState } from '@milepost/metadata';
import { decideIsrChanges, type IsrProposal } from './isr-change.ts';

const [ONE, TWO, THREE] = [BrokerId(1), BrokerId(2), BrokerId(3)];
const TOPIC_ID = Uuid('11111111-2222-4333-8444-555555555555');

const partition: PartitionState = {
  index: 0,
  replicas: [ONE, TWO, THREE],
  isr: [ONE, TWO],
  leader: ONE,
  leaderEpoch: LeaderEpoch(4),
  partitionEpoch: 7,
};
const withBrokers = [ONE, TWO, THREE].reduce(
  (image, id) =>
    applied(image, [
      {
        type: 'broker-registered',
        broker: {
          id,
          host: `b${id}`,
          port: 9092,
          rack: null,
          incarnation: Uuid(`00000000-0000-4000-8000-00000000000${id}`),
        },
      },
    ]),
  emptyImage('c'),
);
const image = applied(withBrokers, [
  { type: 'topic-created', topic: { id: TOPIC_ID, name: 't', configs: {}, partitions: [partition] } },
]);
const epochOf = (id: BrokerId): number => image.brokers.get(id)?.epoch ?? -1;

const wish = (members: readonly BrokerId[], more: Partial<IsrProposal> = {}): IsrProposal => ({
  topic: 't',
  topicId: TOPIC_ID,
  index: 0,
  leaderEpoch: LeaderEpoch(4),
  partitionEpoch: 7,
  members: members.map((id) => ({ id, brokerEpoch: id === ONE ? -1 : epochOf(id) })),
  ...more,
});
const decided = (proposal: IsrProposal, leader = ONE, of = image) =>
  decideIsrChanges(of, leader, [proposal]).map((change) => change.type === 'partition-changed' && change.partition.isr);

test('the leader’s ISR is written with the next partition epoch, in its leader epoch', () => {
  const [change] = decideIsrChanges(image, ONE, [wish([ONE, TWO, THREE])]);
  expect(change).toMatchObject({ id: TOPIC_ID, partition: { isr: [1, 2, 3], partitionEpoch: 8, leaderEpoch: 4 } });
  expect(decided(wish([ONE]))).toEqual([[1]]);
});

test('a proposal of an earlier leader epoch, partition epoch or leader changes nothing', () => {
  expect(decided(wish([ONE], { leaderEpoch: LeaderEpoch(3) }))).toEqual([]);
  expect(decided(wish([ONE], { partitionEpoch: 6 }))).toEqual([]);
  expect(decided(wish([ONE]), TWO)).toEqual([]);
  expect(decided(wish([ONE], { topicId: Uuid('99999999-2222-4333-8444-555555555555') }))).toEqual([]);
});

test('a member of an earlier life, a fenced one or one without a replica does not join', () => {
  const stale = { id: THREE, brokerEpoch: epochOf(THREE) - 1 };
  expect(decided({ ...wish([ONE, TWO]), members: [...wish([ONE, TWO]).members, stale] })).toEqual([]);
  const fenced = applied(image, [{ type: 'broker-fencing-changed', id: THREE, isFenced: true }]);
  expect(decided(wish([ONE, TWO, THREE]), ONE, fenced)).toEqual([]);
  expect(decided(wish([ONE, TWO, BrokerId(9)]))).toEqual([]);
});

test('a leader never leaves its own ISR', () => {
  expect(decided(wish([TWO]))).toEqual([]);
});

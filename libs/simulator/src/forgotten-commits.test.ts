import { BrokerId, LeaderEpoch, Uuid } from '@milepost/core';
import { applied, type ClusterImage, emptyImage, partitionOn, registered } from '@milepost/metadata';
import { ForgottenCommits } from './forgotten-commits.ts';

const [ONE, TWO] = [BrokerId(1), BrokerId(2)];
const ID = Uuid('0f8fad5b-d9cb-469f-a165-70867728950e');
const LINEAGE = Uuid('1f8fad5b-d9cb-469f-a165-70867728950e');

const register = (image: ClusterImage, id: BrokerId): ClusterImage =>
  applied(
    image,
    registered({ image, isUncleanAllowed: () => false }, { id, incarnation: null, host: 'h', port: 9092, rack: null }),
  );

const partitions = [partitionOn(0, [ONE, TWO]), { ...partitionOn(0, [ONE, TWO]), index: 1 }];
const before = applied(register(register(emptyImage('c'), ONE), TWO), [
  { type: 'topic-created', topic: { id: ID, name: 't', configs: {}, partitions } },
]);
const shrunk = applied(before, [
  {
    type: 'partition-changed',
    id: ID,
    partition: { ...partitionOn(0, [ONE, TWO]), isr: [ONE], leaderEpoch: LeaderEpoch(0), partitionEpoch: 1 },
  },
]);
const wentBack = applied(before, [{ type: 'lineage-started', lineage: LINEAGE, beyond: shrunk.version }]);
const witness = () => ({ brokerId: ONE, isAlive: true, lives: 1 });

test('what a database forgot is lost with the last broker that remembers it, and not before', () => {
  const one = witness();
  const forgotten = new ForgottenCommits(shrunk, wentBack, [one]);
  expect(forgotten.partitions).toEqual([{ topic: 't', index: 0 }]);
  expect(forgotten.state(wentBack)).toBe('remembered');
  expect(forgotten.state(register(wentBack, TWO))).toBe('remembered');
  expect(forgotten.state(register(wentBack, ONE))).toBe('restored');
  one.isAlive = false;
  expect(forgotten.state(wentBack)).toBe('lost');
});

test('a broker that was restarted remembers nothing, though it registers again', () => {
  const one = witness();
  const forgotten = new ForgottenCommits(shrunk, wentBack, [one]);
  one.lives = 2;
  expect(forgotten.state(register(wentBack, ONE))).toBe('lost');
});

test('others do not wait for a broker that they have fenced', () => {
  const forgotten = new ForgottenCommits(shrunk, wentBack, [witness()]);
  const fenced = applied(wentBack, [{ type: 'broker-fencing-changed', id: ONE, isFenced: true }]);
  expect(forgotten.state(fenced)).toBe('lost');
});

import { BrokerId, LeaderEpoch, Uuid } from '@milepost/core';
import { applied } from './applied.ts';
import { controllerDuties, registered } from './broker-lifecycle.ts';
import type { MetadataChange } from './changes.ts';
import { type ClusterImage, emptyImage } from './image.ts';
import type { PartitionState } from './topic-state.ts';
import { lostCommits, silentBrokers } from './lost-commits.ts';
import { partitionOn } from './placement.ts';

const [ONE, TWO] = [BrokerId(1), BrokerId(2)];
const ID = Uuid('0f8fad5b-d9cb-469f-a165-70867728950e');
const LINEAGE = Uuid('1f8fad5b-d9cb-469f-a165-70867728950e');
const broker = (id: BrokerId) => ({ id, incarnation: null, host: 'h', port: 9092, rack: null });
const clean = (image: ClusterImage) => ({ image, isUncleanAllowed: () => false });
const register = (image: ClusterImage, id: BrokerId): ClusterImage =>
  applied(image, registered(clean(image), broker(id)));

function cluster(...partitions: PartitionState[]): ClusterImage {
  const image = register(register(emptyImage('c'), ONE), TWO);
  return applied(image, [{ type: 'topic-created', topic: { id: ID, name: 't', configs: {}, partitions } }]);
}

/** As a store does when the database went back. */
const wentBack = (image: ClusterImage, seen: ClusterImage): ClusterImage =>
  applied(image, [{ type: 'lineage-started', lineage: LINEAGE, beyond: seen.version }]);
const [both] = [partitionOn(0, [ONE, TWO])];
const changed = (partition: Partial<PartitionState>): MetadataChange => ({
  type: 'partition-changed',
  id: ID,
  partition: { ...both, ...partition },
});
const partitionIn = (image: ClusterImage) => image.topics.get('t')?.partitions[0];

test('the latest state that any broker remembers is restored, whoever commits first', () => {
  const before = cluster(both);
  const shrunk = applied(before, [changed({ isr: [ONE], partitionEpoch: 1 })]);
  const moved = applied(shrunk, [changed({ isr: [ONE], leaderEpoch: LeaderEpoch(1), partitionEpoch: 2 })]);
  for (const order of [
    [shrunk, moved],
    [moved, shrunk],
  ]) {
    let image = wentBack(before, moved);
    for (const known of order) image = applied(image, lostCommits(image, known));
    expect(partitionIn(image)).toEqual(partitionIn(moved));
    expect(lostCommits(image, moved)).toEqual([]);
  }
});

test('a broker that the database has forgotten is registered as gone, and can be succeeded', () => {
  const before = register(emptyImage('c'), ONE);
  const known = register(before, TWO);
  const image = wentBack(before, known);
  const restored = applied(image, lostCommits(image, known));
  expect(restored.brokers.get(TWO)).toMatchObject({ isFenced: true, host: 'h' });
});

test('the controller’s epoch does not go back', () => {
  const before = cluster(both);
  const known = applied(before, [{ type: 'controller-elected', id: TWO, epoch: 2 }]);
  const image = wentBack(before, known);
  expect(applied(image, lostCommits(image, known)).controller).toEqual({ id: 2, epoch: 2 });
});

test('nobody is elected while a broker that is not gone may remember more', () => {
  const leaderless = { ...both, leader: BrokerId(-1) };
  const before = cluster(leaderless);
  const image = wentBack(before, before);
  expect(silentBrokers(image)).toEqual([1, 2]);
  const one = register(image, ONE);
  expect(silentBrokers(one)).toEqual([2]);
  expect(partitionIn(one)).toMatchObject({ leader: -1 });
  expect(controllerDuties(clean(one), () => false)).toEqual([]);
  const fenced = controllerDuties(clean(one), (id) => id === TWO);
  expect(partitionIn(applied(one, fenced))).toMatchObject({ leader: 1 });
});

import { BrokerId, LeaderEpoch, NO_BROKER, Uuid } from '@milepost/core';
import { applied } from './applied.ts';
import {
  controllerDuties,
  controllerElection,
  fenced,
  left,
  logsLost,
  registered,
  restarted,
  unfenced,
} from './broker-lifecycle.ts';
import type { MetadataChange } from './changes.ts';
import { preferredLeaders } from './election.ts';
import { type ClusterImage, emptyImage } from './image.ts';
import type { PartitionState } from './topic-state.ts';
import { partitionOn } from './placement.ts';

const [ONE, TWO, THREE] = [BrokerId(1), BrokerId(2), BrokerId(3)];
const ID = Uuid('0f8fad5b-d9cb-469f-a165-70867728950e');
const broker = (id: BrokerId) => ({ id, incarnation: null, host: 'h', port: 9092, rack: null });
const clean = (image: ClusterImage) => ({ image, isUncleanAllowed: () => false });
const unclean = (image: ClusterImage) => ({ image, isUncleanAllowed: () => true });
const gone =
  (...ids: BrokerId[]) =>
  (id: BrokerId): boolean =>
    ids.includes(id);

/** Three brokers, of which 1 is the controller, and topic t. */
function cluster(...partitions: (readonly BrokerId[])[]): ClusterImage {
  let image = emptyImage('c');
  for (const id of [ONE, TWO, THREE]) image = applied(image, registered(clean(image), broker(id)));
  const topic = {
    id: ID,
    name: 't',
    configs: {},
    partitions: partitions.map((replicas, at) => partitionOn(at, replicas)),
  };
  return applied(image, [{ type: 'topic-created', topic }]);
}

/** As its leader does with a member that is gone. */
function taken(image: ClusterImage, id: BrokerId): MetadataChange {
  const [state] = partitionsOf(image);
  if (!state) throw new Error('there is no partition');
  const partition = { ...state, isr: state.isr.filter((one) => one !== id), partitionEpoch: state.partitionEpoch + 1 };
  return { type: 'partition-changed', id: ID, partition };
}

const partitionsOf = (image: ClusterImage): readonly PartitionState[] => image.topics.get('t')?.partitions ?? [];
const after = (image: ClusterImage, changes: readonly MetadataChange[]): ClusterImage => applied(image, changes);

test('the first broker that registers is the controller, and a later one is not', () => {
  const image = cluster();
  expect(image.controller).toEqual({ id: 1, epoch: 1 });
  expect(controllerElection(image, TWO, undefined, gone())).toEqual([]);
});

test('when the controller is gone another broker is elected, in the next epoch', () => {
  const image = cluster();
  expect(controllerElection(image, TWO, undefined, gone(ONE))).toEqual([
    { type: 'controller-elected', id: 2, epoch: 2 },
  ]);
  const without = after(image, fenced(clean(image), ONE));
  expect(controllerElection(without, TWO, undefined, gone())).toHaveLength(1);
  expect(controllerElection(without, ONE, 1, gone())).toEqual([]); // it is fenced itself
});

test('a controller that does not know its epoch is elected again', () => {
  const image = cluster();
  expect(controllerElection(image, ONE, 1, gone())).toEqual([]);
  expect(controllerElection(image, ONE, undefined, gone())).toEqual([{ type: 'controller-elected', id: 1, epoch: 2 }]);
});

test('a controller that registers again has another epoch', () => {
  const image = cluster();
  expect(after(image, registered(clean(image), broker(ONE))).controller).toEqual({ id: 1, epoch: 2 });
});

test('a broker without its logs leaves every ISR with another member, even one that is down', () => {
  const image = after(cluster([ONE, TWO], [TWO, ONE], [ONE], [TWO, THREE]), [
    { type: 'broker-fencing-changed', id: TWO, isFenced: true },
    { type: 'broker-fencing-changed', id: ONE, isFenced: true },
  ]);
  const lost = after(image, logsLost(image, ONE));
  expect(partitionsOf(lost)).toMatchObject([
    { leader: NO_BROKER, leaderEpoch: 1, isr: [2] },
    { leader: NO_BROKER, leaderEpoch: 1, isr: [2] },
    { leader: 1, isr: [1] }, // nobody else has it
    { leader: 2, isr: [2, 3] },
  ]);
  const back = after(lost, registered(clean(lost), broker(ONE)));
  expect(partitionsOf(back)[0]).toMatchObject({ leader: NO_BROKER, isr: [2] });
  expect(partitionsOf(after(back, registered(clean(back), broker(TWO))))[0]).toMatchObject({ leader: 2, isr: [2] });
});

test('the partitions of a broker that is gone are led by others of their ISR, in one commit', () => {
  const image = after(cluster([ONE, TWO], [TWO, ONE], [ONE], [TWO, THREE]), []);
  const failed = after(image, controllerDuties(clean(image), gone(ONE)));
  expect(failed.brokers.get(ONE)?.isFenced).toBe(true);
  expect(partitionsOf(failed)).toMatchObject([
    { leader: 2, leaderEpoch: 1, isr: [1, 2], partitionEpoch: 1 },
    { leader: 2, leaderEpoch: 0, isr: [2, 1], partitionEpoch: 0 },
    { leader: NO_BROKER, leaderEpoch: 1, isr: [1] },
    { leader: 2, leaderEpoch: 0, isr: [2, 3], partitionEpoch: 0 },
  ]);
});

test('nobody outside the ISR is elected, but where the topic allows it', () => {
  const image = after(cluster([ONE, TWO]), [
    { type: 'partition-changed', id: ID, partition: { ...partitionOn(0, [ONE, TWO]), isr: [ONE], partitionEpoch: 1 } },
  ]);
  const failed = after(image, controllerDuties(clean(image), gone(ONE)));
  expect(partitionsOf(failed)).toMatchObject([{ leader: NO_BROKER, isr: [1] }]);
  expect(partitionsOf(after(image, controllerDuties(unclean(image), gone(ONE))))).toMatchObject([
    { leader: 2, isr: [2], leaderEpoch: 1 },
  ]);
  // Allowed later, when nobody leads it any more.
  expect(partitionsOf(after(failed, controllerDuties(unclean(failed), gone(ONE))))).toMatchObject([
    { leader: 2, isr: [2], leaderEpoch: 2 },
  ]);
});

test('of two that are gone at once, whichever is back first leads: both had everything', () => {
  const image = cluster([ONE, TWO]);
  const failed = after(image, controllerDuties(clean(image), gone(ONE, TWO)));
  expect(partitionsOf(failed)).toMatchObject([{ leader: NO_BROKER, isr: [1, 2], leaderEpoch: 1 }]);
  const back = after(failed, registered(clean(failed), broker(TWO)));
  expect(partitionsOf(back)).toMatchObject([{ leader: 2, leaderEpoch: 2 }]);
  const alsoUnfenced = after(failed, unfenced(clean(failed), ONE));
  expect(partitionsOf(alsoUnfenced)).toMatchObject([{ leader: 1, leaderEpoch: 2 }]);
});

test('of two that are gone one after the other, only the second leads again once it has taken the first out of the ISR', () => {
  const image = cluster([ONE, TWO]);
  const first = after(image, controllerDuties(clean(image), gone(ONE)));
  const alone = after(first, [taken(first, ONE)]);
  const both = after(alone, controllerDuties(clean(alone), gone(ONE, TWO)));
  const back = after(both, registered(clean(both), broker(ONE)));
  expect(partitionsOf(back)).toMatchObject([{ leader: NO_BROKER, isr: [2] }]);
});

test('a controller that has nothing to do commits nothing, over and over', () => {
  const image = cluster([ONE, TWO], [THREE]);
  const failed = after(image, controllerDuties(clean(image), gone(THREE)));
  expect(controllerDuties(clean(failed), gone(THREE))).toEqual([]);
});

test('a broker that leaves moves its leaders, and a controller resigns', () => {
  const image = cluster([ONE, TWO], [ONE]);
  const without = after(image, left(clean(image), ONE));
  expect(without.controller).toEqual({ id: NO_BROKER, epoch: 2 });
  expect(without.brokers.get(ONE)?.isFenced).toBe(true);
  expect(partitionsOf(without)).toMatchObject([
    { leader: 2, isr: [1, 2] },
    { leader: NO_BROKER, isr: [1] },
  ]);
  expect(after(image, left(clean(image), TWO)).controller).toEqual({ id: 1, epoch: 1 });
});

test('a broker that restarts hands over what others have, and leads on what only it has in a new epoch', () => {
  const alone = { ...partitionOn(1, [ONE, TWO]), isr: [ONE], partitionEpoch: 1 };
  const image = after(cluster([ONE, TWO], [ONE, TWO], [ONE], [TWO, ONE]), [
    { type: 'partition-changed', id: ID, partition: alone },
  ]);
  const starting = after(image, restarted(image, ONE));
  expect(starting.brokers.get(ONE)?.isFenced).toBe(true);
  expect(partitionsOf(starting)).toMatchObject([
    { leader: 2, isr: [1, 2], leaderEpoch: 1 },
    { leader: 1, isr: [1], leaderEpoch: 1 },
    { leader: 1, isr: [1], leaderEpoch: 0 },
    { leader: 2, isr: [2, 1], leaderEpoch: 0 },
  ]);
  expect(restarted(starting, ONE)).toEqual([]); // it was fenced already
});

test('a broker without its log does not lead because another one, which has everything, restarted or stopped meanwhile', () => {
  for (const leaves of [restarted, (image: ClusterImage, id: BrokerId) => left(clean(image), id)]) {
    const image = cluster([ONE, TWO]); // the disk of 1 is lost, which nobody knows yet
    const without = after(image, leaves(image, TWO));
    expect(partitionsOf(without)).toMatchObject([{ leader: 1, isr: [1, 2] }]);
    const lost = after(without, logsLost(without, ONE));
    const empty = after(lost, registered(clean(lost), broker(ONE)));
    expect(partitionsOf(empty)).toMatchObject([{ leader: NO_BROKER, isr: [2] }]);
    expect(partitionsOf(after(empty, registered(clean(empty), broker(TWO))))).toMatchObject([{ leader: 2, isr: [2] }]);
  }
});

test('a reassignment is completed once the new replicas are in sync', () => {
  const moving = {
    ...partitionOn(0, [THREE, ONE]),
    replicas: [THREE, ONE],
    isr: [ONE],
    leader: ONE,
    partitionEpoch: 1,
    addingReplicas: [THREE],
    removingReplicas: [ONE],
  };
  const image = after(cluster([ONE]), [{ type: 'partition-changed', id: ID, partition: moving }]);
  expect(controllerDuties(clean(image), gone())).toEqual([]);
  const inSync = { ...moving, isr: [ONE, THREE], partitionEpoch: 2 };
  const ready = after(image, [{ type: 'partition-changed', id: ID, partition: inSync }]);
  const [partition] = partitionsOf(after(ready, controllerDuties(clean(ready), gone())));
  expect(partition).toEqual({
    index: 0,
    replicas: [3],
    isr: [3],
    leader: 3,
    leaderEpoch: 1,
    partitionEpoch: 3,
  });
});

test('fewer replicas than before wait until those that stay are in sync', () => {
  const moving = {
    ...partitionOn(0, [ONE, TWO, THREE]),
    isr: [ONE, THREE],
    leader: THREE,
    leaderEpoch: LeaderEpoch(0),
    partitionEpoch: 1,
    removingReplicas: [THREE],
  };
  const image = after(cluster([ONE, TWO, THREE]), [{ type: 'partition-changed', id: ID, partition: moving }]);
  expect(controllerDuties(clean(image), gone())).toEqual([]);
});

test('preferred leaders are restored where they are in sync, so many at once', () => {
  const led = (index: number, isr: BrokerId[]) => ({
    ...partitionOn(index, [ONE, TWO]),
    isr,
    leader: TWO,
    leaderEpoch: LeaderEpoch(1),
    partitionEpoch: 1,
  });
  const image = after(
    cluster([ONE, TWO], [ONE, TWO], [ONE, TWO], [TWO, ONE]),
    [led(0, [TWO]), led(1, [TWO, ONE]), led(2, [TWO, ONE])].map((partition) => ({
      type: 'partition-changed',
      id: ID,
      partition,
    })),
  );
  const restored = preferredLeaders(image, 10);
  expect(restored).toMatchObject([
    { partition: { index: 1, leader: 1, leaderEpoch: 2 } },
    { partition: { index: 2, leader: 1, leaderEpoch: 2 } },
  ]);
  expect(preferredLeaders(image, 1)).toHaveLength(1);
});

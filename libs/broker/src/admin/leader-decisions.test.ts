import { BrokerId, ErrorCode, LeaderEpoch, NO_BROKER, Uuid } from '@milepost/core';
import {
  applied,
  type ClusterImage,
  emptyImage,
  type MetadataChange,
  partitionOn,
  type PartitionState,
} from '@milepost/metadata';
import { ElectionType } from '@milepost/wire';
import { decideElection, decideReassignment, unregistered } from './leader-decisions.ts';

const [ONE, TWO, THREE] = [BrokerId(1), BrokerId(2), BrokerId(3)];
const ID = Uuid('0f8fad5b-d9cb-469f-a165-70867728950e');
const registered = (id: BrokerId): MetadataChange => ({
  type: 'broker-registered',
  broker: { id, host: 'h', port: 9092, rack: null, incarnation: null },
});
const fenced = (id: BrokerId): MetadataChange => ({ type: 'broker-fencing-changed', id, isFenced: true });

/** Topic t: partition 0 on brokers 1 and 2, led by 1; partition 1 on broker 2 alone. */
function image(...more: MetadataChange[]): ClusterImage {
  const partitions = [partitionOn(0, [ONE, TWO]), partitionOn(1, [TWO])];
  const topic: MetadataChange = { type: 'topic-created', topic: { id: ID, name: 't', configs: {}, partitions } };
  return applied(emptyImage('c'), [registered(ONE), registered(TWO), registered(THREE), topic, ...more]);
}

/** Partition 0 of the image, changed. */
const withPartition = (more: Partial<PartitionState>): ClusterImage =>
  image({
    type: 'partition-changed',
    id: ID,
    partition: { ...partitionOn(0, [ONE, TWO]), partitionEpoch: 1, ...more },
  });

function reassigned(
  partition: number,
  replicas: BrokerId[] | null,
  { of = image(), mayChangeCount = true, isUncleanAllowed = false } = {},
) {
  const electorate = { image: of, isUncleanAllowed: () => isUncleanAllowed };
  const decided = decideReassignment(electorate, { topic: 't', partition, replicas }, mayChangeCount);
  if (!decided) return 'nothing to do';
  return 'error' in decided ? decided.error : decided.partition;
}

test('replicas are reordered or removed immediately', () => {
  expect(reassigned(0, [ONE, TWO])).toBe('nothing to do');
  expect(reassigned(0, [TWO, ONE])).toMatchObject({ replicas: [2, 1], leader: 1, leaderEpoch: 0, partitionEpoch: 1 });
  expect(reassigned(0, [ONE])).toMatchObject({ replicas: [1], isr: [1], leader: 1, leaderEpoch: 1 });
  expect(reassigned(0, [TWO])).toMatchObject({ replicas: [2], isr: [2], leader: 2, leaderEpoch: 1 });
});

test('new replicas are added, and those that leave remain until the new ones are in sync', () => {
  expect(reassigned(0, [THREE, ONE])).toEqual({
    index: 0,
    replicas: [3, 1, 2],
    isr: [1, 2],
    leader: 1,
    leaderEpoch: 0,
    partitionEpoch: 1,
    addingReplicas: [3],
    removingReplicas: [2],
  });
});

test('a reassignment is cancelled: what it was adding goes, what it was removing stays', () => {
  const of = withPartition({ replicas: [THREE, ONE, TWO], addingReplicas: [THREE], removingReplicas: [TWO] });
  const cancelled = reassigned(0, null, { of });
  expect(cancelled).toMatchObject({ replicas: [1, 2], isr: [1, 2], leader: 1, leaderEpoch: 1 });
  expect(cancelled).not.toHaveProperty('addingReplicas');
  expect(cancelled).not.toHaveProperty('removingReplicas');
});

test('a cancellation that leaves nobody in sync needs the topic to allow unclean elections', () => {
  const of = withPartition({ replicas: [THREE, ONE], isr: [THREE], leader: THREE, addingReplicas: [THREE] });
  expect(reassigned(0, null, { of })).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
  expect(reassigned(0, null, { of, isUncleanAllowed: true })).toMatchObject({ isr: [1], leader: 1 });
});

test('a second reassignment still waits for a replica that the first one is adding', () => {
  const of = withPartition({ replicas: [THREE, ONE, TWO], addingReplicas: [THREE], removingReplicas: [TWO] });
  expect(reassigned(0, [THREE, TWO], { of })).toMatchObject({
    replicas: [3, 2, 1],
    addingReplicas: [3],
    removingReplicas: [1],
  });
});

test('what cannot be is refused', () => {
  expect(reassigned(0, [ONE, BrokerId(9)])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
  expect(reassigned(0, [ONE, ONE])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
  expect(reassigned(0, [])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
  expect(reassigned(0, [ONE], { mayChangeCount: false })).toBe(ErrorCode.INVALID_REPLICATION_FACTOR);
  expect(reassigned(0, null)).toBe(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS);
  expect(reassigned(7, [ONE])).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
});

function elected(of: ClusterImage, electionType: number, partition = 0) {
  const decided = decideElection(of, electionType, { topic: 't', partition });
  return 'error' in decided ? decided.error : decided.partition;
}

test('the preferred leader is elected where it is in sync and alive', () => {
  const led = { leader: TWO, leaderEpoch: LeaderEpoch(1) };
  expect(elected(image(), ElectionType.PREFERRED)).toBe(ErrorCode.ELECTION_NOT_NEEDED);
  expect(elected(withPartition(led), ElectionType.PREFERRED)).toMatchObject({ leader: 1, leaderEpoch: 2 });
  expect(elected(withPartition({ ...led, isr: [TWO] }), ElectionType.PREFERRED)).toBe(
    ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE,
  );
  expect(elected(withPartition(led), ElectionType.UNCLEAN)).toBe(ErrorCode.ELECTION_NOT_NEEDED);
  expect(elected(image(), ElectionType.PREFERRED, 7)).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
});

test('an unclean election takes any replica that is alive, and only on request', () => {
  const lost = { leader: NO_BROKER, isr: [ONE] };
  const of = applied(withPartition(lost), [fenced(ONE)]);
  expect(elected(of, ElectionType.UNCLEAN)).toMatchObject({ leader: 2, isr: [2], leaderEpoch: 1 });
  expect(elected(of, ElectionType.PREFERRED)).toBe(ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE);
  expect(elected(applied(of, [fenced(TWO)]), ElectionType.UNCLEAN)).toBe(ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE);
});

test('a broker that is forgotten leads nothing any more, and the last in-sync replica is remembered', () => {
  const before = image(fenced(TWO));
  const electorate = { image: before, isUncleanAllowed: () => false };
  const changes = unregistered(electorate, TWO);
  expect('error' in changes).toBe(false);
  const after = applied(before, changes as MetadataChange[]);
  expect([...after.brokers.keys()]).toEqual([ONE, THREE]);
  expect(after.topics.get('t')?.partitions).toMatchObject([
    { leader: 1, isr: [1], replicas: [1, 2] },
    { leader: NO_BROKER, isr: [2], replicas: [2] },
  ]);
  expect(unregistered(electorate, ONE)).toMatchObject({ error: ErrorCode.INVALID_REQUEST });
  expect(unregistered({ ...electorate, image: after }, TWO)).toMatchObject({
    error: ErrorCode.BROKER_ID_NOT_REGISTERED,
  });
});

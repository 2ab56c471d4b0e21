import { BrokerId, ErrorCode, LeaderEpoch, NO_BROKER, Uuid } from '@milepost/core';
import { applied, type ClusterImage, emptyImage, type MetadataChange, partitionOn } from '@milepost/metadata';
import { ElectionType } from '@milepost/wire';
import { decideReassignment, electionRefusal, unregistered } from './leader-decisions.ts';

const [ONE, TWO, THREE] = [BrokerId(1), BrokerId(2), BrokerId(3)];
const ID = Uuid('0f8fad5b-d9cb-469f-a165-70867728950e');
const registered = (id: BrokerId): MetadataChange => ({
  type: 'broker-registered',
  broker: { id, host: 'h', port: 9092, rack: null, incarnation: null },
});

/** Topic t: partition 0 on brokers 1 and 2, led by 1; partition 1 on broker 2 alone. */
function image(...more: MetadataChange[]): ClusterImage {
  const partitions = [partitionOn(0, [ONE, TWO]), partitionOn(1, [TWO])];
  const topic: MetadataChange = { type: 'topic-created', topic: { id: ID, name: 't', configs: {}, partitions } };
  return applied(emptyImage('c'), [registered(ONE), registered(TWO), registered(THREE), topic, ...more]);
}

const reassigned = (partition: number, replicas: BrokerId[] | null, mayChangeCount = true) => {
  const decided = decideReassignment(image(), { topic: 't', partition, replicas }, mayChangeCount);
  if (!decided) return 'nothing to do';
  return 'error' in decided ? decided.error : decided;
};

test('replicas are reordered or removed immediately', () => {
  expect(reassigned(0, [ONE, TWO])).toBe('nothing to do');
  expect(reassigned(0, [TWO, ONE])).toMatchObject({ partition: { replicas: [2, 1], leader: 1, partitionEpoch: 1 } });
  expect(reassigned(0, [ONE])).toMatchObject({ partition: { replicas: [1], isr: [1] } });
});

test('a change that would move data is refused', () => {
  expect(reassigned(0, [ONE, THREE])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
  expect(reassigned(0, [TWO])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
  expect(reassigned(0, [ONE, BrokerId(9)])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
  expect(reassigned(0, [ONE], false)).toBe(ErrorCode.INVALID_REPLICATION_FACTOR);
  expect(reassigned(0, null)).toBe(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS);
  expect(reassigned(7, [ONE])).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
});

test('a leader stays, whichever replica is preferred', () => {
  const led = partitionOn(0, [ONE, TWO]);
  const moved = { ...led, leader: TWO, leaderEpoch: LeaderEpoch(1), partitionEpoch: 1 };
  const other = image({ type: 'partition-changed', id: ID, partition: moved });
  const elected = (electionType: number) => electionRefusal(other, electionType, { topic: 't', partition: 0 }).error;
  expect(elected(ElectionType.PREFERRED)).toBe(ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE);
  expect(elected(ElectionType.UNCLEAN)).toBe(ErrorCode.ELECTION_NOT_NEEDED);
});

test('an unregistered broker leads nothing any more, and the last in-sync replica is remembered', () => {
  const before = image();
  const changes = unregistered(before, TWO, ONE);
  expect('error' in changes).toBe(false);
  const after = applied(before, changes as MetadataChange[]);
  expect([...after.brokers.keys()]).toEqual([ONE, THREE]);
  expect(after.topics.get('t')?.partitions).toMatchObject([
    { leader: 1, isr: [1], replicas: [1, 2] },
    { leader: NO_BROKER, isr: [2], replicas: [2] },
  ]);
  const unknown = unregistered(after, TWO, ONE);
  expect(unknown).toMatchObject({ error: ErrorCode.BROKER_ID_NOT_REGISTERED });
});

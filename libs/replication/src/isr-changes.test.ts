import { BrokerId, type Clock, LeaderEpoch, type Meter, silentLogger, silentMeter, Uuid } from '@milepost/core';
import { applied, type ClusterImage, emptyImage, type PartitionState, StoreUnavailable } from '@milepost/metadata';
import type { IsrProposal } from './isr-change.ts';
import { IsrChanges } from './isr-changes.ts';

const [ONE, TWO] = [BrokerId(1), BrokerId(2)];
const TOPIC_ID = Uuid('11111111-2222-4333-8444-555555555555');
const partition: PartitionState = {
  index: 0,
  replicas: [ONE, TWO],
  isr: [ONE, TWO],
  leader: ONE,
  leaderEpoch: LeaderEpoch(4),
  partitionEpoch: 7,
};
const topic = { id: TOPIC_ID, name: 't', configs: {}, partitions: [partition] };
const proposal: IsrProposal = {
  topic: 't',
  topicId: TOPIC_ID,
  index: 0,
  leaderEpoch: LeaderEpoch(4),
  partitionEpoch: 7,
  members: [{ id: ONE, brokerEpoch: -1 }],
};
/** Time passes at once. */
const clock = { after: (_: number, run: () => void) => (queueMicrotask(run), () => {}) } as unknown as Clock;

/** The counts by the middle of their names. */
function counting(): { meter: Meter; counts: Record<string, number> } {
  const counts: Record<string, number> = {};
  const counter = (name: string): ReturnType<Meter['counter']> => {
    const key = name.replace(/^kafka_server_replicamanager_(\w+)_total$/, '$1');
    counts[key] = 0;
    return { add: (amount = 1) => void (counts[key] = (counts[key] ?? 0) + amount), remove: () => {} };
  };
  return { meter: { ...silentMeter, counter }, counts };
}

/** `meanwhile`: what others change between the commit and the image that is served after it. */
async function changed(image: ClusterImage, proposed: IsrProposal, lostResponses = 0, meanwhile?: PartitionState) {
  const { meter, counts } = counting();
  let truth = image;
  let refusals = 0;
  let losses = lostResponses;
  const changes = new IsrChanges({
    clock,
    logger: silentLogger,
    meter,
    brokerId: ONE,
    image: () => truth,
    apply: () => {
      if (meanwhile) truth = applied(truth, [{ type: 'partition-changed', id: TOPIC_ID, partition: meanwhile }]);
      return Promise.resolve();
    },
    commit: (decide) => {
      truth = applied(truth, decide(truth));
      if (losses-- > 0) return Promise.reject(new StoreUnavailable('the response was lost'));
      return Promise.resolve(truth);
    },
  });
  changes.propose(proposed, () => void refusals++);
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  await changes.close();
  return { ...counts, refusals };
}
const before = applied(emptyImage('c'), [{ type: 'topic-created', topic }]);

test('a leader that removes a follower has shrunk the ISR once', async () => {
  const seen = await changed(before, proposal);
  expect(seen).toEqual({ isrshrinks: 1, isrexpands: 0, failedisrupdates: 0, refusals: 0 });
});

test('a change whose response was lost is counted once, when its repetition finds it made', async () => {
  const seen = await changed(before, proposal, 1);
  expect(seen).toEqual({ isrshrinks: 1, isrexpands: 0, failedisrupdates: 0, refusals: 0 });
});

test('an expansion is counted although the preferred leader was elected before the image with it was served', async () => {
  const shrunk = applied(before, [
    { type: 'partition-changed', id: TOPIC_ID, partition: { ...partition, isr: [ONE], partitionEpoch: 8 } },
    { type: 'broker-registered', broker: { id: TWO, host: 'h', port: 2, rack: null, incarnation: null } },
    { type: 'broker-fencing-changed', id: TWO, isFenced: false },
  ]);
  const joining = { ...proposal, partitionEpoch: 8, members: [ONE, TWO].map((id) => ({ id, brokerEpoch: -1 })) };
  const elected = { ...partition, leader: TWO, leaderEpoch: LeaderEpoch(5), partitionEpoch: 10 };
  const seen = await changed(shrunk, joining, 0, elected);
  expect(seen).toEqual({ isrshrinks: 0, isrexpands: 1, failedisrupdates: 0, refusals: 0 });
});

test('a change of the controller that came first is not counted as one of the leader', async () => {
  const moved = applied(before, [
    { type: 'partition-changed', id: TOPIC_ID, partition: { ...partition, leader: TWO, partitionEpoch: 8 } },
  ]);
  const seen = await changed(moved, proposal);
  expect(seen).toEqual({ isrshrinks: 0, isrexpands: 0, failedisrupdates: 0, refusals: 0 });
});

test('a change that the metadata no longer allows is counted as failed', async () => {
  const seen = await changed(before, { ...proposal, leaderEpoch: LeaderEpoch(3) });
  expect(seen).toEqual({ isrshrinks: 0, isrexpands: 0, failedisrupdates: 1, refusals: 1 });
});

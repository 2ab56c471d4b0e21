// What is in flight in a share partition: acquisitions, acknowledgements, locks, deliveries, and what a restart finds.
import { ErrorCode, type Uuid } from '@milepost/core';
import { ManualClock, settled } from '../../../core/src/testing/manual-clock.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { GroupTable } from '../group/memory-group-store.ts';
import type { Acknowledgement } from './in-flight.ts';
import { MemoryShareStateStore } from './memory-share-state-store.ts';
import { SharePartition, type ShareSettings } from './share-partition.ts';

const TOPIC = '0f8fad5b-d9cb-469f-a165-70867728950e' as Uuid;
const KEY = { groupId: 'g', topicId: TOPIC, partition: 0 };
const LOCK_MS = 30_000;
const { NONE, INVALID_RECORD_STATE, INVALID_REQUEST, NOT_LEADER_OR_FOLLOWER, COORDINATOR_NOT_AVAILABLE } = ErrorCode;

let clock: ManualClock;
let table: GroupTable;
let store: MemoryShareStateStore;
let settings: ShareSettings;
let fenced: number;
let share: SharePartition;

beforeEach(async () => {
  clock = new ManualClock();
  table = new GroupTable();
  store = new MemoryShareStateStore(table);
  settings = { lockDurationMs: LOCK_MS, maxDeliveries: 5, maxInFlight: 200, mayRenew: true };
  fenced = 0;
  table.apply(0, { type: 'share-partition-initialized', ...KEY, startOffset: 0, resets: false });
  share = await lead(1);
});

/** As a leader of that epoch loads it. */
async function lead(leaderEpoch: number): Promise<SharePartition> {
  const stored = await new MemoryShareStateStore(table).acquire(KEY, leaderEpoch);
  if (!stored) throw new Error('there is no state');
  const onFenced = () => void (fenced += 1);
  return new SharePartition({ key: KEY, clock, store, settings: () => settings, onFenced }, stored);
}

/** Batches of ten records: 0 to 9, 10 to 19, … from the one that contains the next offset to fetch. */
function fetch(
  memberId: string,
  maxRecords = 10,
  options: { upTo?: number; isStrict?: boolean; of?: SharePartition } = {},
) {
  const { upTo = 1_000, isStrict = false, of = share } = options;
  const from = of.nextFetchOffset;
  const batches = [];
  for (let first = from - (from % 10); first < upTo; first += 10) batches.push({ first, last: first + 9 });
  const acquired = of.acquire({ memberId, from, batches, maxRecords, batchSize: 10, isStrict });
  return acquired.map(({ first, last, deliveryCount }) => [first, last, deliveryCount]);
}

const say = (memberId: string, first: number, last: number, type: Acknowledgement, of = share) =>
  of.acknowledge(memberId, [{ first, last, types: [type] }]).then(({ error }) => error);

test('records are acquired once, and the next member gets the next ones', () => {
  expect(fetch('a')).toEqual([[0, 9, 1]]);
  expect(fetch('b')).toEqual([[10, 19, 1]]);
});

test('ranges end where batches do, unless the limit of records is strict', () => {
  expect(fetch('a', 15)).toEqual([
    [0, 9, 1],
    [10, 19, 1],
  ]);
  expect(fetch('a', 15, { isStrict: true })).toEqual([[20, 34, 1]]);
  expect(fetch('a', 3, { isStrict: true })).toEqual([[35, 37, 1]]);
});

test('accepted records are never delivered again, also to the next leader', async () => {
  fetch('a');
  expect(await say('a', 0, 9, 'accept')).toBe(NONE);
  expect(share.nextFetchOffset).toBe(10);
  const next = await lead(2);
  expect(fetch('b', 10, { of: next })).toEqual([[10, 19, 1]]);
});

test('released records are delivered again, with a higher count, also after a restart', async () => {
  fetch('a');
  expect(await say('a', 0, 9, 'release')).toBe(NONE);
  const next = await lead(2);
  expect(fetch('b', 10, { of: next })).toEqual([[0, 9, 2]]);
});

test('a delivery whose end was never stored does not count after a restart', async () => {
  fetch('a');
  expect(await say('a', 0, 4, 'release')).toBe(NONE);
  const next = await lead(2);
  expect(fetch('b', 10, { of: next })).toEqual([
    [0, 4, 2],
    [5, 9, 1],
  ]);
});

test('rejected records and gaps are done', async () => {
  fetch('a');
  const types = ['accept', 'reject', 'gap', 'release', 'accept'] as const;
  const { error } = await share.acknowledge('a', [{ first: 0, last: 4, types }]);
  expect(error).toBe(NONE);
  expect(fetch('b', 1)).toEqual([[3, 3, 2]]);
  const [summary] = await store.summaries('g');
  expect(summary).toMatchObject({ startOffset: 3, doneCount: 1, leaderEpoch: 1 });
});

test('a lock expires after its time, and the record is available to others', async () => {
  fetch('a');
  await clock.advance(LOCK_MS - 1);
  expect(fetch('b', 1, { upTo: 10 })).toEqual([]);
  let looked = 0;
  share.watch(() => void (looked += 1));
  await clock.advance(1);
  expect(looked).toBeGreaterThan(0);
  expect(fetch('b', 10, { upTo: 10 })).toEqual([[0, 9, 2]]);
  expect(await say('a', 0, 9, 'accept')).toBe(INVALID_RECORD_STATE);
});

test('a renewal keeps the lock for as long again, if the group allows it', async () => {
  fetch('a');
  await clock.advance(LOCK_MS - 1);
  expect(await say('a', 0, 4, 'renew')).toBe(NONE);
  await clock.advance(1);
  expect(fetch('b', 10, { upTo: 10 })).toEqual([[5, 9, 2]]);
  expect(await say('a', 0, 4, 'accept')).toBe(NONE);
  settings = { ...settings, mayRenew: false };
  expect(await say('b', 5, 9, 'renew')).toBe(INVALID_RECORD_STATE);
});

test('a record is archived after the most deliveries that are allowed', async () => {
  settings = { ...settings, maxDeliveries: 2 };
  fetch('a', 10, { upTo: 10 });
  await clock.advance(LOCK_MS);
  expect(fetch('a', 10, { upTo: 10 })).toEqual([[0, 9, 2]]);
  expect(await say('a', 0, 8, 'release')).toBe(NONE);
  await clock.advance(LOCK_MS);
  expect(share.nextFetchOffset).toBe(10);
  expect((await lead(2)).nextFetchOffset).toBe(10);
});

test('records that failed often are delivered in ever smaller portions, and alone at last', async () => {
  const portions: unknown[] = [];
  for (let delivery = 1; delivery <= 5; delivery++) {
    portions.push(fetch('a', 10, { upTo: 10 }));
    await clock.advance(LOCK_MS);
  }
  expect(portions).toEqual([[[0, 9, 1]], [[0, 9, 2]], [[0, 9, 3]], [[0, 4, 4]], [[0, 0, 5]]]);
});

test('what was never acquired cannot be acknowledged, nor what another member holds, nor twice', async () => {
  expect(await say('a', 0, 9, 'accept')).toBe(INVALID_RECORD_STATE);
  fetch('a');
  expect(await say('a', 0, 10, 'accept')).toBe(INVALID_REQUEST);
  expect(await say('b', 0, 9, 'accept')).toBe(INVALID_RECORD_STATE);
  expect(await say('a', 5, 9, 'accept')).toBe(NONE);
  expect(await say('a', 5, 9, 'accept')).toBe(INVALID_RECORD_STATE);
});

test('a request with one bad batch changes nothing', async () => {
  fetch('a');
  const ranges = [
    { first: 0, last: 4, types: ['accept'] as const },
    { first: 5, last: 20, types: ['accept'] as const },
  ];
  expect((await share.acknowledge('a', ranges)).error).toBe(INVALID_REQUEST);
  expect(await say('a', 0, 9, 'accept')).toBe(NONE);
});

test('while an acknowledgement is being stored nobody else gets the record', async () => {
  fetch('a');
  const go = Promise.withResolvers<void>();
  store.pace = () => go.promise;
  const accepted = say('a', 0, 9, 'release');
  expect(fetch('b', 10, { upTo: 10 })).toEqual([]);
  expect(await say('a', 0, 9, 'accept')).toBe(INVALID_RECORD_STATE);
  go.resolve();
  expect(await accepted).toBe(NONE);
  expect(fetch('b', 10, { upTo: 10 })).toEqual([[0, 9, 2]]);
});

test('acknowledgements that come while one is being stored share the next write', async () => {
  fetch('a', 100);
  let writes = 0;
  const go = Promise.withResolvers<void>();
  store.pace = () => {
    writes += 1;
    return go.promise;
  };
  const all = Array.from({ length: 10 }, (_, n) => say('a', n * 10, n * 10 + 9, 'accept'));
  go.resolve();
  expect(new Set(await Promise.all(all))).toEqual(new Set([NONE]));
  expect(writes).toBe(2);
});

test('an acknowledgement that could not be stored leaves the record with its member, until its lock expires', async () => {
  fetch('a');
  store.health = 'away';
  expect(await say('a', 0, 9, 'accept')).toBe(COORDINATOR_NOT_AVAILABLE);
  store.health = 'well';
  expect(await say('a', 0, 4, 'accept')).toBe(NONE);
  await clock.advance(LOCK_MS);
  expect(fetch('b', 10, { upTo: 10 })).toEqual([[5, 9, 2]]);
});

test('a lock that expires while its acknowledgement is being stored in vain makes the record available', async () => {
  fetch('a');
  const go = Promise.withResolvers<void>();
  store.pace = () => go.promise;
  const accepted = say('a', 0, 9, 'accept');
  await clock.advance(LOCK_MS);
  store.health = 'away';
  go.resolve();
  expect(await accepted).toBe(COORDINATOR_NOT_AVAILABLE);
  expect(fetch('b', 10, { upTo: 10 })).toEqual([[0, 9, 2]]);
});

test('a later leader fences the state: nothing is acquired or acknowledged here any more', async () => {
  fetch('a');
  await lead(2);
  expect(await say('a', 0, 9, 'accept')).toBe(NOT_LEADER_OR_FOLLOWER);
  expect(fenced).toBe(1);
  expect(share.mayAcquire).toBe(false);
  expect(fetch('a')).toEqual([]);
  await expect(new MemoryShareStateStore(table).acquire(KEY, 1)).rejects.toThrow('leader epoch 2');
});

test('a reset by an administrator fences what was in flight', async () => {
  fetch('a');
  table.apply(0, { type: 'share-partition-initialized', ...KEY, startOffset: 500, resets: true });
  expect(await say('a', 0, 9, 'accept')).toBe(NOT_LEADER_OR_FOLLOWER);
  expect((await lead(1)).nextFetchOffset).toBe(500);
});

test('a group holds at most its limit of records, and what is released is delivered nevertheless', async () => {
  settings = { ...settings, maxInFlight: 20 };
  fetch('a');
  expect(share.mayAcquire).toBe(true);
  fetch('a', 100);
  expect(share.mayAcquire).toBe(false);
  expect(fetch('b', 100)).toEqual([]);
  expect(await say('a', 5, 9, 'release')).toBe(NONE);
  expect(share.mayAcquire).toBe(true);
  expect(fetch('b', 100)).toEqual([[5, 9, 2]]);
});

test('all that a member holds is released when its session ends', async () => {
  fetch('a');
  fetch('b');
  await share.release('a');
  expect(fetch('c', 100, { upTo: 20 })).toEqual([[0, 9, 2]]);
  expect(await say('b', 10, 19, 'accept')).toBe(NONE);
});

test('records below the start of the log are forgotten, and acknowledging them succeeds', async () => {
  fetch('a', 30);
  share.advanceTo(15);
  expect(await say('a', 0, 19, 'accept')).toBe(NONE);
  expect((await store.summaries('g'))[0]?.startOffset).toBe(20);
});

test('offsets that a compacted log does not have are done', async () => {
  const batches = [{ first: 7, last: 9 }];
  const acquired = share.acquire({ memberId: 'a', from: 0, batches, maxRecords: 10, batchSize: 10, isStrict: false });
  expect(acquired).toEqual([{ first: 7, last: 9, deliveryCount: 1 }]);
  expect(await say('a', 7, 9, 'accept')).toBe(NONE);
  expect((await store.summaries('g'))[0]).toMatchObject({ startOffset: 10, doneCount: 0 });
});

/** A model of single records under random members, through restarts, with a store that fails now and then. */
test.each(Array.from({ length: 40 }, (_, seed) => seed))(
  'random walk %i: no accepted record comes back',
  async (seed) => {
    const random = new SeededRandom(seed);
    const below = (limit: number): number => random.below(limit);
    settings = { ...settings, maxDeliveries: 3, maxInFlight: 60 };
    const held = new Map<number, string>();
    const done = new Set<number>();
    let epoch = 1;
    for (let step = 0; step < 300; step++) {
      const member = `m${below(3)}`;
      store.health = below(8) === 0 ? (below(2) === 0 ? 'away' : 'forgetful') : 'well';
      const action = below(10);
      if (action < 4) {
        for (const [first = 0, last = -1] of fetch(member, 1 + below(25), { isStrict: below(2) === 0 }))
          for (let offset = first; offset <= last; offset++) {
            expect(done.has(offset)).toBe(false);
            expect(held.has(offset)).toBe(false);
            held.set(offset, member);
          }
      } else if (action < 8) {
        const mine = [...held].filter(([, by]) => by === member).map(([offset]) => offset);
        const first = mine[below(Math.max(1, mine.length))];
        if (first === undefined) continue;
        let last = first;
        while (held.get(last + 1) === member && below(4) > 0) last += 1;
        const type = (['accept', 'release', 'reject'] as const)[below(3)] ?? 'accept';
        const error = await say(member, first, last, type);
        if (error !== NONE) continue; // held as before
        for (let offset = first; offset <= last; offset++) {
          held.delete(offset);
          if (type !== 'release') done.add(offset);
        }
      } else if (action === 8) {
        await clock.advance(LOCK_MS + 1);
        held.clear();
      } else {
        await share.close();
        share = await lead(++epoch);
        held.clear();
      }
      await settled();
    }
    expect(done.size).toBeGreaterThan(0);
  },
);

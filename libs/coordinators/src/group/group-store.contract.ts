// What every GroupStore promises; run by the memory store and by PostgreSQL's.
import { LeaderEpoch, Offset, Timestamp, Uuid, ZERO_UUID } from '@milepost/core';
import type { GroupEvent, GroupStore, StoredGroup, StoredOffset } from './model/store.ts';
import { shardStoreContract } from '../runtime/shard-store.contract.ts';
import { type ShardEpoch, ShardFenced } from '../runtime/shard-store.ts';

export interface GroupStoreUnderTest {
  /** A store of its own on the same data, as another process would open it. */
  connect(): Promise<GroupStore>;
  /** The returned function sets the epochs of the shards back to what they are now. */
  backup(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** `make` gives an empty database. */
export function groupStoreContract(name: string, make: () => Promise<GroupStoreUnderTest>): void {
  describe(name, () => {
    let data: GroupStoreUnderTest;
    beforeEach(async () => {
      data = await make();
    });
    afterEach(() => data.close());

    /** Persists under fresh epochs, in one call, and reads back as the next process would. */
    async function afterRestart(...calls: (readonly GroupEvent[])[]) {
      const store = await data.connect();
      const epoch = (await store.acquire([7])).epochs.get(7) as ShardEpoch;
      for (const events of calls) await store.persist(7, epoch, events);
      return (await data.connect()).acquire([7]);
    }

    test('a new database holds nothing and gives every shard an epoch', async () => {
      const taken = await (await data.connect()).acquire([0, 7, 49]);
      expect([...taken.epochs.keys()].toSorted((a, b) => a - b)).toEqual([0, 7, 49]);
      expect(taken.groups).toEqual([]);
      expect(taken.offsets).toEqual([]);
    });

    shardStoreContract({ connect: () => data.connect(), backup: () => data.backup() });

    test('groups and offsets come back as they were', async () => {
      const kept = group('g\u0000\u{1f69a}', {
        members: [{ id: 'a', bytes: 'AAEC/w==' }],
        client: 'a\u0000b',
        nothing: null,
        many: [1.5],
      });
      const offsets = [
        offset({ groupId: kept.groupId, metadata: `\u0000ü\u{1f69a}${'x'.repeat(4_000)}` }),
        offset({ partition: 1, offset: Offset(Number.MAX_SAFE_INTEGER), expiresAt: Timestamp(1_900_000_000_000) }),
        offset({ partition: 2, leaderEpoch: LeaderEpoch(-1), topicId: ZERO_UUID }),
      ];
      const taken = await afterRestart([stored(kept), ...offsets.map(committed)]);
      expect(taken.groups).toEqual([kept]);
      expect(byPartition(taken.offsets)).toEqual(offsets);
    });

    test('the last state of a group and of an offset counts, also within one call', async () => {
      const taken = await afterRestart(
        [stored(group('g', { n: 1 })), committed(offset({ offset: Offset(5) }))],
        [committed(offset({ offset: Offset(9) })), committed(offset({ offset: Offset(3) })), stored(group('g', 2))],
        [stored(group('g', { n: 3 }, 8))],
      );
      expect(taken.groups).toEqual([group('g', { n: 3 }, 8)]);
      expect(taken.offsets).toEqual([offset({ offset: Offset(3) })]);
    });

    test('events happen in their order', async () => {
      const taken = await afterRestart([
        stored(group('g', 1)),
        committed(offset({ offset: Offset(5) })),
        { type: 'group-deleted', groupId: 'g' },
        committed(offset({ partition: 4 })),
        committed(offset({ partition: 3 })),
        { type: 'offset-deleted', groupId: 'g', topic: 't', partition: 3 },
      ]);
      expect(taken.groups).toEqual([]);
      expect(taken.offsets).toEqual([offset({ partition: 4 })]);
    });

    test('a deleted group takes its own offsets along and no others', async () => {
      const taken = await afterRestart(
        [stored(group('g', 1)), stored(group('h', 2)), committed(offset({})), committed(offset({ groupId: 'h' }))],
        [
          { type: 'group-deleted', groupId: 'g' },
          { type: 'group-deleted', groupId: 'never seen' },
          { type: 'offset-deleted', groupId: 'h', topic: 't', partition: 77 },
        ],
      );
      expect(taken.groups).toEqual([group('h', 2)]);
      expect(taken.offsets).toEqual([offset({ groupId: 'h' })]);
    });

    test('a call without a group that was ever stored keeps the offsets of that group', async () => {
      const taken = await afterRestart([committed(offset({ groupId: 'simple' }))]);
      expect(taken.offsets).toEqual([offset({ groupId: 'simple' })]);
    });

    test('pending offsets come back, until their producer or their partition is done with', async () => {
      const taken = await afterRestart(
        [
          pending(2n ** 62n, offset({ metadata: '\u0000ü' })),
          pending(2n ** 62n, offset({ partition: 1 })),
          pending(7n, offset({})),
          pending(7n, offset({ partition: 2, offset: Offset(5) })),
          pending(7n, offset({ partition: 2, offset: Offset(6) })),
          pending(7n, offset({ groupId: 'h' })),
          pending(8n, offset({ groupId: 'gone' })),
        ],
        [
          { type: 'pending-offsets-ended', groupId: 'g', producerId: 2n ** 62n },
          { type: 'offset-deleted', groupId: 'g', topic: 't', partition: 0 },
          { type: 'group-deleted', groupId: 'gone' },
          pending(2n ** 62n, offset({ partition: 9 }), 3),
        ],
      );
      expect(taken.pending.toSorted((a, b) => a.offset.partition - b.offset.partition)).toEqual([
        { producerId: 7n, producerEpoch: 1, offset: offset({ groupId: 'h' }) },
        { producerId: 7n, producerEpoch: 1, offset: offset({ partition: 2, offset: Offset(6) }) },
        { producerId: 2n ** 62n, producerEpoch: 3, offset: offset({ partition: 9 }) },
      ]);
      expect(taken.offsets).toEqual([]);
    });

    test('an offset that is pending and ended within one call leaves nothing', async () => {
      const taken = await afterRestart([
        pending(7n, offset({})),
        { type: 'pending-offsets-ended', groupId: 'g', producerId: 7n },
        committed(offset({})),
      ]);
      expect(taken.pending).toEqual([]);
      expect(taken.offsets).toEqual([offset({})]);
    });

    test('an acquired shard refuses all writes of its former owner', async () => {
      const former = await data.connect();
      const old = (await former.acquire([7, 8])).epochs;
      const next = await data.connect();
      const fresh = (await next.acquire([7])).epochs;
      expect(fresh.get(7)?.number).toBeGreaterThan(old.get(7)?.number ?? 0);
      await expect(former.persist(7, old.get(7) as ShardEpoch, [committed(offset({}))])).rejects.toThrow(ShardFenced);
      await next.persist(7, fresh.get(7) as ShardEpoch, [committed(offset({ offset: Offset(2) }))]);
      await former.persist(8, old.get(8) as ShardEpoch, [committed(offset({ groupId: 'of shard 8' }))]);
      const taken = await (await data.connect()).acquire([7]);
      expect(taken.offsets).toEqual([offset({ offset: Offset(2) })]);
    });

    test('many concurrent calls all land, and a refused one does not fail the others', async () => {
      const store = await data.connect();
      const epochs = (await store.acquire([1, 2])).epochs;
      const [first, second] = [epochs.get(1) as ShardEpoch, epochs.get(2) as ShardEpoch];
      const calls = Array.from({ length: 300 }, (_, at) =>
        store.persist(1 + (at % 2), at % 2 ? second : first, [committed(offset({ groupId: `g${at}` }))]),
      );
      const refused = store.persist(1, { ...first, number: first.number - 1 }, [
        committed(offset({ groupId: 'refused' })),
      ]);
      await expect(refused).rejects.toThrow(ShardFenced);
      await Promise.all(calls);
      const { offsets } = await store.acquire([1, 2]);
      expect(new Set(offsets.map((each) => each.groupId))).toEqual(
        new Set(Array.from({ length: 300 }, (_, at) => `g${at}`)),
      );
    });
  });
}

const group = (groupId: string, state: unknown, generation = 1): StoredGroup => ({
  groupId,
  kind: 'classic',
  generation,
  state,
});

const offset = (some: Partial<StoredOffset>): StoredOffset => ({
  groupId: 'g',
  topic: 't',
  topicId: Uuid('01234567-89ab-cdef-0123-456789abcdef'),
  partition: 0,
  offset: Offset(1),
  leaderEpoch: LeaderEpoch(3),
  metadata: '',
  committedAt: Timestamp(1_800_000_000_000),
  expiresAt: null,
  ...some,
});

const stored = (each: StoredGroup): GroupEvent => ({ type: 'group-stored', group: each });
const committed = (each: StoredOffset): GroupEvent => ({ type: 'offset-committed', offset: each });
const pending = (producerId: bigint, each: StoredOffset, producerEpoch = 1): GroupEvent => ({
  type: 'offset-pending',
  pending: { producerId, producerEpoch, offset: each },
});
const byPartition = (offsets: readonly StoredOffset[]) => offsets.toSorted((a, b) => a.partition - b.partition);

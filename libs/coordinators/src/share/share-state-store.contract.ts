// What every store of share partitions must do. The rows are created by the group store over the same tables.
import type { Uuid } from '@milepost/core';
import type { GroupEvent, GroupStore } from '../group/model/store.ts';
import type { ShareStateStore } from './share-state-store.ts';

export interface ShareStoresUnderTest {
  readonly groups: GroupStore;
  readonly shares: ShareStateStore;
  close(): Promise<void>;
}

const TOPIC = '0f8fad5b-d9cb-469f-a165-70867728950e' as Uuid;
const OTHER = '6d9f2a8e-51c4-4f0e-9a53-6c1f4f5a7b10' as Uuid;
/** A group id may hold any character. */
const GROUP = 'trücks\0\\';

export function shareStateStoreContract(name: string, open: () => Promise<ShareStoresUnderTest>): void {
  describe(`${name}: the contract of a store of share partitions`, () => {
    let stores: ShareStoresUnderTest;
    beforeEach(async () => {
      stores = await open();
    });
    afterEach(() => stores.close());

    const key = { groupId: GROUP, topicId: TOPIC, partition: 0 };
    const initialized = (startOffset: number, resets = false, more: object = {}): GroupEvent => ({
      type: 'share-partition-initialized',
      ...key,
      ...more,
      startOffset,
      resets,
    });
    const write = async (...events: GroupEvent[]): Promise<void> => {
      const { epochs } = await stores.groups.acquire([0]);
      const epoch = epochs.get(0);
      if (!epoch) throw new Error('the shard was not acquired');
      await stores.groups.persist(0, epoch, events);
    };

    test('a leader reads what the last one has written', async () => {
      await write(initialized(-1));
      const first = await stores.shares.acquire(key, 3);
      expect(first).toEqual({ epochs: { state: 0, leader: 3 }, startOffset: -1, runs: [] });
      const content = { startOffset: 2 ** 33, runs: [[2 ** 33, 2 ** 33 + 4, 2, 1] as const] };
      await stores.shares.persist(key, { state: 0, leader: 3 }, content, 5);
      expect(await stores.shares.acquire(key, 3)).toEqual({ epochs: { state: 0, leader: 3 }, ...content });
      expect(await stores.shares.summaries(GROUP)).toEqual([
        { topicId: TOPIC, partition: 0, startOffset: 2 ** 33, leaderEpoch: 3, doneCount: 5 },
      ]);
    });

    test('there is no state of a partition that the group has not subscribed to', async () => {
      expect(await stores.shares.acquire(key, 1)).toBeUndefined();
      expect(await stores.shares.summaries(GROUP)).toEqual([]);
      const written = stores.shares.persist(key, { state: 0, leader: 1 }, { startOffset: 0, runs: [] }, 0);
      await expect(written).rejects.toMatchObject({ name: 'ShareStateFenced' });
    });

    test('a later leader fences an earlier one', async () => {
      await write(initialized(-1));
      await stores.shares.acquire(key, 1);
      await stores.shares.acquire(key, 2);
      await expect(stores.shares.acquire(key, 1)).rejects.toMatchObject({ name: 'ShareStateFenced' });
      const persist = (leader: number) =>
        stores.shares.persist(key, { state: 0, leader }, { startOffset: leader, runs: [] }, 0);
      await expect(persist(1)).rejects.toMatchObject({ name: 'ShareStateFenced' });
      await persist(2);
      expect((await stores.shares.acquire(key, 2))?.startOffset).toBe(2);
    });

    test('a row that is there stays, unless it is reset: that fences what was in flight', async () => {
      await write(initialized(-1));
      await stores.shares.acquire(key, 1);
      await stores.shares.persist(key, { state: 0, leader: 1 }, { startOffset: 7, runs: [[7, 8, 0, 1]] }, 0);
      await write(initialized(-1), initialized(-1, false, { partition: 1 }));
      expect((await stores.shares.acquire(key, 1))?.startOffset).toBe(7);
      await write(initialized(100, true));
      const late = stores.shares.persist(key, { state: 0, leader: 1 }, { startOffset: 8, runs: [] }, 0);
      await expect(late).rejects.toMatchObject({ name: 'ShareStateFenced' });
      expect(await stores.shares.acquire(key, 1)).toEqual({
        epochs: { state: 1, leader: 1 },
        startOffset: 100,
        runs: [],
      });
    });

    test('a fenced write does not harm the others of its moment', async () => {
      await write(initialized(-1), initialized(-1, false, { partition: 1 }));
      const other = { ...key, partition: 1 };
      await stores.shares.acquire(key, 5);
      await stores.shares.acquire(other, 1);
      const [late, fine] = await Promise.allSettled([
        stores.shares.persist(key, { state: 0, leader: 4 }, { startOffset: 1, runs: [] }, 0),
        stores.shares.persist(other, { state: 0, leader: 1 }, { startOffset: 1, runs: [] }, 0),
      ]);
      expect([late.status, fine.status]).toEqual(['rejected', 'fulfilled']);
    });

    test('a group forgets a topic, or all of them', async () => {
      const rows = [
        initialized(-1),
        initialized(-1, false, { topicId: OTHER }),
        initialized(-1, false, { groupId: 'h' }),
      ];
      await write(...rows);
      await write({ type: 'share-topic-forgotten', groupId: GROUP, topicId: TOPIC });
      expect((await stores.shares.summaries(GROUP)).map(({ topicId }) => topicId)).toEqual([OTHER]);
      await write({ type: 'share-topic-forgotten', groupId: GROUP, topicId: null }, initialized(3));
      expect(await stores.shares.summaries(GROUP)).toMatchObject([{ topicId: TOPIC, startOffset: 3 }]);
      expect(await stores.shares.summaries('h')).toHaveLength(1);
    });
  });
}

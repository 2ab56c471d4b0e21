// What the store of every coordinator promises of its shards: part of the contracts of groups' and of transactions' stores.
import { Uuid } from '@milepost/core';
import type { Leadership } from './shard-store.ts';

/** A coordinator's store, without what its shards hold. */
export interface ShardsUnderTest {
  shards(): Promise<number>;
  acquire(
    shards: readonly number[],
    leadership?: Leadership,
  ): Promise<{ readonly epochs: ReadonlyMap<number, number> }>;
  persist(shard: number, epoch: number, events: readonly never[]): Promise<void>;
}

/** `connect` opens a store on the data of the current test, as another process would. */
export function shardStoreContract(connect: () => Promise<ShardsUnderTest>): void {
  test('a shard that a later leader of its partition has acquired is refused, and nothing of it is read', async () => {
    const [one, other] = [await connect(), await connect()];
    const by = (topicId: Uuid, leaderEpoch: number) => ({
      topicId,
      leaderEpochs: new Map([1, 2].map((shard) => [shard, leaderEpoch])),
      shards: 5,
    });
    const later = await one.acquire([1], by(TOPIC, 4));
    expect([...later.epochs.keys()]).toEqual([1]);
    const refused = await other.acquire([1, 2], by(TOPIC, 3));
    expect([...refused.epochs.keys()]).toEqual([2]);
    await one.persist(1, later.epochs.get(1) as number, []);
    const again = await one.acquire([1], by(TOPIC, 4)); // the same leader, after a restart
    expect(again.epochs.get(1)).toBeGreaterThan(later.epochs.get(1) as number);
    const recreated = await other.acquire([1], by(ANOTHER_TOPIC, 0));
    expect(recreated.epochs.get(1)).toBeGreaterThan(again.epochs.get(1) as number);
  });

  test('the number of shards is known from the first acquisition by a leader, whichever shards that has', async () => {
    const store = await connect();
    await store.acquire([3], { topicId: TOPIC, leaderEpochs: new Map([[3, 0]]), shards: 10 });
    expect(await store.shards()).toBe(10);
  });

  test('the number of shards is that of the first time', async () => {
    const store = await connect();
    expect(await store.shards()).toBe(0);
    await store.acquire([2, 0, 1]);
    expect(await store.shards()).toBe(3);
    await (await connect()).acquire([1]);
    expect(await store.shards()).toBe(3);
  });
}

const TOPIC = Uuid('00000000-0000-4000-8000-000000000001');
const ANOTHER_TOPIC = Uuid('00000000-0000-4000-8000-000000000002');

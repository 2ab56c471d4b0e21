// What the store of every coordinator promises of its shards: part of the contracts of groups' and of transactions' stores.
import { Uuid } from '@milepost/core';
import { type Leadership, type ShardEpoch, ShardFenced } from './shard-store.ts';

/** A coordinator's store, without what its shards hold. */
export interface ShardsUnderTest {
  shards(): Promise<number>;
  acquire(
    shards: readonly number[],
    leadership?: Leadership,
  ): Promise<{ readonly epochs: ReadonlyMap<number, ShardEpoch> }>;
  persist(shard: number, epoch: ShardEpoch, events: readonly never[]): Promise<void>;
}

export interface ShardsData {
  /** Opens a store on the data of the current test, as another process would. */
  readonly connect: () => Promise<ShardsUnderTest>;
  /** The returned function sets the epochs of the shards back to what they are now. */
  readonly backup: () => Promise<() => Promise<void>>;
}

export function shardStoreContract({ connect, backup }: ShardsData): void {
  test('a shard that a later leader of its partition has acquired is refused, and nothing of it is read', async () => {
    const [one, other] = [await connect(), await connect()];
    const later = await one.acquire([1], by(TOPIC, 4));
    expect([...later.epochs.keys()]).toEqual([1]);
    const refused = await other.acquire([1, 2], by(TOPIC, 3));
    expect([...refused.epochs.keys()]).toEqual([2]);
    await one.persist(1, epochIn(later), []);
    const again = await one.acquire([1], by(TOPIC, 4)); // the same leader, after a restart
    expect(epochIn(again).number).toBeGreaterThan(epochIn(later).number);
    const recreated = await other.acquire([1], by(ANOTHER_TOPIC, 0));
    expect(epochIn(recreated).number).toBeGreaterThan(epochIn(again).number);
  });

  test('a leader is refused whose acquisition the database forgot, though the next one has the same number', async () => {
    const [one, other] = [await connect(), await connect()];
    await one.acquire([1], by(TOPIC, 4));
    const restore = await backup();
    const forgotten = epochIn(await one.acquire([1], by(TOPIC, 5)));
    await restore();
    const current = epochIn(await other.acquire([1], by(TOPIC, 6)));
    expect(current.number).toBe(forgotten.number);
    await expect(one.persist(1, forgotten, [])).rejects.toThrow(ShardFenced);
    await other.persist(1, current, []);
  });

  test('a leader is refused whose topic was recreated, and then forgotten with its acquisition', async () => {
    const [one, other] = [await connect(), await connect()];
    await one.acquire([1], by(TOPIC, 0));
    const restore = await backup();
    const forgotten = epochIn(await one.acquire([1], by(ANOTHER_TOPIC, 0)));
    await restore();
    const current = epochIn(await other.acquire([1], by(TOPIC, 0)));
    expect(current.number).toBe(forgotten.number);
    await expect(one.persist(1, forgotten, [])).rejects.toThrow(ShardFenced);
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

const by = (topicId: Uuid, leaderEpoch: number): Leadership => ({
  topicId,
  leaderEpochs: new Map([1, 2].map((shard) => [shard, leaderEpoch])),
  shards: 5,
});

const epochIn = ({ epochs }: { readonly epochs: ReadonlyMap<number, ShardEpoch> }): ShardEpoch =>
  epochs.get(1) as ShardEpoch;

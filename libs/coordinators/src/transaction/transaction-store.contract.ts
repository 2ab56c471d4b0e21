// What every TransactionStore promises; run by the memory store and by PostgreSQL's.
import { Timestamp } from '@milepost/core';
import { shardStoreContract } from '../runtime/shard-store.contract.ts';
import { type ShardEpoch, ShardFenced } from '../runtime/shard-store.ts';
import type { TransactionEvent, TransactionStore } from './model/store.ts';
import type { Transaction } from './model/transaction.ts';

export interface TransactionStoreUnderTest {
  /** A store of its own on the same data, as another process would open it. */
  connect(): Promise<TransactionStore>;
  /** The returned function sets the epochs of the shards back to what they are now. */
  backup(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** `make` gives an empty database. */
export function transactionStoreContract(name: string, make: () => Promise<TransactionStoreUnderTest>): void {
  describe(name, () => {
    let data: TransactionStoreUnderTest;
    beforeEach(async () => {
      data = await make();
    });
    afterEach(() => data.close());

    /** Persists under fresh epochs, in one call each, and reads back as the next process would. */
    async function afterRestart(...calls: (readonly TransactionEvent[])[]) {
      const store = await data.connect();
      const epoch = (await store.acquire([7])).epochs.get(7) as ShardEpoch;
      for (const events of calls) await store.persist(7, epoch, events);
      return (await data.connect()).acquire([7]);
    }

    test('a new database holds nothing and gives every shard an epoch', async () => {
      const taken = await (await data.connect()).acquire([0, 7, 49]);
      expect([...taken.epochs.keys()].toSorted((a, b) => a - b)).toEqual([0, 7, 49]);
      expect(taken.transactions).toEqual([]);
    });

    shardStoreContract({ connect: () => data.connect(), backup: () => data.backup() });

    test('transactions come back as they were', async () => {
      const kept = [
        transaction('a\u0000\\b\u{1f69a}', {
          producerId: 2n ** 62n,
          previousProducerId: 5n,
          nextProducerId: 2n ** 62n + 1n,
          producerEpoch: 32_767,
          lastProducerEpoch: 32_766,
          state: 'PrepareAbort',
          partitions: [
            { topic: 't', partition: 0 },
            { topic: 'ü-1', partition: 12 },
          ],
          startedAt: Timestamp(1_800_000_000_000),
          clientVersion: 2,
        }),
        transaction('empty'),
      ];
      const { transactions } = await afterRestart(kept.map(stored));
      expect(byId(transactions)).toEqual(kept);
    });

    test('the last state counts, within one call and over several', async () => {
      const { transactions } = await afterRestart(
        [stored(transaction('x')), stored(transaction('x', { producerEpoch: 1 })), stored(transaction('y'))],
        [{ type: 'transaction-forgotten', transactionalId: 'y' }, stored(transaction('x', { producerEpoch: 2 }))],
      );
      expect(transactions).toEqual([transaction('x', { producerEpoch: 2 })]);
    });

    test('what is forgotten and stored again within one call is there', async () => {
      const gone: TransactionEvent = { type: 'transaction-forgotten', transactionalId: 'x' };
      const again = transaction('x', { producerId: 9n });
      const { transactions } = await afterRestart(
        [stored(transaction('x'))],
        [gone, stored(again)],
        [{ type: 'transaction-forgotten', transactionalId: 'never seen' }],
      );
      expect(transactions).toEqual([again]);
    });

    test('an acquired shard refuses all writes of its former owner', async () => {
      const former = await data.connect();
      const old = (await former.acquire([7, 8])).epochs;
      const next = await data.connect();
      const fresh = (await next.acquire([7])).epochs;
      expect(fresh.get(7)?.number).toBeGreaterThan(old.get(7)?.number ?? 0);
      const late = former.persist(7, old.get(7) as ShardEpoch, [stored(transaction('x', { producerEpoch: 1 }))]);
      await expect(late).rejects.toThrow(ShardFenced);
      await next.persist(7, fresh.get(7) as ShardEpoch, [stored(transaction('x', { producerEpoch: 2 }))]);
      await former.persist(8, old.get(8) as ShardEpoch, [stored(transaction('of shard 8'))]);
      const { transactions } = await (await data.connect()).acquire([7]);
      expect(transactions).toEqual([transaction('x', { producerEpoch: 2 })]);
    });

    test('many calls at once all land, and one that is refused takes no other down', async () => {
      const store = await data.connect();
      const { epochs } = await store.acquire([1, 2]);
      const [first, second] = [epochs.get(1) as ShardEpoch, epochs.get(2) as ShardEpoch];
      const ids = Array.from({ length: 300 }, (_, at) => `x${at}`);
      const calls = ids.map((id, at) =>
        store.persist(1 + (at % 2), at % 2 ? second : first, [stored(transaction(id))]),
      );
      const refused = store.persist(1, { ...first, number: first.number - 1 }, [stored(transaction('refused'))]);
      await expect(refused).rejects.toThrow(ShardFenced);
      await Promise.all(calls);
      const { transactions } = await store.acquire([1, 2]);
      expect(new Set(transactions.map(({ transactionalId }) => transactionalId))).toEqual(new Set(ids));
    });
  });
}

const transaction = (transactionalId: string, changes: Partial<Transaction> = {}): Transaction => ({
  transactionalId,
  producerId: 1n,
  previousProducerId: -1n,
  nextProducerId: -1n,
  producerEpoch: 0,
  lastProducerEpoch: -1,
  timeoutMs: 60_000,
  state: 'Empty',
  partitions: [],
  startedAt: Timestamp(-1),
  updatedAt: Timestamp(1_800_000_000_000),
  clientVersion: 0,
  ...changes,
});

const stored = (each: Transaction): TransactionEvent => ({ type: 'transaction-stored', transaction: each });
const byId = (all: readonly Transaction[]) => all.toSorted((a, b) => (a.transactionalId < b.transactionalId ? -1 : 1));

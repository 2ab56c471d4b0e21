import { ErrorCode, silentLogger } from '@milepost/core';
import { OFFSETS_TOPIC } from '@milepost/metadata';
import { T0, T1, type TestProducer, TransactionHarness } from '../../testing/transaction-harness.ts';
import { MemoryTransactionStore, TransactionTable } from '../memory-transaction-store.ts';
import type { TransactionVersion } from '../model/transaction.ts';
import { RestoringTransactionStore } from './restoring-transaction-store.ts';

const SHARDS = Array.from({ length: 50 }, (_, shard) => shard);
const VERSIONS = [1, 2] as const;
const OFFSETS_7 = { topic: OFFSETS_TOPIC, partition: 7 };

let h: TransactionHarness;
beforeEach(async () => {
  h = await TransactionHarness.start();
});

function copyOf(table: TransactionTable): TransactionTable {
  const copy = new TransactionTable();
  for (const [shard, epoch] of table.epochs) copy.epochs.set(shard, epoch);
  for (const [id, row] of table.transactions) copy.transactions.set(id, row);
  return copy;
}

/** What is served, and stored, after the table was set back to `table`. */
async function restored(table: TransactionTable, wentBack = true) {
  await h.clock.advance(100);
  const { clock, partitions: echo } = h;
  const store = new MemoryTransactionStore(table);
  const restoring = new RestoringTransactionStore({ clock, logger: silentLogger, store, echo });
  if (wentBack) restoring.databaseWentBack(SHARDS);
  const acquiring = restoring.acquire(SHARDS);
  await h.clock.advance(1_000);
  const { transactions } = await acquiring;
  expect(Array.from(table.transactions.values(), ({ transaction }) => transaction)).toEqual(transactions);
  return transactions.map(({ transactionalId, state, producerEpoch, partitions }) =>
    [transactionalId, state, producerEpoch, ...partitions.map(({ partition }) => partition)].join(' '),
  );
}

async function producing(version: TransactionVersion, ...partitions: (typeof T0)[]): Promise<TestProducer> {
  const producer = h.producer(version);
  await producer.init();
  if (partitions.length > 0) await producer.add(...partitions);
  await h.clock.advance(100);
  return producer;
}

test.each(VERSIONS)('a transaction whose commit was acknowledged is not aborted: version %i', async (version) => {
  const producer = await producing(version, T0);
  const backup = copyOf(h.store.table);
  expect(await producer.commit()).toBe(ErrorCode.NONE);
  await h.clock.advance(100);
  expect(await restored(backup)).toEqual([`x CompleteCommit ${version === 2 ? 1 : 0}`]);
});

test.each(VERSIONS)(
  'a decided transaction is restored with the partitions that lack their markers: version %i',
  async (version) => {
    const producer = await producing(version, T0, T1);
    const backup = copyOf(h.store.table);
    h.outcomeOf = () => ({ later: 'its disk has failed' });
    expect(await producer.commit()).toBe(ErrorCode.NONE);
    expect(await restored(backup)).toEqual([`x PrepareCommit ${version === 2 ? 1 : 0} 0 1`]);
  },
);

test('a coordinator that loads what was restored ends the transaction as it was decided', async () => {
  const producer = await producing(2, T0, T1);
  const backup = copyOf(h.store.table);
  h.outcomeOf = (name) => (name === 't-0' ? 'written' : { later: 'its leader is away' });
  expect(await producer.commit()).toBe(ErrorCode.NONE);
  await restored(backup);
  h.outcomeOf = () => 'written';
  h.store = new MemoryTransactionStore(backup);
  await h.restart();
  expect(h.state()).toMatchObject({ state: 'CompleteCommit', producerEpoch: 1 });
  expect(new Set(h.markers.map(({ partition, isCommit }) => `${partition} ${isCommit}`))).toEqual(
    new Set(['t-0 true', 't-1 true']),
  );
});

test.each(VERSIONS)(
  'offsets that are pending again get the end of their transaction again: version %i',
  async (version) => {
    const producer = await producing(version, T0, OFFSETS_7);
    const backup = copyOf(h.store.table);
    expect(await producer.commit()).toBe(ErrorCode.NONE);
    await h.clock.advance(100);
    expect(await restored(backup)).toEqual([`x PrepareCommit ${version === 2 ? 1 : 0} 7`]);
  },
);

test('offsets that are pending again belong to the next transaction of their producer, if that is open', async () => {
  const producer = await producing(2, T0, OFFSETS_7);
  const backup = copyOf(h.store.table);
  await producer.commit();
  await producer.add(T1);
  expect(await restored(backup)).toEqual(['x Ongoing 1 1 7']);
});

test('a transactional id that the table does not know at all comes back', async () => {
  const backup = copyOf(h.store.table);
  await producing(2, T0);
  expect(await restored(backup)).toEqual(['x Ongoing 0 0']);
});

test('a table that was not found to be older stands, whatever the echo holds', async () => {
  const producer = await producing(2, T0);
  const backup = copyOf(h.store.table);
  await producer.commit();
  expect(await restored(backup, false)).toEqual(['x Ongoing 0 0']);
});

test('what the echo has lost does not give way to an earlier state', async () => {
  const producer = await producing(1, T0);
  h.partitions.isIll = true;
  expect(await producer.commit()).toBe(ErrorCode.NONE);
  await h.clock.advance(100);
  expect(await restored(copyOf(h.store.table))).toEqual(['x CompleteCommit 0']);
});

test('the last state of the echo counts though the clock was set back before it', async () => {
  h.clock.jump(3_600_000);
  const producer = await producing(1, T0);
  const backup = copyOf(h.store.table);
  h.clock.jump(-3_600_000);
  expect(await producer.commit()).toBe(ErrorCode.NONE);
  await h.clock.advance(100);
  expect(await restored(backup)).toEqual(['x CompleteCommit 0']);
});

test('a later producer of the table stands before an echo that knows only the former one', async () => {
  const producer = await producing(2, T0);
  await producer.abort();
  await h.clock.advance(100);
  h.partitions.isIll = true;
  await producing(2);
  expect(await restored(copyOf(h.store.table))).toEqual(['x Empty 2']);
});

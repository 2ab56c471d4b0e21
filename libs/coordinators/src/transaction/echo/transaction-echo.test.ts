import { TransactionRecord } from '@milepost/wire';
import { T0, T1, TransactionHarness } from '../../testing/transaction-harness.ts';
import { readTransaction, transactionRecord } from './transaction-records.ts';

/** The last record of each transactional id, as a consumer of the topic reads it. */
async function echoed(h: TransactionHarness) {
  await h.clock.advance(100);
  return [...h.partitions.compacted()].map(([latin1, value]) => {
    const key = TransactionRecord.readKey(Buffer.from(latin1, 'latin1'));
    return { ...key, ...TransactionRecord.readValue(value) };
  });
}

const states = (h: TransactionHarness): number[] =>
  Array.from(h.partitions.records(), ({ value }) =>
    value ? TransactionRecord.readValue(value).transactionStatus : -1,
  );

test('each state of a transaction is echoed with the numbers of Kafka, under its transactional id', async () => {
  const h = await TransactionHarness.start();
  const producer = h.producer(2);
  await producer.init();
  expect(await echoed(h)).toMatchObject([
    { transactionalId: 'x', producerId: 100n, producerEpoch: 0, transactionStatus: 0, transactionPartitions: null },
  ]);
  await producer.add(T0, T1);
  expect(await echoed(h)).toMatchObject([
    {
      transactionStatus: 1,
      transactionPartitions: [{ topic: 't', partitionIds: [0, 1] }],
      transactionTimeoutMs: 60_000,
      clientTransactionVersion: 2,
    },
  ]);
  await producer.commit();
  await producer.add(T0);
  await producer.abort();
  await echoed(h);
  expect(states(h)).toEqual([0, 1, 2, 4, 1, 3, 5]);
});

test('a decision is echoed before its first marker', async () => {
  const h = await TransactionHarness.start();
  const producer = h.producer(2);
  await producer.init();
  await producer.add(T0);
  await echoed(h);
  let seen: number[] = [];
  h.outcomeOf = () => {
    seen = states(h);
    return 'written';
  };
  await producer.commit();
  expect(seen).toEqual([0, 1, 2]);
});

test('a transactional id that expires gets a tombstone', async () => {
  const h = await TransactionHarness.start({ idExpirationMs: 60_000, removeExpiredIntervalMs: 10_000 });
  await h.producer(2).init();
  expect(await echoed(h)).toHaveLength(1);
  await h.clock.advance(80_000);
  expect(await echoed(h)).toEqual([]);
});

test('the next coordinator echoes what differs, and nothing twice', async () => {
  const h = await TransactionHarness.start();
  const producer = h.producer(2);
  await producer.init();
  await producer.add(T0);
  await echoed(h);
  await h.restart();
  await echoed(h);
  expect(states(h)).toEqual([0, 1]);
  h.partitions.isIll = true;
  await producer.commit();
  h.partitions.isIll = false;
  await h.restart();
  expect(await echoed(h)).toMatchObject([{ transactionStatus: 4, producerEpoch: 1 }]);
});

test('a transaction comes back from its record as it was, but for the epoch before the last bump', async () => {
  const h = await TransactionHarness.start();
  const producer = h.producer(2);
  await producer.init();
  await producer.add(T0, T1, { topic: 'u', partition: 7 });
  const stored = h.store.table.transactions.get('x')!.transaction;
  const { key, value } = transactionRecord({
    ...stored,
    previousProducerId: 5n,
    nextProducerId: 9n,
    lastProducerEpoch: 3,
  });
  expect(readTransaction(key, value)).toEqual({
    ...stored,
    previousProducerId: 5n,
    nextProducerId: 9n,
    lastProducerEpoch: -1,
  });
});

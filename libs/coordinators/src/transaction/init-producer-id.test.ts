import { ErrorCode } from '@milepost/core';
import { T0, TransactionHarness } from '../testing/transaction-harness.ts';

const { NONE, PRODUCER_FENCED, CONCURRENT_TRANSACTIONS, INVALID_TRANSACTION_TIMEOUT } = ErrorCode;

test('each new producer of a transactional id has the next epoch, and the one before is fenced', async () => {
  const h = await TransactionHarness.start();
  const [first, second] = [h.producer(1), h.producer(1)];
  expect([await first.init(), first.producerId, first.producerEpoch]).toEqual([NONE, 100n, 0]);
  expect([await second.init(), second.producerId, second.producerEpoch]).toEqual([NONE, 100n, 1]);
  expect(await first.add(T0)).toBe(PRODUCER_FENCED);
  expect(await first.commit()).toBe(PRODUCER_FENCED);
  expect(await second.add(T0)).toBe(NONE);
});

test('a producer that continues after an error gets the next epoch, also when it asks twice', async () => {
  const h = await TransactionHarness.start();
  const producer = h.producer(1);
  await producer.init();
  const again = producer.twin();
  expect([await producer.init(true), producer.producerEpoch]).toEqual([NONE, 1]);
  expect([await again.init(true), again.producerEpoch]).toEqual([NONE, 1]);
  expect([await producer.init(true), producer.producerEpoch]).toEqual([NONE, 2]);
});

test('a producer that was replaced cannot continue', async () => {
  const h = await TransactionHarness.start();
  const [first, second] = [h.producer(1), h.producer(1)];
  await first.init();
  await second.init();
  expect(await first.init(true)).toBe(PRODUCER_FENCED);
  const stranger = h.producer(1);
  Object.assign(stranger, { producerId: 77n, producerEpoch: 1 });
  expect(await stranger.init(true)).toBe(PRODUCER_FENCED);
  expect(await second.add(T0)).toBe(NONE);
});

test('a producer of a forgotten transactional id continues with a new id', async () => {
  const h = await TransactionHarness.start();
  const producer = h.producer(1);
  Object.assign(producer, { producerId: 5n, producerEpoch: 3 });
  expect([await producer.init(true), producer.producerId, producer.producerEpoch]).toEqual([NONE, 100n, 0]);
});

test('a new producer aborts the open transaction of the former one, and begins two epochs later', async () => {
  const h = await TransactionHarness.start();
  const [first, second] = [h.producer(1), h.producer(1)];
  await first.init();
  await first.add(T0);
  expect([await second.init(), second.producerEpoch]).toEqual([NONE, 2]);
  expect(h.markers).toMatchObject([{ partition: 't-0', producerEpoch: 1, isCommit: false }]);
  expect(await first.commit()).toBe(PRODUCER_FENCED);
});

test('while that abort cannot complete, the new producer is told to try again', async () => {
  const h = await TransactionHarness.start();
  const [first, second] = [h.producer(2), h.producer(2)];
  await first.init();
  await first.add(T0);
  h.outcomeOf = () => ({ later: 'its disk has failed' });
  expect(await second.init()).toBe(CONCURRENT_TRANSACTIONS);
  expect(h.state().state).toBe('PrepareAbort');
  h.outcomeOf = () => 'written';
  await h.clock.advance(5_000);
  expect([await second.init(), second.producerEpoch]).toEqual([NONE, 2]);
});

test.each([0, 1, 2] as const)('when its epochs are used up, a producer gets a new id: version %i', async (version) => {
  const h = await TransactionHarness.start({ version });
  const producer = h.producer(version);
  await producer.init();
  const row = h.store.table.transactions.get('x')!;
  h.store.table.transactions.set('x', { ...row, transaction: { ...row.transaction, producerEpoch: 32_765 } });
  await h.restart();
  expect([await producer.init(), producer.producerId, producer.producerEpoch]).toEqual([NONE, 100n, 32_766]);
  const again = producer.twin();
  expect([await producer.init(true), producer.producerId, producer.producerEpoch]).toEqual([NONE, 101n, 0]);
  expect([await again.init(true), again.producerId, again.producerEpoch]).toEqual([NONE, 101n, 0]);
});

test('a transaction may be fenced in the last epoch that a client has', async () => {
  const h = await TransactionHarness.start({ version: 1 });
  const [first, second] = [h.producer(1), h.producer(1)];
  await first.init();
  const row = h.store.table.transactions.get('x')!;
  h.store.table.transactions.set('x', { ...row, transaction: { ...row.transaction, producerEpoch: 32_766 } });
  await h.restart();
  first.producerEpoch = 32_766;
  expect(await first.add(T0)).toBe(NONE);
  expect([await second.init(), second.producerId, second.producerEpoch]).toEqual([NONE, 101n, 0]);
  expect(h.markers).toMatchObject([{ producerId: 100n, producerEpoch: 32_767, isCommit: false }]);
});

test('a time-out of the client beyond the limit, or none at all, is refused', async () => {
  const h = await TransactionHarness.start({ maxTimeoutMs: 10_000 });
  const producer = h.producer(2);
  producer.timeoutMs = 10_001;
  expect(await producer.init()).toBe(INVALID_TRANSACTION_TIMEOUT);
  producer.timeoutMs = 0;
  expect(await producer.init()).toBe(INVALID_TRANSACTION_TIMEOUT);
  producer.timeoutMs = 10_000;
  expect(await producer.init()).toBe(NONE);
});

test('an empty transactional id is no transactional id', async () => {
  const h = await TransactionHarness.start();
  expect(await h.producer(2, '').init()).toBe(ErrorCode.INVALID_REQUEST);
});

test('while no producer id can be had, a new transactional id waits', async () => {
  const h = await TransactionHarness.start();
  h.nextProducerId = undefined;
  const producer = h.producer(2);
  expect(await producer.init()).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  expect(h.state().error).toBe(ErrorCode.TRANSACTIONAL_ID_NOT_FOUND);
  h.nextProducerId = 200n;
  expect([await producer.init(), producer.producerId]).toEqual([NONE, 200n]);
});

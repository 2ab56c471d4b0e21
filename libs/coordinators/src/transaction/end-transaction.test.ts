import { ErrorCode } from '@milepost/core';
import { T0, T1, type TestProducer, TransactionHarness } from '../testing/transaction-harness.ts';

const { NONE, PRODUCER_FENCED, INVALID_TXN_STATE, INVALID_PRODUCER_ID_MAPPING, CONCURRENT_TRANSACTIONS } = ErrorCode;

async function begun(version: 0 | 1 | 2): Promise<[TransactionHarness, TestProducer]> {
  const h = await TransactionHarness.start();
  const producer = h.producer(version);
  await producer.init();
  return [h, producer];
}

test.each([0, 1, 2] as const)('every partition of a transaction gets its end: version %i', async (version) => {
  const [h, producer] = await begun(version);
  expect(await producer.add(T0)).toBe(NONE);
  expect(await producer.add(T1, T0)).toBe(NONE);
  expect(h.state()).toMatchObject({ state: 'Ongoing', partitions: [T0, T1] });
  expect(await producer.commit()).toBe(NONE);
  expect(h.state()).toMatchObject({ state: 'CompleteCommit', partitions: [] });
  expect(await producer.add(T1)).toBe(NONE);
  expect(await producer.abort()).toBe(NONE);
  expect(h.state()).toMatchObject({ state: 'CompleteAbort', partitions: [] });
  const ends = h.markers.map(({ partition, isCommit, producerEpoch }) => [partition, isCommit, producerEpoch]);
  const [first, second] = version === 2 ? [1, 2] : [0, 0];
  expect(ends).toEqual([
    ['t-0', true, first],
    ['t-1', true, first],
    ['t-1', false, second],
  ]);
});

test('from version 2 on every transaction has its own epoch, and the one before is fenced', async () => {
  const [, producer] = await begun(2);
  await producer.add(T0);
  const delayed = producer.twin();
  await producer.commit();
  expect([producer.producerId, producer.producerEpoch]).toEqual([100n, 1]);
  await producer.add(T0);
  expect(await delayed.commit()).toBe(PRODUCER_FENCED);
  expect(await delayed.add(T1)).toBe(PRODUCER_FENCED);
  expect(delayed.verify(T0)).toEqual([PRODUCER_FENCED]);
  expect(await producer.commit()).toBe(NONE);
});

test.each([true, false])('from version 2 on a repeated end is answered as the first: commit %s', async (isCommit) => {
  const [h, producer] = await begun(2);
  await producer.add(T0);
  await producer.requestEnd(isCommit);
  expect(await producer.twin().end(!isCommit)).toBe(INVALID_TXN_STATE);
  expect([await producer.end(isCommit), producer.producerEpoch]).toEqual([NONE, 1]);
  expect(h.markers).toHaveLength(1);
});

test('from version 2 on an abort without a transaction gives an epoch, a commit without one is refused', async () => {
  const [h, producer] = await begun(2);
  expect(await producer.commit()).toBe(INVALID_TXN_STATE);
  expect([await producer.abort(), producer.producerEpoch]).toEqual([NONE, 1]);
  expect([await producer.abort(), producer.producerEpoch]).toEqual([NONE, 2]);
  await producer.add(T0);
  expect([await producer.commit(), producer.producerEpoch]).toEqual([NONE, 3]);
  expect([await producer.abort(), producer.producerEpoch]).toEqual([NONE, 4]);
  expect(h.markers).toHaveLength(1);
});

test.each([0, 1] as const)(
  'before version 2 only the end that was stored may be repeated: version %i',
  async (version) => {
    const [, producer] = await begun(version);
    expect(await producer.abort()).toBe(INVALID_TXN_STATE);
    expect(await producer.commit()).toBe(INVALID_TXN_STATE);
    await producer.add(T0);
    expect(await producer.commit()).toBe(NONE);
    expect(await producer.commit()).toBe(NONE);
    expect(await producer.abort()).toBe(INVALID_TXN_STATE);
    await producer.add(T0);
    expect(await producer.abort()).toBe(NONE);
    expect(await producer.abort()).toBe(NONE);
    expect(await producer.commit()).toBe(INVALID_TXN_STATE);
  },
);

test.each([1, 2] as const)('while markers are missing the next transaction waits: version %i', async (version) => {
  const [h, producer] = await begun(version);
  await producer.add(T0, T1);
  h.outcomeOf = (name) => (name === 't-1' ? { later: 'its disk has failed' } : 'written');
  const repeated = producer.twin();
  expect(await producer.commit()).toBe(NONE);
  expect(await producer.add(T0)).toBe(CONCURRENT_TRANSACTIONS);
  expect(producer.verify(T0)).toEqual([CONCURRENT_TRANSACTIONS]);
  expect(await repeated.commit()).toBe(CONCURRENT_TRANSACTIONS);
  expect(await repeated.abort()).toBe(CONCURRENT_TRANSACTIONS);
  expect(h.state()).toMatchObject({ state: 'PrepareCommit', partitions: [T1] });
  expect(h.lines).toEqual(['a transaction waits for t-1, which cannot take its end: retrying']);
  h.outcomeOf = () => 'written';
  await h.clock.advance(5_000);
  expect(await producer.add(T0)).toBe(NONE);
});

test('a producer that ends its next transaction before the markers of the last one are written is not fenced', async () => {
  const [h, producer] = await begun(2);
  await producer.add(T0);
  h.outcomeOf = () => ({ later: 'its disk has failed' });
  expect(await producer.commit()).toBe(NONE);
  expect(await producer.abort()).toBe(CONCURRENT_TRANSACTIONS);
  h.outcomeOf = () => 'written';
  await h.clock.advance(5_000);
  expect(await producer.abort()).toBe(NONE);
});

test('a request that comes while markers are under way waits for them', async () => {
  const [h, producer] = await begun(1);
  await producer.add(T0);
  const held = Promise.withResolvers<'written'>();
  h.outcomeOf = () => held.promise;
  expect(await producer.commit()).toBe(NONE);
  const next = producer.add(T1);
  held.resolve('written');
  expect(await next).toBe(NONE);
});

test('a partition that was deleted within the transaction is left out', async () => {
  const [h, producer] = await begun(2);
  await producer.add(T0, T1);
  h.outcomeOf = (name) => (name === 't-0' ? 'gone' : 'written');
  await producer.commit();
  expect(h.state()).toMatchObject({ state: 'CompleteCommit', partitions: [] });
});

test('the transaction of another producer id cannot be ended', async () => {
  const [, producer] = await begun(2);
  await producer.add(T0);
  const stranger = producer.twin();
  stranger.producerId = 3n;
  expect(await stranger.commit()).toBe(INVALID_PRODUCER_ID_MAPPING);
  expect(await stranger.add(T1)).toBe(INVALID_PRODUCER_ID_MAPPING);
  expect(stranger.verify(T0, T1)).toEqual([INVALID_PRODUCER_ID_MAPPING, INVALID_PRODUCER_ID_MAPPING]);
});

test('a transactional id that nobody has initialized has no transaction', async () => {
  const h = await TransactionHarness.start();
  const producer = h.producer(1);
  expect(await producer.add(T0)).toBe(INVALID_PRODUCER_ID_MAPPING);
  expect(await producer.commit()).toBe(INVALID_PRODUCER_ID_MAPPING);
  expect(producer.verify(T0)).toEqual([INVALID_PRODUCER_ID_MAPPING]);
});

test('a partition that was not added is not part of the transaction', async () => {
  const [, producer] = await begun(1);
  expect(producer.verify(T0)).toEqual([ErrorCode.TRANSACTION_ABORTABLE]);
  await producer.add(T0);
  expect(producer.verify(T1, T0)).toEqual([ErrorCode.TRANSACTION_ABORTABLE, NONE]);
  await producer.commit();
  expect(producer.verify(T0)).toEqual([ErrorCode.TRANSACTION_ABORTABLE]);
});

test('from version 2 on the last epoch of an id ends with a new id, also when the response is lost', async () => {
  const [h, producer] = await begun(2);
  const row = h.store.table.transactions.get('x')!;
  h.store.table.transactions.set('x', { ...row, transaction: { ...row.transaction, producerEpoch: 32_766 } });
  await h.restart();
  producer.producerEpoch = 32_766;
  await producer.add(T0);
  expect(await producer.requestEnd(true)).toEqual({ error: NONE, producerId: 101n, producerEpoch: 0 });
  expect(h.markers).toMatchObject([{ producerId: 100n, producerEpoch: 32_767, isCommit: true }]);
  expect([await producer.commit(), producer.producerId, producer.producerEpoch]).toEqual([NONE, 101n, 0]);
  expect(await producer.add(T0)).toBe(NONE);
});

test('a producer with a new id waits for the markers of the last transaction, which had the old id', async () => {
  const [h, producer] = await begun(2);
  const row = h.store.table.transactions.get('x')!;
  h.store.table.transactions.set('x', { ...row, transaction: { ...row.transaction, producerEpoch: 32_766 } });
  await h.restart();
  producer.producerEpoch = 32_766;
  await producer.add(T0);
  h.outcomeOf = () => ({ later: 'its disk has failed' });
  expect([await producer.commit(), producer.producerId, producer.producerEpoch]).toEqual([NONE, 101n, 0]);
  expect(await producer.add(T1)).toBe(CONCURRENT_TRANSACTIONS);
  expect(await producer.abort()).toBe(CONCURRENT_TRANSACTIONS);
  h.outcomeOf = () => 'written';
  await h.clock.advance(5_000);
  expect(await producer.add(T1)).toBe(NONE);
});

test('a late EndTxn of an old client does not end its next transaction', async () => {
  const [h, producer] = await begun(0);
  producer.connection = 1;
  await producer.add(T0);
  const late = producer.twin();
  producer.connection = 2; // its first EndTxn timed out, and it has connected again
  expect(await producer.commit()).toBe(NONE);
  expect(await producer.add(T1)).toBe(NONE);
  expect(await late.commit()).toBe(INVALID_TXN_STATE);
  expect(h.state()).toMatchObject({ state: 'Ongoing', partitions: [T1] });
  expect(await producer.abort()).toBe(NONE);
});

test('an old client that connects again ends the transaction that it began over its former connection', async () => {
  const [h, producer] = await begun(1);
  producer.connection = 1;
  await producer.add(T0);
  producer.connection = 2;
  expect(await producer.commit()).toBe(NONE);
  expect(h.state().state).toBe('CompleteCommit');
});

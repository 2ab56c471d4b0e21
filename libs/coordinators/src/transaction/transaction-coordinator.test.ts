import { ErrorCode } from '@milepost/core';
import { T0, T1, TransactionHarness } from '../testing/transaction-harness.ts';

const { NONE, PRODUCER_FENCED, INVALID_TXN_STATE } = ErrorCode;

test.each([1, 2] as const)(
  'a transaction that lasts too long is aborted and its producer fenced: %i',
  async (version) => {
    const h = await TransactionHarness.start({ version });
    const producer = h.producer(version);
    producer.timeoutMs = 30_000;
    await producer.init();
    await producer.add(T0);
    await h.clock.advance(29_000);
    expect(await producer.add(T1)).toBe(NONE);
    await h.clock.advance(12_000);
    expect(h.state()).toMatchObject({ state: 'CompleteAbort', producerEpoch: 1 });
    expect(h.markers.map(({ partition, isCommit }) => [partition, isCommit])).toEqual([
      ['t-0', false],
      ['t-1', false],
    ]);
    // From version 2 on the epoch tells that it is an answer to this transaction: the commit has failed.
    expect(await producer.commit()).toBe(version === 2 ? INVALID_TXN_STATE : PRODUCER_FENCED);
  },
);

test('the time of a transaction counts from its first partition, by the steady clock', async () => {
  const h = await TransactionHarness.start();
  const producer = h.producer(2);
  producer.timeoutMs = 30_000;
  await producer.init();
  await h.clock.advance(60_000);
  await producer.add(T0);
  h.clock.jump(3_600_000);
  await h.clock.advance(20_000);
  expect(h.state().state).toBe('Ongoing');
  h.clock.jump(-7_200_000);
  await h.clock.advance(25_000);
  expect(h.state().state).toBe('CompleteAbort');
});

test('a transaction that was open when the coordinator died times out under the next one', async () => {
  const h = await TransactionHarness.start();
  const producer = h.producer(2);
  await producer.init();
  await producer.add(T0);
  await h.clock.advance(40_000);
  await h.restart();
  expect(await producer.add(T1)).toBe(NONE);
  await h.clock.advance(40_000);
  expect(h.state().state).toBe('CompleteAbort');
});

test.each([true, false])(
  'a coordinator that dies between the decision and the markers is replaced: %s',
  async (isCommit) => {
    const h = await TransactionHarness.start();
    const producer = h.producer(2);
    await producer.init();
    await producer.add(T0, T1);
    h.outcomeOf = (name) => (name === 't-0' ? 'written' : { later: 'its leader is away' });
    expect(await producer.end(isCommit)).toBe(NONE);
    h.outcomeOf = () => 'written';
    await h.restart();
    await h.clock.advance(0);
    expect(h.state().state).toBe(isCommit ? 'CompleteCommit' : 'CompleteAbort');
    const ends = new Map(h.markers.map((marker) => [marker.partition, marker.isCommit]));
    expect(ends).toEqual(new Map([T0, T1].map(({ partition }) => [`t-${partition}`, isCommit])));
    expect(await producer.add(T0)).toBe(NONE);
  },
);

test('while the store is away a decision is not answered as made, and no marker is written', async () => {
  const h = await TransactionHarness.start();
  const producer = h.producer(2);
  await producer.init();
  await producer.add(T0);
  h.store.health = 'away';
  expect(await producer.commit()).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  expect(h.markers).toEqual([]);
  h.store.health = 'well';
  expect(await producer.commit()).toBe(NONE);
  expect(h.markers).toHaveLength(1);
});

test('when the store goes away behind the markers, the transaction is stored as complete later', async () => {
  const h = await TransactionHarness.start();
  const producer = h.producer(1);
  await producer.init();
  await producer.add(T0);
  h.outcomeOf = () => {
    h.store.health = 'away';
    return 'written';
  };
  expect(await producer.commit()).toBe(NONE);
  await h.clock.advance(3_000);
  expect([h.state().state, h.stored().state]).toEqual(['CompleteCommit', 'PrepareCommit']);
  expect(await producer.add(T1)).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  h.store.health = 'well';
  await h.clock.advance(1_000);
  expect(h.stored().state).toBe('CompleteCommit');
});

test('that a transaction is complete is stored with the beginning of the next one', async () => {
  const h = await TransactionHarness.start();
  const producer = h.producer(2);
  await producer.init();
  await producer.add(T0);
  await producer.commit();
  let writes = 0;
  h.store.pace = async () => void writes++;
  expect(await producer.add(T1)).toBe(NONE);
  await h.clock.advance(1_000);
  expect([writes, h.stored().state]).toEqual([1, 'Ongoing']);
});

test('that a transaction is complete is stored soon if its producer pauses', async () => {
  const h = await TransactionHarness.start();
  const producer = h.producer(2);
  await producer.init();
  await producer.add(T0);
  await producer.commit();
  expect(h.stored().state).toBe('PrepareCommit');
  await h.clock.advance(100);
  expect(h.stored().state).toBe('CompleteCommit');
  await h.restart();
  await h.clock.advance(0);
  expect(h.markers).toHaveLength(1);
});

test('a coordinator that dies before it stored that a transaction is complete is followed by one that repeats its markers', async () => {
  const h = await TransactionHarness.start();
  const producer = h.producer(2);
  await producer.init();
  await producer.add(T0);
  await producer.commit();
  await h.restart();
  await h.clock.advance(0);
  expect(h.markers.map(({ partition, isCommit }) => [partition, isCommit])).toEqual([
    ['t-0', true],
    ['t-0', true],
  ]);
  expect(await producer.add(T1)).toBe(NONE);
});

test('a decision whose response got lost is carried out by the next coordinator', async () => {
  const h = await TransactionHarness.start();
  const producer = h.producer(2);
  await producer.init();
  await producer.add(T0);
  h.store.health = 'forgetful';
  expect(await producer.requestEnd(true)).toMatchObject({ error: ErrorCode.COORDINATOR_NOT_AVAILABLE });
  await h.restart();
  await h.clock.advance(0);
  expect(h.state().state).toBe('CompleteCommit');
  expect([await producer.commit(), producer.producerEpoch]).toEqual([NONE, 1]);
});

test('a partition that never takes its marker holds up no other transaction', async () => {
  const h = await TransactionHarness.start();
  const [stuck, well] = [h.producer(2, 'stuck'), h.producer(2, 'well')];
  for (const producer of [stuck, well]) await producer.init();
  h.outcomeOf = (name) => (name === 't-1' ? { later: 'its disk has failed' } : 'written');
  await stuck.add(T0, T1);
  await stuck.commit();
  for (let count = 0; count < 3; count++) {
    expect(await well.add(T0)).toBe(NONE);
    expect(await well.commit()).toBe(NONE);
  }
  await h.clock.advance(60_000);
  expect(h.state('stuck')).toMatchObject({ state: 'PrepareCommit', partitions: [T1] });
  expect(h.lines).toEqual(['a transaction waits for t-1, which cannot take its end: retrying']);
});

test('a transactional id that is not used expires, one with an open transaction does not', async () => {
  const h = await TransactionHarness.start({ idExpirationMs: 7_200_000, maxTimeoutMs: 2 ** 31 - 1 });
  const [idle, open, never] = [h.producer(2, 'idle'), h.producer(2, 'open'), h.producer(2, 'never used')];
  open.timeoutMs = 2 ** 31 - 1;
  for (const producer of [idle, open, never]) await producer.init();
  for (const producer of [idle, open]) await producer.add(T0);
  await idle.commit();
  await h.clock.advance(3_600_000);
  expect(h.state('idle').state).toBe('CompleteCommit');
  await h.clock.advance(7_200_000);
  expect(h.state('idle').error).toBe(ErrorCode.TRANSACTIONAL_ID_NOT_FOUND);
  expect(h.state('never used').error).toBe(ErrorCode.TRANSACTIONAL_ID_NOT_FOUND);
  expect(h.state('open').state).toBe('Ongoing');
  expect(h.store.table.transactions.size).toBe(1);
  expect(await idle.add(T0)).toBe(ErrorCode.INVALID_PRODUCER_ID_MAPPING);
});

test('transactions are listed by state, producer, duration and pattern', async () => {
  const h = await TransactionHarness.start();
  const ids = ['truck-1', 'truck-2', 'other'];
  const producers = ids.map((id) => h.producer(2, id));
  for (const producer of producers) await producer.init();
  const [first, second] = producers;
  await first!.add(T0);
  await h.clock.advance(5_000);
  await second!.add(T0);
  const all = { states: [], producerIds: [], durationMs: -1, idPattern: null };
  const listed = (filter: object) =>
    h.coordinator.list({ ...all, ...filter }).transactions.map(({ transactionalId }) => transactionalId);
  expect(new Set(listed({}))).toEqual(new Set(ids));
  expect(new Set(listed({ states: ['Ongoing'] }))).toEqual(new Set(['truck-1', 'truck-2']));
  expect(listed({ producerIds: [first!.producerId] })).toEqual(['truck-1']);
  expect(listed({ states: ['Ongoing'], durationMs: 4_000 })).toEqual(['truck-1']);
  expect(new Set(listed({ idPattern: 'truck-.' }))).toEqual(new Set(['truck-1', 'truck-2']));
  expect(listed({ idPattern: 'truck' })).toEqual([]);
  expect(h.coordinator.list({ ...all, states: ['Dead', 'Asleep'] })).toMatchObject({
    error: NONE,
    unknownStates: ['Asleep'],
  });
  expect(h.coordinator.list({ ...all, idPattern: '(' }).error).toBe(ErrorCode.INVALID_REGULAR_EXPRESSION);
});

test('a coordinator that is closed answers that it is not there', async () => {
  const h = await TransactionHarness.start();
  const producer = h.producer(2);
  await producer.init();
  await h.coordinator.close();
  expect(await producer.add(T0)).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  expect(h.clock.alarms).toBe(0);
});

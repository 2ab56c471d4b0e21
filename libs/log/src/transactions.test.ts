import { ErrorCode, LeaderEpoch, Offset } from '@milepost/core';
import { RecordBatch } from '@milepost/records';
import { SimDisk } from '@milepost/simulator';
import type { Log } from './index.ts';
import { appendAll, batchOf, openLog, TransactionalProducer } from './testing.ts';
import { Verification } from './verifications.ts';

const open = async (): Promise<Log> => (await openLog(new SimDisk())).log;
/** With everything committed. */
const stableEnd = (log: Log): number => log.lastStableOffset(log.logEndOffset);
const errorOf = ({ error }: { readonly error: ErrorCode }): ErrorCode => error;

describe('the last stable offset', () => {
  test('is the high watermark where no transaction is open', async () => {
    const log = await open();
    appendAll(log, ['a', 'b']);
    expect([log.lastStableOffset(Offset(1)), stableEnd(log)]).toEqual([1, 2]);
  });

  test('is the first offset of the earliest open transaction, exclusive', async () => {
    const log = await open();
    appendAll(log, ['plain']);
    const [one, two] = [new TransactionalProducer(log, 1n), new TransactionalProducer(log, 2n)];
    const first = one.send('of one');
    two.send('of two');
    appendAll(log, ['plain']);
    expect([first, stableEnd(log)]).toEqual([1, 1]);
    one.end('commit');
    expect(stableEnd(log)).toBe(2);
    two.end('abort');
    expect(stableEnd(log)).toBe(log.logEndOffset);
  });

  test('does not pass a transaction whose marker is not below the high watermark', async () => {
    const log = await open();
    const one = new TransactionalProducer(log, 1n);
    appendAll(log, ['plain']);
    one.send('a');
    one.end('commit'); // at offset 2
    expect([1, 2, 3].map((highWatermark) => log.lastStableOffset(Offset(highWatermark)))).toEqual([1, 1, 3]);
  });

  test('a short transaction inside a longer one waits for the longer one only', async () => {
    const log = await open();
    const [long, short] = [new TransactionalProducer(log, 1n), new TransactionalProducer(log, 2n)];
    long.send('0');
    short.send('1');
    short.end('commit'); // 2
    long.end('commit'); // 3
    expect([3, 4].map((highWatermark) => log.lastStableOffset(Offset(highWatermark)))).toEqual([0, 4]);
  });

  test('is not below the start of a log whose first records were deleted in mid-transaction', async () => {
    const log = await open();
    const one = new TransactionalProducer(log, 1n);
    one.send('a');
    one.send('b');
    one.send('c');
    await log.sync();
    await log.deleteRecordsBefore(Offset(2));
    expect(stableEnd(log)).toBe(2);
  });
});

describe('what may be appended', () => {
  test('a batch that begins a transaction needs a verification, those behind it do not', async () => {
    const log = await open();
    const one = new TransactionalProducer(log, 1n);
    expect(errorOf(one.tryToSend('unverified'))).toBe(ErrorCode.INVALID_TXN_STATE);
    one.send('verified');
    expect(errorOf(one.tryToSend('next'))).toBe(ErrorCode.NONE);
    expect(log.ongoingTransaction(1n)).toEqual({ producerEpoch: 0, firstOffset: 0 });
    expect(log.ongoingTransaction(2n)).toBeUndefined();
  });

  test('a verification that a marker has overtaken proves nothing', async () => {
    const log = await open();
    const one = new TransactionalProducer(log, 1n);
    const batch = RecordBatch.at(
      batchOf(['late'], { producerId: 1n, producerEpoch: 0, baseSequence: 0, isTransactional: true }),
      0,
    ) as RecordBatch;
    const verification = log.beginVerification(batch, false) as Verification;
    one.end('abort');
    verification.confirm();
    expect(errorOf(log.append(batch.bytes, LeaderEpoch(0)))).toBe(ErrorCode.INVALID_TXN_STATE);
  });

  test('with transaction version 2 the marker of the last transaction leaves the verification of the next one', async () => {
    const log = await open();
    const one = new TransactionalProducer(log, 1n);
    one.send('a');
    const next = batchOf(['b'], { producerId: 1n, producerEpoch: 1, baseSequence: 0, isTransactional: true });
    const verification = log.beginVerification(RecordBatch.at(next, 0) as RecordBatch, true) as Verification;
    one.end('commit', { producerEpoch: 1, transactionVersion: 2 });
    verification.confirm();
    expect(errorOf(log.append(next, LeaderEpoch(0)))).toBe(ErrorCode.NONE);
    expect(log.ongoingTransaction(1n)).toEqual({ producerEpoch: 1, firstOffset: 2 });
  });

  test('a later batch does not begin a transaction in place of one whose verification failed', async () => {
    const log = await open();
    const one = new TransactionalProducer(log, 1n);
    const batch = (baseSequence: number): Buffer =>
      batchOf(['v'], { producerId: 1n, producerEpoch: 0, baseSequence, isTransactional: true });
    const begin = (bytes: Buffer) => log.beginVerification(RecordBatch.at(bytes, 0) as RecordBatch, false);
    begin(batch(0));
    (begin(batch(1)) as Verification).confirm();
    expect(errorOf(log.append(batch(1), LeaderEpoch(0)))).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    one.send('v');
    expect(errorOf(log.append(batch(1), LeaderEpoch(0)))).toBe(ErrorCode.NONE);
  });

  test('a transaction of version 2 begins with sequence 0 where nothing of its producer is known', async () => {
    const log = await open();
    const batch = batchOf(['v'], { producerId: 1n, producerEpoch: 3, baseSequence: 7, isTransactional: true });
    (log.beginVerification(RecordBatch.at(batch, 0) as RecordBatch, true) as Verification).confirm();
    expect(errorOf(log.append(batch, LeaderEpoch(0)))).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
  });

  test('an older epoch of the producer is fenced before the coordinator is asked', async () => {
    const log = await open();
    const one = new TransactionalProducer(log, 1n, 5);
    one.send('a');
    const old = batchOf(['z'], { producerId: 1n, producerEpoch: 4, baseSequence: 0, isTransactional: true });
    expect(log.beginVerification(RecordBatch.at(old, 0) as RecordBatch, false)).toMatchObject({
      error: ErrorCode.INVALID_PRODUCER_EPOCH,
    });
  });

  test('a batch outside the transaction of its producer is refused while that is open', async () => {
    const log = await open();
    const one = new TransactionalProducer(log, 1n);
    one.send('a');
    const plain = batchOf(['p'], { producerId: 1n, producerEpoch: 0, baseSequence: 1 });
    expect(errorOf(log.append(plain, LeaderEpoch(0)))).toBe(ErrorCode.INVALID_TXN_STATE);
    one.end('commit');
    expect(errorOf(log.append(plain, LeaderEpoch(0)))).toBe(ErrorCode.NONE);
  });
});

describe('markers', () => {
  test('those of an older coordinator epoch are fenced, and so are those of an older producer epoch', async () => {
    const log = await open();
    const one = new TransactionalProducer(log, 1n, 3);
    one.send('a');
    expect(errorOf(one.end('commit', { coordinatorEpoch: 4 }))).toBe(ErrorCode.NONE);
    one.send('b');
    expect(errorOf(one.end('abort', { coordinatorEpoch: 3 }))).toBe(ErrorCode.TRANSACTION_COORDINATOR_FENCED);
    expect(errorOf(one.end('abort', { coordinatorEpoch: 4, producerEpoch: 2 }))).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
    expect(log.ongoingTransaction(1n)).toBeDefined();
    expect(errorOf(one.end('abort', { coordinatorEpoch: 4 }))).toBe(ErrorCode.NONE);
    expect(log.ongoingTransaction(1n)).toBeUndefined();
  });

  test('of version 2 they end a transaction in a later epoch only; the same one again is accepted', async () => {
    const log = await open();
    const one = new TransactionalProducer(log, 1n, 3);
    one.send('a');
    const end = (producerEpoch: number) => errorOf(one.end('commit', { producerEpoch, transactionVersion: 2 }));
    expect([3, 4, 4, 3].map(end)).toEqual([
      ErrorCode.INVALID_PRODUCER_EPOCH,
      ErrorCode.NONE,
      ErrorCode.NONE,
      ErrorCode.INVALID_PRODUCER_EPOCH,
    ]);
  });

  test('at the largest epoch a transaction of version 2 can still be ended', async () => {
    const log = await open();
    const one = new TransactionalProducer(log, 1n, 32_767);
    one.send('a');
    expect(errorOf(one.end('abort', { transactionVersion: 2 }))).toBe(ErrorCode.NONE);
  });

  test('a marker that raises the epoch fences the producer that goes on in the old one', async () => {
    const log = await open();
    const one = new TransactionalProducer(log, 1n);
    one.send('a');
    one.end('abort', { producerEpoch: 1 });
    expect(errorOf(one.tryToSend('zombie'))).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
  });

  test('one without a transaction is stored, and ends nothing', async () => {
    const log = await open();
    expect(errorOf(new TransactionalProducer(log, 9n).end('abort'))).toBe(ErrorCode.NONE);
    expect([log.logEndOffset, stableEnd(log)]).toEqual([1, 1]);
  });
});

describe('a restart', () => {
  test.each(['clean', 'unclean'])(
    '%s: the open transaction is still open, its first offset is the same',
    async (kind) => {
      const disk = new SimDisk();
      const before = await openLog(disk);
      appendAll(before.log, ['plain']);
      const one = new TransactionalProducer(before.log, 1n, 2);
      const two = new TransactionalProducer(before.log, 2n);
      two.send('x');
      one.send('a');
      two.end('commit');
      one.send('b');
      await before.log.sync();
      if (kind === 'clean') await before.directory.close();
      const { log } = await openLog(kind === 'clean' ? disk : disk.powerCut());
      expect(log.ongoingTransaction(1n)).toEqual({ producerEpoch: 2, firstOffset: 2 });
      expect(stableEnd(log)).toBe(2);
      expect(log.activeProducers()).toContainEqual(
        expect.objectContaining({ producerId: 1n, currentTransactionStart: 2 }),
      );
    },
  );

  test('a transaction whose marker is not committed is still not final, though the snapshot does not name it', async () => {
    const disk = new SimDisk();
    const before = await openLog(disk);
    appendAll(before.log, ['plain']);
    const [one, two] = [new TransactionalProducer(before.log, 1n), new TransactionalProducer(before.log, 2n)];
    one.send('a'); // 1
    two.send('b'); // 2
    two.end('commit'); // 3
    one.end('commit'); // 4
    await before.log.sync();
    before.log.highWatermark = Offset(3);
    await before.directory.close();
    const { log } = await openLog(disk);
    expect(log.highWatermark).toBe(3);
    expect([3, 4, 5].map((highWatermark) => log.lastStableOffset(Offset(highWatermark)))).toEqual([1, 1, 5]);
  });

  test('open transactions of many producers are in the order of their first offsets again', async () => {
    const disk = new SimDisk();
    const before = await openLog(disk);
    const producers = [5n, 3n, 9n, 1n].map((id) => new TransactionalProducer(before.log, id));
    for (const one of producers) one.send('a');
    producers[0]?.send('more, which makes it the last line of the snapshot');
    await before.directory.close();
    const { log } = await openLog(disk);
    const ends = [5n, 3n, 9n, 1n].map((id) => {
      const { firstOffset } = log.ongoingTransaction(id) ?? {};
      const unstable = stableEnd(log);
      new TransactionalProducer(log, id).end('commit');
      return [firstOffset, unstable];
    });
    expect(ends).toEqual([0, 1, 2, 3].map((offset) => [offset, offset]));
  });
});

test('a cut of the log opens the transaction again whose marker it takes away', async () => {
  const log = await open();
  const one = new TransactionalProducer(log, 1n);
  one.send('a');
  await log.sync();
  one.end('commit');
  await log.sync();
  expect(stableEnd(log)).toBe(2);
  await log.truncateTo(Offset(1));
  expect([stableEnd(log), log.ongoingTransaction(1n)?.firstOffset]).toEqual([0, 0]);
});

test('a producer is not forgotten while its transaction is open', async () => {
  const log = await open();
  const one = new TransactionalProducer(log, 1n);
  one.send('a');
  log.config = { ...log.config, producerIdExpirationMs: 0 };
  await log.applyRetention(0);
  expect(log.ongoingTransaction(1n)).toBeDefined();
  one.end('commit');
  await log.applyRetention(0);
  expect(log.activeProducers()).toEqual([]);
});

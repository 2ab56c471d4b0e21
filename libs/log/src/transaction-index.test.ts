import { LeaderEpoch, Offset } from '@milepost/core';
import { SimDisk, SimRandom } from '@milepost/simulator';
import type { Log } from './index.ts';
import { LogFile } from './log-file.ts';
import { appendAll, openLog, tinySegments, TransactionalProducer } from './testing.ts';
import { TransactionIndex } from './transaction-index.ts';

const aborted = (log: Log, from = 0, upTo = log.logEndOffset as number): string[] =>
  log
    .abortedTransactions(Offset(from), Offset(upTo))
    .map(({ producerId, firstOffset, lastOffset }) => `${producerId}:${firstOffset}-${lastOffset}`);
const indexesOn = (disk: SimDisk): string[] => [...disk.files().keys()].filter((path) => path.endsWith('.txnindex'));

/** Three producers, overlapping, over several segments; returns what was aborted. */
async function manyTransactions(log: Log): Promise<string[]> {
  const expected: string[] = [];
  const producers = [1n, 2n, 3n].map((id) => ({ id, it: new TransactionalProducer(log, id), first: -1 }));
  for (let n = 0; n < 60; n++) {
    const producer = producers[(n * 7) % 3] as (typeof producers)[number];
    const offset = producer.it.send(`${n}`.padEnd(60, '.'));
    if (producer.first < 0) producer.first = offset;
    if (n % 5 !== 4) continue;
    const isAborted = n % 2 === 0;
    const marker = log.logEndOffset;
    producer.it.end(isAborted ? 'abort' : 'commit');
    if (isAborted) expected.push(`${producer.id}:${producer.first}-${marker}`);
    producer.first = -1;
  }
  await log.sync();
  return expected;
}

test('a log without aborted transactions has no file for them', async () => {
  const disk = new SimDisk();
  const { log } = await openLog(disk);
  const one = new TransactionalProducer(log, 1n);
  one.send('a');
  one.end('commit');
  await log.sync();
  expect([indexesOn(disk), aborted(log)]).toEqual([[], []]);
  one.send('b');
  one.end('abort');
  expect([indexesOn(disk), aborted(log)]).toEqual([['/data/t-0/00000000000000000000.txnindex'], ['1:2-3']]);
});

test('the index has the bytes that Apache Kafka writes', () => {
  const disk = new SimDisk();
  const index = new TransactionIndex(new LogFile(disk, '/00000000000000000100.txnindex', true));
  const add = (producerId: bigint, firstOffset: number, lastOffset: number, lastStableOffset: number): void =>
    index.append({
      producerId,
      firstOffset: Offset(firstOffset),
      lastOffset: Offset(lastOffset),
      lastStableOffset: Offset(lastStableOffset),
    });
  add(4711n, 90, 120, 95);
  add(258n, 95, 121, 122);
  add(4711n, 130, 141, 142);
  index.entries.flush();
  // Of TransactionIndex in Apache Kafka 4.3.1.
  const kafka =
    '00000000000000001267000000000000005a0000000000000078000000000000005f00000000000000000102000000000000005f0000000000000079000000000000007a000000000000000012670000000000000082000000000000008d000000000000008e';
  expect(disk.files().get('/00000000000000000100.txnindex')?.toString('hex')).toBe(kafka);
  expect([index.looksSane(Offset(100), Offset(142)), index.looksSane(Offset(100), Offset(141))]).toEqual([true, false]);
});

test('an entry tells up to where all had ended when its transaction did', async () => {
  const { log } = await openLog(new SimDisk());
  const [one, two] = [new TransactionalProducer(log, 1n), new TransactionalProducer(log, 2n)];
  one.send('a');
  two.send('b');
  one.end('abort'); // 2, while the other is open since 1
  two.end('abort'); // 3
  const ends = log.abortedTransactions(Offset(0), log.logEndOffset).map(({ lastStableOffset }) => lastStableOffset);
  expect(ends).toEqual([1, 4]);
});

test('those are found that overlap the range, to its end exclusive', async () => {
  const { log } = await openLog(new SimDisk());
  const one = new TransactionalProducer(log, 1n);
  appendAll(log, ['0']);
  one.send('1');
  appendAll(log, ['2']);
  one.end('abort'); // 3
  appendAll(log, ['4']);
  expect([aborted(log, 0, 1), aborted(log, 0, 2), aborted(log, 3, 4), aborted(log, 4, 5)]).toEqual([
    [],
    ['1:1-3'],
    ['1:1-3'],
    [],
  ]);
});

test('a transaction that ends in a later segment than it began is found from the earlier one', async () => {
  const { log } = await openLog(new SimDisk(), { config: tinySegments() });
  const expected = await manyTransactions(log);
  expect(expected.length).toBeGreaterThan(5);
  expect(aborted(log)).toEqual(expected);
  for (let from = 0; from < log.logEndOffset; from++)
    for (const upTo of [from + 1, from + 5, log.logEndOffset]) {
      const overlapping = expected.filter((text) => {
        const [, first, last] = /:(\d+)-(\d+)/.exec(text) ?? [];
        return Number(last) >= from && Number(first) < upTo;
      });
      expect(aborted(log, from, upTo)).toEqual(overlapping);
    }
});

test.each(['clean stop', 'kill', 'power cut'])(
  'after a %s the same are found, and the same after another',
  async (how) => {
    let disk = new SimDisk(3);
    let opened = await openLog(disk, { config: tinySegments() });
    const expected = await manyTransactions(opened.log);
    for (let round = 0; round < 2; round++) {
      if (how === 'clean stop') await opened.directory.close();
      else disk = how === 'kill' ? disk.kill() : disk.powerCut();
      opened = await openLog(disk, { config: tinySegments() });
      expect(aborted(opened.log)).toEqual(expected);
    }
  },
);

/**
 * Not the low bytes of the first and the last stable offset: they may turn into those of another batch that could stand
 * there (docs/INVARIANTS.md).
 */
const isRecognized = (bit: number): boolean => ![17, 33].includes((bit >> 3) % 34);

test('a turned bit in the index, or an end that is missing, is found at the start, and the index is rebuilt', async () => {
  const disk = new SimDisk();
  const { log, directory } = await openLog(disk, { config: tinySegments() });
  const expected = await manyTransactions(log);
  await directory.close();
  const random = new SimRandom(5);
  for (const path of indexesOn(disk)) {
    const sizeBytes = disk.files().get(path)?.length ?? 0;
    const bits = Array.from({ length: 60 }, () => random.below(sizeBytes * 8)).filter(isRecognized);
    const spoilings = [
      () => disk.open(path, 'create').truncate(sizeBytes - 5),
      ...bits.map((bit) => () => disk.flipBit(path, bit)),
    ];
    for (const spoil of spoilings) {
      spoil();
      const again = await openLog(disk, { config: tinySegments() });
      expect(aborted(again.log)).toEqual(expected);
      await again.directory.close();
    }
  }
});

test('a cut forgets those whose markers it takes away, and the transaction is open again', async () => {
  const disk = new SimDisk();
  const { log } = await openLog(disk, { config: tinySegments() });
  const expected = await manyTransactions(log);
  const [, first, last] = /:(\d+)-(\d+)/.exec(expected[2] as string) ?? [];
  await log.truncateTo(Offset(Number(last)));
  expect(aborted(log)).toEqual(expected.slice(0, 2));
  expect(log.ongoingTransaction(BigInt((expected[2] as string)[0] as string))?.firstOffset).toBe(Number(first));
  const marker = { coordinatorEpoch: 0, isCommit: false, transactionVersion: 1, producerEpoch: 0 };
  log.appendMarker({ ...marker, producerId: BigInt((expected[2] as string)[0] as string) }, LeaderEpoch(0));
  expect(aborted(log)).toEqual(expected.slice(0, 3));
});

test('with a full disk the marker is refused, and the transaction stays open', async () => {
  const disk = new SimDisk();
  const { log } = await openLog(disk);
  const one = new TransactionalProducer(log, 1n);
  one.send('a');
  disk.capacityBytes = 0;
  expect(one.end('abort')).toMatchObject({ isOutOfRoom: true });
  expect(log.ongoingTransaction(1n)).toBeDefined();
});

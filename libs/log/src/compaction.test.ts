// What compaction retains, on a simulated disk: records, offsets, files. The rules of Apache Kafka's cleaner, one by
// one.
import { ErrorCode, LeaderEpoch, Offset } from '@milepost/core';
import { type Codec, readEndMarker, RecordBatch } from '@milepost/records';
import { MAX_TIMESTAMP } from './index.ts';
import { everything, TransactionalProducer } from './testing.ts';
import { compacted, CompactedLog } from './testing/compacted-log.ts';

const DAY_MS = 86_400_000;
const EPOCH = LeaderEpoch(0);

const bench = (more: Record<string, string> = {}): Promise<CompactedLog> => new CompactedLog(compacted(more)).open();

test('the last record of each key remains at its offset, and the segment that was active is untouched', async () => {
  const it = await bench();
  it.append('a=1 b=1 c=1');
  it.append('a=2');
  it.append('b=2 d=1');
  await it.roll();
  it.append('c=9 d=9');
  await it.clock.settle(it.log.sync());
  expect(await it.clean()).toBe(1);
  expect(it.read()).toEqual(['2:c=1', '3:a=2', '4:b=2', '5:d=1', '8:c=9', '9:d=9']);
  expect(await it.clean()).toBe(0);
});

test.each([0, 1, 2, 3, 6, 7])('a read from offset %s, even in a hole, returns the next records', async (from) => {
  const it = await bench();
  for (const value of ['a=1', 'a=2', 'b=1', 'a=3', 'b=2', 'a=4', 'b=3', 'c=1']) it.append(value);
  await it.roll();
  await it.clean();
  expect(it.read(from)).toEqual(['5:a=4', '6:b=3', '7:c=1'].filter((text) => Number.parseInt(text) >= from));
});

test('a batch keeps its offsets, its producer and its codec, and gets a new checksum', async () => {
  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as readonly Codec[]) {
    const it = await bench();
    it.append('a=1 b=1 c=1 d=1', { producerId: 5n, producerEpoch: 3, baseSequence: 70, compression });
    it.append('a=2 d=2');
    await it.roll();
    await it.clean();
    const batch = it.batches()[0] as RecordBatch;
    expect(batch).toMatchObject({
      baseOffset: 0,
      lastOffset: 3,
      producerId: 5n,
      producerEpoch: 3,
      baseSequence: 70,
      lastSequence: 73,
      recordCount: 2,
      compression,
    });
    expect(batch.isIntact()).toBe(true);
    expect(it.read()).toEqual(['1:b=1', '2:c=1', '4:a=2', '5:d=2']);
  }
});

test('a batch that loses nothing is retained byte for byte', async () => {
  const it = await bench();
  it.append('a=1 b=1');
  await it.roll();
  const before = Buffer.from((it.batches()[0] as RecordBatch).bytes);
  await it.clean();
  expect((it.batches()[0] as RecordBatch).bytes.equals(before)).toBe(true);
});

test('a tombstone remains for delete.retention.ms after its first cleaning, whose time the batch carries (KIP-534)', async () => {
  const it = await bench({ 'delete.retention.ms': '1000' });
  it.append('a=1 b=1');
  it.append('a c=1');
  await it.roll();
  const sentMs = it.clock.now();
  await it.clean();
  const cleanedMs = it.clock.now();
  expect(it.read()).toEqual(['1:b=1', '2:a', '3:c=1']);
  const marked = it.batches().find(({ deleteHorizonMs }) => deleteHorizonMs !== undefined) as RecordBatch;
  expect(marked.deleteHorizonMs).toBeGreaterThan(sentMs);
  expect(marked.deleteHorizonMs).toBeLessThanOrEqual(cleanedMs + 1000);
  expect(Array.from(marked.records(), ({ timestamp }) => timestamp <= sentMs)).toEqual([true, true]);
  expect(marked.maxTimestamp).toBeLessThanOrEqual(sentMs);

  await it.clock.run(500);
  await it.roll();
  await it.clean();
  expect(it.read()).toEqual(['1:b=1', '2:a', '3:c=1']);
  await it.clock.run(600);
  await it.roll();
  await it.clean();
  expect(it.read()).toEqual(['1:b=1', '3:c=1']);
});

test('a deleted key never returns, whatever happens in between', async () => {
  const it = await bench({ 'delete.retention.ms': '0' });
  it.append('a=1');
  await it.roll();
  await it.clean();
  it.append('a');
  await it.roll();
  await it.clean();
  await it.roll();
  await it.clean();
  await it.restart();
  expect(it.read()).toEqual([]);
});

test('min.compaction.lag.ms retains young records', async () => {
  const it = await bench({ 'min.compaction.lag.ms': '60000' });
  it.append('a=1');
  it.append('a=2');
  await it.roll();
  expect(await it.clean()).toBe(0);
  await it.clock.run(61_000);
  expect(await it.clean()).toBe(1);
  expect(it.read()).toEqual(['1:a=2']);
});

test('min.cleanable.dirty.ratio decides when, max.compaction.lag.ms overrules it and ends the active segment', async () => {
  const it = await bench({ 'min.cleanable.dirty.ratio': '0.9', 'max.compaction.lag.ms': '60000' });
  for (let n = 0; n < 5; n++) await it.roll();
  expect(await it.clean()).toBe(1);
  it.append('a=1');
  it.append('a=2');
  await it.roll();
  expect(await it.clean()).toBe(0);
  await it.clock.run(61_000);
  expect(await it.clean()).toBe(1);
  expect(it.read()).toEqual([`${it.read()[0]}`]);
  it.append('b=1');
  it.append('b=2');
  await it.clock.run(61_000);
  it.append('c=1'); // a new segment, though the old one is not full
  await it.clock.settle(it.log.sync());
  expect(await it.clean()).toBe(1);
  expect(it.read().map((text) => text.split(':')[1])).toEqual(['a=2', 'b=2', 'c=1']);
});

test('records beyond the last stable offset are not cleaned', async () => {
  let stable = Offset(0);
  const it = await new CompactedLog(compacted()).open({ lastStableOffsetOf: () => stable });
  it.append('a=1');
  it.append('a=2');
  await it.roll();
  expect(await it.clean()).toBe(0);
  stable = it.log.logEndOffset;
  expect(await it.clean()).toBe(1);
});

test("a producer's last batch remains, emptied, so that its sequence is known after a restart without snapshots", async () => {
  const it = await bench();
  const idempotence = { producerId: 5n, producerEpoch: 0 };
  it.append('a=1', { ...idempotence, baseSequence: 0 });
  it.append('a=2', { ...idempotence, baseSequence: 1 });
  it.append('a=3');
  await it.roll();
  await it.clean();
  const ours = it.batches().filter(({ producerId }) => producerId === 5n);
  expect(ours.map(({ baseOffset, recordCount, lastSequence }) => [baseOffset, recordCount, lastSequence])).toEqual([
    [1, 0, 1],
  ]);
  for (const { name } of it.disk.list('/data/t-0') ?? [])
    if (name.endsWith('.snapshot')) await it.clock.settle(it.disk.remove(`/data/t-0/${name}`));
  await it.restart('kill');
  expect(it.log.append(it.batchOf('a=9', { ...idempotence, baseSequence: 3 }), EPOCH)).toMatchObject({
    error: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
  });
  expect(it.log.append(it.batchOf('a=4', { ...idempotence, baseSequence: 2 }), EPOCH)).toMatchObject({ error: 0 });
});

test('small adjacent segments become one, which ends where the next one begins', async () => {
  const it = await bench();
  for (let n = 0; n < 6; n++) {
    it.append(`a=${'y'.repeat(600)}`);
    it.append(`b=${n}`);
  }
  await it.roll();
  const before = it.names().filter((name) => name.endsWith('.log'));
  await it.clean(); // each separately: together they were too large
  await it.roll();
  await it.clean();
  const after = it.names().filter((name) => name.endsWith('.log'));
  expect(after.length).toBeLessThan(before.length - 1);
  const [first] = it.batches();
  expect(first?.baseOffset).toBeGreaterThan(8);
  await it.restart();
  expect(it.log.lostTail).toBe(false);
  expect(it.read().map((text) => text.split('=')[0])).toEqual(['10:a', '11:b']);
  expect(it.names().filter((name) => name.endsWith('.log'))).toEqual(after);
});

test('a pass ends where the map of keys is full, and the next one continues there', async () => {
  const settings = { isEnabled: true, backoffMs: 1, mapBytes: 24 * 8, mapLoadFactor: 0.9, bytesPerSecond: 1e9 };
  const it = await new CompactedLog(compacted()).open({ settings: () => settings });
  for (let round = 0; round < 3; round++) for (let key = 0; key < 20; key++) it.append(`k${key}=${round}`);
  await it.roll();
  expect(await it.clean()).toBeGreaterThan(3);
  expect(it.read().map((text) => text.split(':')[1])).toEqual(Array.from({ length: 20 }, (_, key) => `k${key}=2`));
});

test('a batch with more keys than the map can hold is logged once, and the log is not cleaned', async () => {
  const settings = { isEnabled: true, backoffMs: 1, mapBytes: 24 * 2, mapLoadFactor: 0.9, bytesPerSecond: 1e9 };
  const it = await new CompactedLog(compacted()).open({ settings: () => settings });
  it.append('a=1 b=1 c=1 a=2');
  await it.roll();
  expect([await it.clean(), await it.clean()]).toEqual([1, 0]);
  expect(it.logger.said.error).toEqual([expect.stringContaining('log.cleaner.dedupe.buffer.size 48')]);
  expect(it.read()).toHaveLength(4);
});

test('a damaged batch is never copied with a new checksum: the log is named and not cleaned', async () => {
  const it = await bench();
  it.append('a=1 b=1');
  it.append('a=2');
  await it.roll();
  it.disk.flipBit('/data/t-0/00000000000000000000.log', 70 * 8);
  expect([await it.clean(), await it.clean()]).toEqual([1, 0]);
  expect(it.logger.said.error).toEqual([expect.stringMatching(/t-0 is not cleaned any more.*crc/)]);
  expect(it.names().filter((name) => /cleaned|swap/.test(name))).toEqual([]);
  expect(it.log.read(Offset(0), everything(it.log.logEndOffset)).error).toBe(ErrorCode.CORRUPT_MESSAGE);
});

test('a full disk stops a pass, not the log; cleaning continues when there is room', async () => {
  const it = await bench();
  it.append(`a=${'1'.repeat(300)}`);
  it.append('a=2');
  await it.roll();
  const { totalBytes, freeBytes } = it.disk.free('/data');
  it.disk.capacityBytes = totalBytes - freeBytes + 20;
  await it.clean();
  expect(it.log.failed).toBe(false);
  expect(it.names().filter((name) => /cleaned|swap/.test(name))).toEqual([]);
  it.disk.capacityBytes = totalBytes;
  expect(await it.clean()).toBe(1);
  expect(it.read()).toEqual(['1:a=2']);
});

test('retention and DeleteRecords during a pass end it, and the log remains whole', async () => {
  const it = await bench({ 'cleanup.policy': 'compact,delete' });
  for (let n = 0; n < 8; n++) it.append(`a=${'y'.repeat(500)}`);
  await it.roll();
  const cleaning = it.cleaner.round();
  const deleting = it.log.deleteRecordsBefore(Offset(5));
  await it.clock.settle(Promise.all([cleaning, deleting]));
  expect(it.log.logStartOffset).toBe(5);
  await it.clean();
  expect(it.read(5).map((text) => text.split('=')[0])).toEqual(['7:a']);
  await it.restart();
  expect(it.read(5).map((text) => text.split('=')[0])).toEqual(['7:a']);
});

test.each(['deletion of the topic', 'a stop of the broker'])('%s ends a pass without a trace', async (how) => {
  for (const afterMs of [0, 1, 2, 3, 5, 8]) {
    const it = await bench();
    for (let n = 0; n < 8; n++) it.append(`a=${'y'.repeat(500)}`);
    await it.roll();
    const cleaning = it.cleaner.round();
    await it.clock.run(afterMs);
    const isDeleted = how === 'deletion of the topic';
    await it.clock.settle(isDeleted ? it.directory.delete('t', 0) : it.cleaner.close());
    await it.clock.settle(cleaning);
    expect(it.logger.said.error).toEqual([]);
    if (isDeleted) expect(it.disk.list('/data/t-0')).toBeUndefined();
    else expect(it.names().filter((name) => /cleaned|swap/.test(name))).toEqual([]);
  }
});

test('compact,delete: a cleaned segment is as old as its youngest record was, even without records', async () => {
  const it = await bench({ 'cleanup.policy': 'compact,delete', 'retention.ms': '100000' });
  it.append('a=1');
  it.append(`b=${'y'.repeat(900)}`);
  it.append('a=2');
  it.append(`b=${'z'.repeat(900)}`);
  await it.roll();
  await it.clean();
  await it.clock.run(200_000);
  it.append('c=1');
  await it.clock.settle(it.log.sync());
  await it.clock.settle(it.log.applyRetention(it.clock.now()));
  expect(it.read(it.log.logStartOffset)).toEqual([`${it.log.logEndOffset - 1}:c=1`]);
});

test('lookups by time and the largest timestamp see records, not emptied batches', async () => {
  const it = await bench();
  it.append('a=1');
  const atA = it.clock.now();
  await it.clock.run(1000);
  it.append('b=1', { producerId: 5n, producerEpoch: 0, baseSequence: 0 });
  const atB = it.clock.now();
  it.append('b=2');
  await it.roll();
  await it.clean();
  const end = it.log.logEndOffset;
  expect(it.log.offsetForTimestamp(atA, end)?.offset).toBe(0);
  expect(it.log.offsetForTimestamp(atA + 1, end)?.offset).toBe(2);
  expect(it.log.offsetForTimestamp(atB, Offset(2))).toBeUndefined();
  expect(it.log.offsetForTimestamp(MAX_TIMESTAMP, Offset(2))).toMatchObject({ offset: 0, timestamp: atA });
  await it.restart();
  expect(it.log.offsetForTimestamp(MAX_TIMESTAMP, Offset(2))).toMatchObject({ offset: 0, timestamp: atA });
});

test('each offset has its leader epoch, with or without holes', async () => {
  const it = await bench();
  it.append('a=1');
  it.log.beginEpoch(LeaderEpoch(4));
  expect(it.log.append(it.batchOf('a=2'), LeaderEpoch(4)).error).toBe(ErrorCode.NONE);
  expect(it.log.append(it.batchOf(`filler=${'x'.repeat(900)}`), LeaderEpoch(4)).error).toBe(ErrorCode.NONE);
  expect(it.log.append(it.batchOf('last=1'), LeaderEpoch(4)).error).toBe(ErrorCode.NONE);
  await it.clock.settle(it.log.sync());
  await it.clean();
  expect(it.read()).toEqual(['1:a=2']);
  await it.restart();
  expect([it.log.endOffsetForEpoch(LeaderEpoch(0)), it.log.epochAt(Offset(0)), it.log.epochAt(Offset(1))]).toEqual([
    { epoch: 0, endOffset: 1 },
    0,
    4,
  ]);
});

test('cleaner-offset-checkpoint has the format of Kafka, and an offset beyond the end of the log is ignored', async () => {
  const it = await bench();
  it.append('a=1');
  await it.roll();
  await it.clean();
  const path = '/data/cleaner-offset-checkpoint';
  expect(it.disk.files().get(path)?.toString()).toBe(`0\n1\nt 0 ${it.log.cleanedUpTo}\n`);
  expect(it.log.cleanedUpTo).toBeGreaterThan(0);
  const known = it.log.cleanedUpTo;
  await it.restart();
  expect(it.log.cleanedUpTo).toBe(known);
  const file = it.disk.open(path, 'create');
  file.truncate(0);
  file.append(Buffer.from('0\n1\nt 0 99999\n'));
  await it.clock.settle(file.sync());
  await it.restart();
  expect(it.log.cleanedUpTo).toBe(0);
});

test('aborted records are dropped and replace no other record', async () => {
  const it = await bench({ 'delete.retention.ms': '0' });
  const producer = new TransactionalProducer(() => it.log, 7n);
  it.append('a=good');
  producer.send('aborted', 'a');
  it.append('b=good');
  producer.end('abort');
  await it.roll();
  await it.clean();
  expect(it.read().filter((record) => /:\w=/.test(record))).toEqual(['0:a=good', '2:b=good']);
});

/** `offset` of a batch with records, `-offset` of one that is emptied; markers by their end. */
const stored = (it: CompactedLog): string[] =>
  it
    .batches()
    .filter(({ isTransactional }) => isTransactional)
    .map((batch) => {
      const [record] = [...batch.records()];
      if (record === undefined) return `-${batch.baseOffset}`;
      return batch.isControl ? `${readEndMarker(record)?.end} ${batch.baseOffset}` : `${batch.baseOffset}`;
    });

const abortedIn = (it: CompactedLog): string[] =>
  it.log
    .abortedTransactions(Offset(0), it.log.logEndOffset)
    .map(({ firstOffset, lastOffset }) => `${firstOffset}-${lastOffset}`);

test('nothing at or behind an open transaction is cleaned', async () => {
  const it = await bench();
  const producer = new TransactionalProducer(() => it.log, 7n);
  it.append('a=1');
  producer.send('open', 'b');
  it.append('a=2');
  await it.roll();
  expect(await it.clean()).toBe(0);
  producer.end('commit');
  await it.clock.settle(it.log.sync());
  expect(await it.clean()).toBe(1);
  expect(it.read().slice(0, 2)).toEqual(['1:b=open', '2:a=2']);
});

test('the marker of an aborted transaction remains until its records are gone and delete.retention.ms has passed', async () => {
  const it = await bench({ 'delete.retention.ms': '60000' });
  const producer = new TransactionalProducer(() => it.log, 7n);
  const dirtied = async (): Promise<void> => {
    await it.roll();
    expect(await it.clean()).toBe(1);
  };
  producer.send('aborted', 'a'); // 0
  producer.end('abort'); // 1
  producer.send('committed', 'a'); // 2
  producer.end('commit'); // 3
  await dirtied();
  // This pass drops the records; its copy still names the transaction.
  expect([stored(it), abortedIn(it)]).toEqual([['abort 1', '2', 'commit 3'], ['0-1']]);
  await dirtied(); // sets the horizon
  const horizonMs = it.batches().find(({ baseOffset }) => baseOffset === 1)?.deleteHorizonMs ?? 0;
  expect([stored(it), abortedIn(it)]).toEqual([['abort 1', '2', 'commit 3'], []]);
  expect(horizonMs).toBeGreaterThanOrEqual(it.clock.now() + 50_000);
  await it.clock.run(horizonMs - it.clock.now() - 5_000);
  await dirtied();
  expect(stored(it)).toContain('abort 1');
  await it.clock.run(10_000);
  await dirtied();
  expect(stored(it)).toEqual(['2', 'commit 3']);
});

test('the marker of a committed transaction remains while a record of it is the last of its key', async () => {
  const it = await bench({ 'delete.retention.ms': '0' });
  const producer = new TransactionalProducer(() => it.log, 7n);
  producer.send('first', 'a'); // 0
  producer.end('commit'); // 1
  producer.send('second', 'b'); // 2
  producer.end('commit'); // 3
  await it.roll();
  await it.clean();
  expect(stored(it)).toEqual(['0', 'commit 1', '2', 'commit 3']);
  it.append('a=plain');
  for (let pass = 0; pass < 3; pass++) {
    await it.roll();
    await it.clean();
  }
  expect(stored(it)).toEqual(['2', 'commit 3']);
});

test.each(['power cut', 'kill'] as const)(
  'after a %s a cleaned log tells the same aborted transactions',
  async (how) => {
    const it = await bench();
    const [one, two] = [new TransactionalProducer(() => it.log, 7n), new TransactionalProducer(() => it.log, 8n)];
    one.send('x'.repeat(300), 'a'); // 0
    two.send('y'.repeat(300), 'b'); // 1
    one.end('abort'); // 2
    it.append(`c=${'z'.repeat(600)}`); // 3: the other one ends in a later segment
    two.send('y'.repeat(300), 'd'); // 4
    two.end('abort'); // 5
    one.send('good', 'e');
    one.end('commit');
    await it.roll();
    expect(await it.clean()).toBe(1);
    const before = [abortedIn(it), it.read()];
    expect(before[0]).toEqual(['0-2', '1-5']);
    await it.restart(how);
    expect([abortedIn(it), it.read()]).toEqual(before);
  },
);

test('the event loop runs between slices', async () => {
  const it = await bench({ 'segment.bytes': '2000000', 'max.message.bytes': '200000' });
  for (let n = 0; n < 25; n++) it.append(`k${n % 3}=${'v'.repeat(99_000)}`);
  await it.clock.settle(it.log.sync());
  let turns = 0;
  const after = it.clock.after.bind(it.clock);
  it.clock.after = (delayMs, run) => {
    turns++;
    return after(delayMs, run);
  };
  expect(await it.clean()).toBe(1);
  expect(turns).toBeGreaterThan(30); // 2 MB are mapped, then copied, 128 KB at a time
  await it.clock.run(DAY_MS);
});

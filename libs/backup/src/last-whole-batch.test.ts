import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LeaderEpoch, Offset, Timestamp } from '@milepost/core';
import { buildBatch, RecordBatch } from '@milepost/records';
import { lastWholeBatch } from './last-whole-batch.ts';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'backup-'))));
afterAll(() => rmSync(folder, { recursive: true }));

function batchAt(offset: number, valueBytes = 100): Buffer {
  const bytes = buildBatch({ records: [{ key: null, value: Buffer.alloc(valueBytes, 1), timestamp: Timestamp(1) }] });
  RecordBatch.at(bytes, 0)?.assign(Offset(offset), LeaderEpoch(0));
  return bytes;
}

async function endOf(...parts: readonly Buffer[]) {
  const bytes = Buffer.concat(parts);
  writeFileSync(join(folder, 'segment'), bytes);
  await using file = await open(join(folder, 'segment'), 'r');
  return await lastWholeBatch(file, bytes.length, 7);
}

const damaged = (batch: Buffer): Buffer => {
  batch[batch.length - 1] = (batch.at(-1) ?? 0) ^ 1;
  return batch;
};
const batch = batchAt(7);

test('an empty segment ends where it begins', async () => {
  expect(await endOf()).toEqual({ sizeBytes: 0, endOffset: 7, isAstray: false });
});

test('whole batches are copied, also those larger than one read', async () => {
  const large = batchAt(8, 5 * 1024 * 1024);
  const sizeBytes = batch.length + large.length;
  expect(await endOf(batch, large)).toEqual({ sizeBytes, endOffset: 9, isAstray: false });
});

test('for every byte at which an append may be cut, the copy ends after the previous batch', async () => {
  const next = batchAt(8);
  for (let cut = 0; cut < next.length; cut++)
    expect(await endOf(batch, next.subarray(0, cut))).toEqual({
      sizeBytes: batch.length,
      endOffset: 8,
      isAstray: false,
    });
});

test('a damaged batch remains in place if a good one follows, and is not the end', async () => {
  const sizeBytes = 2 * batch.length;
  expect(await endOf(damaged(batchAt(7)), batchAt(8))).toEqual({ sizeBytes, endOffset: 9, isAstray: false });
  expect(await endOf(batch, damaged(batchAt(8)))).toEqual({ sizeBytes: batch.length, endOffset: 8, isAstray: false });
});

test('zeros, which a power cut may leave, are not a batch', async () => {
  expect(await endOf(batch, Buffer.alloc(100))).toEqual({ sizeBytes: batch.length, endOffset: 8, isAstray: true });
});

// `<offset>.snapshot`: the producers as they were when the log ended at that offset. There is one at the start of each
// segment and one at a clean stop, so that a start replays at most one segment.
//
//   version int16 = 1 | crc uint32, CRC-32C of what follows | count int32 | entries:
//   producerId int64 | epoch int16 | lastSequence int32 | lastOffset int64 | offsetDelta int32 | timestamp int64 |
//   coordinatorEpoch int32 | transactionStart int64
//
// Kafka writes one entry for each producer: its last batch. We write one for each remembered batch, oldest first. A
// reader that expects one uses the last, which is the same. Ours uses all five, so that a producer's older batches in
// flight are still recognized as duplicates after a restart. An entry without a batch (offset and sequence -1) alone
// stands for a producer without remembered batches. After entries with batches, it marks later batches as unknown.
import { ByteReader, ByteWriter, MalformedMessage, Offset, Timestamp } from '@milepost/core';
import { crc32c, NO_SEQUENCE } from '@milepost/records';
import { type Producer, ProducerState, type RememberedBatch } from './producer-state.ts';

const VERSION = 1;
const ENTRY_BYTES = 46;
const CRC_AT = 2;
const COUNT_AT = 6;

export function formatSnapshot(state: ProducerState): Buffer {
  const writer = new ByteWriter(1024);
  writer.int16(VERSION);
  writer.uint32(0); // the CRC comes last
  writer.int32(0); // the count too
  let count = 0;
  for (const [producerId, producer] of state.entries())
    for (const batch of linesOf(producer)) {
      writer.int64(producerId);
      writer.int16(producer.epoch);
      writer.int32(batch.lastSequence);
      writer.long(batch.lastOffset);
      writer.int32(batch.offsetDelta);
      writer.long(batch === NO_BATCH ? producer.lastTimestamp : batch.timestamp);
      writer.int32(producer.coordinatorEpoch);
      writer.long(producer.transactionStart);
      count++;
    }
  writer.patchInt32(COUNT_AT, count);
  const bytes = writer.finish();
  bytes.writeUInt32BE(crc32c(bytes.subarray(COUNT_AT)), CRC_AT);
  return bytes;
}

/** @throws MalformedMessage where the bytes are not a whole snapshot. */
export function parseSnapshot(bytes: Buffer, nowMs: number): ProducerState {
  const reader = new ByteReader(bytes);
  const version = reader.int16();
  if (version !== VERSION) throw new MalformedMessage(`version ${version}, expected ${VERSION}`);
  const stated = reader.uint32();
  const computed = crc32c(bytes.subarray(COUNT_AT));
  if (stated !== computed) throw new MalformedMessage(`crc ${stated.toString(16)}, expected ${computed.toString(16)}`);
  const state = new ProducerState();
  for (let left = reader.count(reader.int32(), ENTRY_BYTES); left > 0; left--) readEntry(reader, state, nowMs);
  return state;
}

const NO_BATCH: RememberedBatch = {
  lastSequence: NO_SEQUENCE,
  lastOffset: Offset(-1),
  offsetDelta: 0,
  timestamp: Timestamp(-1),
};

function linesOf({ batches, isIncomplete }: Producer): readonly RememberedBatch[] {
  const known = batches.length > 0 ? batches : [NO_BATCH];
  return isIncomplete ? [...known, NO_BATCH] : known;
}

function readEntry(reader: ByteReader, state: ProducerState, nowMs: number): void {
  const producerId = reader.int64();
  const epoch = reader.int16();
  const lastSequence = reader.int32();
  const lastOffset = Offset(reader.long());
  const offsetDelta = reader.int32();
  const timestamp = Timestamp(reader.long());
  const coordinatorEpoch = reader.int32();
  const transactionStart = Offset(reader.long());
  const batch = lastOffset < 0 ? undefined : { lastSequence, lastOffset, offsetDelta, timestamp };
  state.restore(producerId, { epoch, coordinatorEpoch, lastTimestamp: timestamp, transactionStart }, batch, nowMs);
}

import { ErrorCode, Offset, Timestamp } from '@milepost/core';
import { buildEndMarker, RecordBatch } from '@milepost/records';
import { formatSnapshot, parseSnapshot } from './producer-snapshot.ts';
import { firstOffset, ProducerState } from './producer-state.ts';
import { batchOf, START_MS } from './testing.ts';

const LAST_SEQUENCE = 2 ** 31 - 1;

function batch(
  sequence: number,
  options: { id?: bigint; epoch?: number; count?: number; offset?: number; txn?: boolean } = {},
): RecordBatch {
  const { id = 1n, epoch = 0, count = 1, offset = 0, txn = false } = options;
  const values = Array.from({ length: count }, (_, n) => `v${n}`);
  const idempotence = { producerId: id, producerEpoch: epoch, baseSequence: sequence, isTransactional: txn };
  return RecordBatch.at(batchOf(values, { ...idempotence, baseOffset: Offset(offset) }), 0) as RecordBatch;
}

function marker(epoch: number, coordinatorEpoch: number): RecordBatch {
  const bytes = buildEndMarker({
    end: 'commit',
    coordinatorEpoch,
    producerId: 1n,
    producerEpoch: epoch,
    timestamp: Timestamp(START_MS),
  });
  return RecordBatch.at(bytes, 0) as RecordBatch;
}

function stateOf(...batches: RecordBatch[]): ProducerState {
  const state = new ProducerState();
  for (const one of batches) state.apply(one, 0);
  return state;
}

function verdict(state: ProducerState, one: RecordBatch): string | number {
  const answer = state.check(one);
  if (answer.kind === 'refused') return answer.refused.error;
  return answer.kind === 'duplicate' ? firstOffset(answer.of) : 'next';
}

test('a producer without state may begin at any sequence', () => {
  expect(verdict(stateOf(), batch(0))).toBe('next');
  expect(verdict(stateOf(), batch(4711))).toBe('next');
});

test('sequences follow without a gap', () => {
  const state = stateOf(batch(0, { count: 3 }));
  expect(verdict(state, batch(3))).toBe('next');
  expect(verdict(state, batch(4))).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
  expect(verdict(state, batch(2))).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
});

test('the last five batches are recognized and have their offsets; the sixth is out of order', () => {
  const batches = Array.from({ length: 6 }, (_, n) => batch(n * 2, { count: 2, offset: 100 + n * 10 }));
  const state = stateOf(...batches);
  expect(batches.map((one) => verdict(state, one))).toEqual([
    ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    110,
    120,
    130,
    140,
    150,
  ]);
});

test('a batch of another length is no duplicate', () => {
  const state = stateOf(batch(0, { count: 3 }));
  expect(verdict(state, batch(0, { count: 2 }))).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
});

test('after 2^31 - 1 comes 0, also within a batch', () => {
  const state = stateOf(batch(LAST_SEQUENCE - 1, { count: 2, offset: 5 }));
  expect(verdict(state, batch(0))).toBe('next');
  expect(verdict(state, batch(LAST_SEQUENCE))).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
  const wrapping = batch(LAST_SEQUENCE - 1, { count: 4, offset: 9 });
  const wrapped = stateOf(wrapping);
  expect(verdict(wrapped, wrapping)).toBe(9);
  expect(verdict(wrapped, batch(2))).toBe('next');
});

test('an old epoch is fenced, a new one begins at 0 and the old batches are dropped', () => {
  const state = stateOf(batch(0, { epoch: 3 }), batch(1, { epoch: 3 }));
  expect(verdict(state, batch(2, { epoch: 2 }))).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
  expect(verdict(state, batch(2, { epoch: 4 }))).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
  expect(verdict(state, batch(0, { epoch: 4 }))).toBe('next');
  state.apply(batch(0, { epoch: 4, offset: 50 }), 0);
  expect(verdict(state, batch(0, { epoch: 4 }))).toBe(50);
  expect(verdict(state, batch(1, { epoch: 3 }))).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
});

test('producers do not disturb each other, and plain batches none', () => {
  const state = stateOf(batch(0, { id: 1n }), batch(7, { id: 2n }));
  expect(verdict(state, batch(1, { id: 1n }))).toBe('next');
  expect(verdict(state, batch(8, { id: 2n }))).toBe('next');
  state.apply(batch(-1, { id: -1n, epoch: -1 }), 0);
  expect(state.size).toBe(2);
});

test('a producer that is silent for a day is dropped, unless a transaction is open', () => {
  const state = new ProducerState();
  state.apply(batch(0, { id: 1n }), 0);
  state.apply(batch(0, { id: 2n, txn: true }), 0);
  state.apply(batch(0, { id: 3n }), 10);
  state.expire(1000, 1000);
  expect(state.active().map(({ producerId }) => producerId)).toEqual([2n, 3n]);
});

test('a transaction is open from its first batch to its marker', () => {
  const state = stateOf(batch(0, { offset: 40, txn: true }), batch(1, { offset: 41, txn: true }));
  expect(state.active()).toMatchObject([{ currentTransactionStart: 40, coordinatorEpoch: -1 }]);
  expect(verdict(state, batch(2))).toBe(ErrorCode.INVALID_TXN_STATE);
  state.apply(marker(1, 6), 0);
  expect(state.active()).toMatchObject([{ currentTransactionStart: -1, coordinatorEpoch: 6, producerEpoch: 1 }]);
  expect(verdict(state, batch(0, { epoch: 1 }))).toBe('next');
  expect(verdict(state, batch(0, { epoch: 1, txn: true }))).toBe(ErrorCode.INVALID_TXN_STATE); // nobody verified it
});

test('a snapshot has the whole state', () => {
  const state = stateOf(
    ...Array.from({ length: 7 }, (_, n) => batch(n * 2, { count: 2, offset: n * 10 })),
    batch(5, { id: 2n ** 62n, epoch: 32_767, offset: 99, txn: true }),
    batch(0, { id: 3n }),
  );
  state.apply(marker(2, 9), 0);
  const restored = parseSnapshot(formatSnapshot(state), 0);
  expect([...restored.entries()]).toEqual([...state.entries()]);
  expect(formatSnapshot(new ProducerState())).toHaveLength(10);
});

test('a snapshot with any bit flipped, or cut anywhere, is refused', () => {
  const bytes = formatSnapshot(stateOf(batch(0), batch(1)));
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(() => parseSnapshot(flipped, 0)).toThrow();
  }
  for (let length = 0; length < bytes.length; length++)
    expect(() => parseSnapshot(bytes.subarray(0, length), 0)).toThrow();
});

test('batches after the first batch of a new producer, which the disk refused, are refused until that one is appended', () => {
  const state = new ProducerState();
  state.missed(batch(0));
  state.missed(batch(3));
  expect(verdict(state, batch(3))).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
  expect(verdict(state, batch(0, { epoch: 1 }))).toBe('next');
  expect(verdict(state, batch(5, { id: 2n }))).toBe('next');
  expect(verdict(state, batch(0))).toBe('next');
  state.apply(batch(0), 0);
  expect(verdict(state, batch(1))).toBe('next');
});

describe('where batches are missing', () => {
  const behind = (...known: RecordBatch[]) => {
    const state = stateOf(...known);
    state.markIncomplete();
    return state;
  };

  test('a producer continues at a later sequence, once, and its remembered batches are still duplicates', () => {
    const state = behind(batch(0, { offset: 0 }), batch(1, { offset: 1 }));
    expect([verdict(state, batch(1)), verdict(state, batch(5))]).toEqual([1, 'next']);
    state.apply(batch(5, { offset: 9 }), 0);
    expect([verdict(state, batch(6)), verdict(state, batch(7))]).toEqual([
      'next',
      ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    ]);
  });

  test('an earlier sequence that is not remembered stays out of order, also around 2^31', () => {
    const state = behind(batch(LAST_SEQUENCE, { offset: 0 }));
    expect([verdict(state, batch(LAST_SEQUENCE - 1)), verdict(state, batch(3))]).toEqual([
      ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
      'next',
    ]);
  });

  test('an older epoch stays fenced, a newer one may begin anywhere', () => {
    const state = behind(batch(4, { epoch: 2 }));
    expect(verdict(state, batch(5, { epoch: 1 }))).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
    expect(verdict(state, batch(7, { epoch: 3 }))).toBe('next');
  });

  test('batches after one that the disk refused are refused until that one is appended', () => {
    const state = behind(batch(0));
    state.missed(batch(3));
    expect([verdict(state, batch(4)), verdict(state, batch(3))]).toEqual([
      ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
      'next',
    ]);
  });

  test('a snapshot has that state too', () => {
    const state = behind(batch(0, { offset: 0 }), batch(1, { offset: 1 }), batch(0, { id: 2n, offset: 2 }));
    state.apply(batch(1, { id: 2n, offset: 9 }), 0);
    const again = parseSnapshot(formatSnapshot(state), 0);
    expect([verdict(again, batch(1)), verdict(again, batch(5))]).toEqual([1, 'next']);
    expect(verdict(again, batch(5, { id: 2n }))).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(formatSnapshot(again)).toEqual(formatSnapshot(state));
  });
});

// Written by ProducerStateManager of Apache Kafka 4.3.1: producer 9 has written nothing since its last marker, producer 4711
// has a transaction open since offset 40.
test('a snapshot of Apache Kafka is read, and written again with the same bytes', () => {
  const kafka = Buffer.from(
    '0001e2b525650000000200000000000000090001ffffffffffffffffffffffff000000000000019b76daa80300000008ffffffffffffffff000000000000126700030000000e000000000000002d000000020000019b76daa802000000070000000000000028',
    'hex',
  );
  const state = parseSnapshot(kafka, 0);
  expect(state.active()).toEqual([
    {
      producerId: 9n,
      producerEpoch: 1,
      lastSequence: -1,
      lastTimestamp: 1_767_225_600_003,
      coordinatorEpoch: 8,
      currentTransactionStart: -1,
    },
    {
      producerId: 4711n,
      producerEpoch: 3,
      lastSequence: 14,
      lastTimestamp: 1_767_225_600_002,
      coordinatorEpoch: 7,
      currentTransactionStart: 40,
    },
  ]);
  expect(state.firstUnstable(Offset(100))).toBe(40);
  expect(formatSnapshot(state)).toEqual(kafka);
});

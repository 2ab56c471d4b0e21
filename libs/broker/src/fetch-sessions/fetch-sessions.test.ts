import { type Clock, ErrorCode, NO_BROKER, NO_LEADER_EPOCH, NO_OFFSET, Offset, type Random } from '@milepost/core';
import { ByteReader, silentMeter, Uuid } from '@milepost/core';
import { Fetch, type FetchRequest, requestFrame, readRequestHeader, type RequestInput } from '@milepost/wire';
import { type FetchContext, fetchContextOf, type SessionAnswer } from './fetch-context.ts';
import { epochAfter, type FetchedPartition } from './fetch-session.ts';
import { FetchSessionCache } from './fetch-session-cache.ts';

const TWO_MINUTES = 120_000;
const trucks = Uuid('00000000-0000-0000-0000-0000000000a1');

function given(slots = 1000, mostPartitions = 1_000_000) {
  let now = 0;
  let nextId = 0;
  const clock: Clock = { now: () => now, monotonic: () => now, after: () => () => {} };
  const random: Random = { below: () => nextId++, chance: () => false, uuid: () => '' };
  const cache = new FetchSessionCache({ clock, random, meter: silentMeter, slots, mostPartitions });
  const names = new Map([[trucks, 'trucks']]);
  const ask = (version: number, request: RequestInput<typeof Fetch>): FetchContext | ErrorCode =>
    fetchContextOf(asBroker(version, request), version, cache, (id) => names.get(id));
  return { cache, names, ask, pass: (ms: number) => (now += ms) };
}

/** The request as the broker decodes it. */
function asBroker(apiVersion: number, request: RequestInput<typeof Fetch>): FetchRequest {
  const reader = new ByteReader(requestFrame(Fetch, { apiVersion, correlationId: 0, clientId: null }, request), 4);
  readRequestHeader(reader);
  return Fetch.request(apiVersion).read(reader);
}

const partition = (index: number, fetchOffset = 0) => ({
  partition: index,
  fetchOffset: Offset(fetchOffset),
  partitionMaxBytes: 1000,
});
const named = (topic: string, ...partitions: ReturnType<typeof partition>[]) => [{ topic, partitions }];
const request = (
  sessionId: number,
  sessionEpoch: number,
  topics: RequestInput<typeof Fetch>['topics'] = [],
  more: Partial<RequestInput<typeof Fetch>> = {},
) => ({ maxWaitMs: 0, minBytes: 1, sessionId, sessionEpoch, topics, ...more });

const answered = (partitionIndex: number, more: Partial<FetchedPartition> = {}): FetchedPartition => ({
  partitionIndex,
  errorCode: ErrorCode.NONE,
  highWatermark: Offset(10),
  logStartOffset: Offset(0),
  abortedTransactions: null,
  records: Buffer.alloc(0),
  ...more,
});

/** Reads all requested partitions. */
function read(
  context: FetchContext | ErrorCode,
  answerOf: (index: number) => FetchedPartition = (index) => answered(index),
): SessionAnswer {
  if (typeof context === 'number') throw new Error(`error ${context}`);
  return context.answer(context.partitions.map((one) => ({ named: one, answer: answerOf(one.asked.partition) })));
}
const order = (context: FetchContext | ErrorCode): string[] =>
  typeof context === 'number'
    ? []
    : context.partitions.map(({ topic, asked }) => `${topic}-${asked.partition}@${asked.fetchOffset}`);
const told = ({ read: partitions }: SessionAnswer): number[] =>
  partitions.map(({ named: { asked } }) => asked.partition);

test('a full request opens a session; the next request and response have only changes', () => {
  const { ask, cache } = given();
  const first = read(ask(12, request(0, 0, named('t', partition(0), partition(1), partition(2)))));
  expect([first.sessionId, told(first), cache.size, cache.partitionCount]).toEqual([1, [0, 1, 2], 1, 3]);

  const second = ask(12, request(1, 1, named('t', partition(1, 5))));
  expect(order(second)).toEqual(['t-0@0', 't-1@5', 't-2@0']);
  const moved = read(second, (index) => answered(index, index === 2 ? { highWatermark: Offset(11) } : {}));
  expect([moved.sessionId, told(moved)]).toEqual([1, [2]]);
  expect(
    told(read(ask(12, request(1, 2)), (index) => answered(index, index === 2 ? { highWatermark: Offset(11) } : {}))),
  ).toEqual([]);
  expect(told(read(ask(12, request(1, 3)), (index) => answered(index, { logStartOffset: Offset(index) })))).toEqual([
    1, 2,
  ]);
});

test('partitions are removed and added; a session without any ends', () => {
  const { ask, cache } = given();
  read(ask(12, request(0, 0, named('t', partition(0), partition(1)))));
  const forget = (...partitions: number[]) => ({ forgottenTopicsData: [{ topic: 't', partitions }] });
  expect(order(ask(12, request(1, 1, named('u', partition(7)), forget(0))))).toEqual(['t-1@0', 'u-7@0']);
  expect(cache.partitionCount).toBe(2);
  const last = ask(
    12,
    request(1, 2, [], {
      forgottenTopicsData: [
        { topic: 'u', partitions: [7] },
        { topic: 't', partitions: [1] },
      ],
    }),
  );
  expect(order(last)).toEqual([]);
  expect(read(last).sessionId).toBe(0);
  expect([cache.size, cache.partitionCount]).toEqual([0, 0]);
  expect(ask(12, request(1, 3))).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
});

test('an unknown session, an epoch that is not the next, ids where names were used: each has its error', () => {
  const { ask } = given();
  expect(ask(12, request(99, 1))).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
  expect(ask(12, request(0, 1))).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
  read(ask(12, request(0, 0, named('t', partition(0)))));
  expect(ask(12, request(1, 2))).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
  expect(ask(13, request(1, 1))).toBe(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR);
  read(ask(13, request(0, 0, [{ topicId: trucks, partitions: [partition(0)] }])));
  expect(ask(12, request(2, 1))).toBe(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR);
  expect(order(ask(13, request(2, 1)))).toEqual(['trucks-0@0']);
});

test('epochs go from 2^31 - 1 back to 1', () => {
  expect([epochAfter(1), epochAfter(0x7fff_ffff)]).toEqual([2, 1]);
});

test('the response to a request that was sent twice is an error, not the data twice', () => {
  const { ask } = given();
  read(ask(12, request(0, 0, named('t', partition(0)))));
  const slow = ask(12, request(1, 1));
  const next = ask(12, request(1, 2));
  expect(read(slow)).toEqual({ errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH, sessionId: 1, read: [] });
  expect(read(next).errorCode).toBe(ErrorCode.NONE);
});

test('a partition that gave records is read last the next time', () => {
  const { ask } = given();
  read(ask(12, request(0, 0, named('t', partition(0), partition(1), partition(2)))));
  const records = Buffer.alloc(10);
  expect(told(read(ask(12, request(1, 1)), (index) => answered(index, index < 1 ? { records } : {})))).toEqual([0]);
  expect(order(ask(12, request(1, 2)))).toEqual(['t-1@0', 't-2@0', 't-0@0']);
});

test('an error is sent each time, and so is the partition when the error is over', () => {
  const { ask } = given();
  const failing = (index: number) => answered(index, { errorCode: ErrorCode.KAFKA_STORAGE_ERROR });
  read(ask(12, request(0, 0, named('t', partition(0)))));
  expect(told(read(ask(12, request(1, 1)), failing))).toEqual([0]);
  expect(told(read(ask(12, request(1, 2)), failing))).toEqual([0]);
  expect(told(read(ask(12, request(1, 3))))).toEqual([0]);
  expect(told(read(ask(12, request(1, 4))))).toEqual([]);
});

test('a fetcher that is referred elsewhere or has diverged gets a response', () => {
  const { ask } = given();
  read(ask(12, request(0, 0, named('t', partition(0), partition(1), partition(2)))));
  const answerOf = (index: number): FetchedPartition =>
    answered(index, {
      preferredReadReplica: index === 0 ? (2 as typeof NO_BROKER) : NO_BROKER,
      divergingEpoch: { epoch: index === 1 ? (4 as typeof NO_LEADER_EPOCH) : NO_LEADER_EPOCH, endOffset: NO_OFFSET },
    });
  expect(told(read(ask(12, request(1, 1)), answerOf))).toEqual([0, 1]);
});

test('a topic that appears later gets its name in the session', () => {
  const { ask, names } = given();
  const boats = Uuid('00000000-0000-0000-0000-0000000000b2');
  const first = ask(13, request(0, 0, [{ topicId: boats, partitions: [partition(0)] }]));
  expect(order(first)).toEqual(['undefined-0@0']);
  read(first);
  names.set(boats, 'boats');
  expect(order(ask(13, request(1, 1)))).toEqual(['boats-0@0']);
});

test('the final epoch ends the session and opens none; a full request replaces the one that it names', () => {
  const { ask, cache } = given();
  read(ask(12, request(0, 0, named('t', partition(0)))));
  expect(read(ask(12, request(1, 0, named('t', partition(0))))).sessionId).toBe(2);
  expect(cache.size).toBe(1);
  const final = ask(12, request(2, -1, named('t', partition(0))));
  expect(order(final)).toEqual(['t-0@0']);
  expect([read(final).sessionId, cache.size, cache.partitionCount]).toEqual([0, 0, 0]);
});

test('a partition named twice is read once, as it was named last', () => {
  const { ask } = given();
  const twice = ask(12, request(0, -1, named('t', partition(0, 1), partition(1), partition(0, 9))));
  expect(order(twice)).toEqual(['t-0@9', 't-1@0']);
});

describe('a full cache', () => {
  const open = ({ ask }: ReturnType<typeof given>, partitions: number, replicaId = -1): number => {
    const many = Array.from({ length: partitions }, (_, index) => partition(index));
    return read(ask(12, request(0, 0, named('t', ...many), { replicaId: replicaId as typeof NO_BROKER }))).sessionId;
  };

  test('opens no session, and the fetcher continues without one', () => {
    const it = given(2);
    expect([open(it, 1), open(it, 1), open(it, 5)]).toEqual([1, 2, 0]);
    expect(it.cache.size).toBe(2);
  });

  test('with no slots at all never opens one', () => {
    expect(open(given(0), 1)).toBe(0);
  });

  test('evicts the session that was unused for two minutes', () => {
    const it = given(2);
    open(it, 9);
    open(it, 9);
    it.pass(TWO_MINUTES);
    it.ask(12, request(1, 1));
    expect(open(it, 1)).toBe(0);
    it.pass(1);
    expect(open(it, 1)).toBe(3);
    expect(it.cache.get(2)).toBeUndefined();
    expect(it.cache.get(1)).toBeDefined();
    expect(it.cache.partitionCount).toBe(10);
  });

  test('evicts a smaller session for a larger one, once it is two minutes old', () => {
    const it = given(2);
    open(it, 2);
    open(it, 3);
    it.pass(TWO_MINUTES + 1);
    it.ask(12, request(1, 1));
    it.ask(12, request(2, 1));
    expect(open(it, 2)).toBe(0);
    expect(open(it, 3)).toBe(3);
    expect(it.cache.get(1)).toBeUndefined();
    expect(open(it, 9)).toBe(4);
    expect(it.cache.get(2)).toBeUndefined();
    expect(open(it, 10)).toBe(0); // the two remaining ones are young
  });

  test("evicts a consumer's session for a follower's, and never the other way round", () => {
    const it = given(2);
    open(it, 9);
    open(it, 1, 2);
    expect(open(it, 1, 3)).toBe(3);
    expect(it.cache.get(1)).toBeUndefined();
    it.pass(TWO_MINUTES - 1);
    it.ask(12, request(2, 1));
    it.ask(12, request(3, 1));
    it.pass(2);
    it.ask(12, request(2, 2));
    it.ask(12, request(3, 2));
    expect(open(it, 50)).toBe(0);
    expect(open(it, 50, 4)).toBe(4);
  });

  test('a session that outgrows the limit of partitions ends', () => {
    const it = given(10, 6);
    expect(open(it, 5)).toBe(1);
    expect(open(it, 2)).toBe(0);
    expect(open(it, 1)).toBe(2);
    expect(it.ask(12, request(2, 1, named('t', partition(5))))).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    expect([it.cache.size, it.cache.partitionCount]).toEqual([1, 5]);
  });
});

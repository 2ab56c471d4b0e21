import { type Logger, silentLogger, silentMeter } from '@milepost/core';
import { ManualClock, settled } from '../../../core/src/testing/manual-clock.ts';
import { MemorySessionDatabase, MemorySessionStore } from './memory-session-store.ts';
import type { QueuedPacket } from './message-queue.ts';
import type { StoredWill } from './session-store.ts';
import { type SessionLimits, Sessions } from './sessions.ts';

const clock = new ManualClock();
const LATER_MS = 10_000;

interface Gateway {
  readonly sessions: Sessions;
  readonly lost: string[];
  readonly orphaned: StoredWill[];
  /** It dies: what it has not written is gone, and it holds nothing any more. */
  kill(): Promise<void>;
}

async function gateway(
  database: MemorySessionDatabase,
  limits: Partial<SessionLimits> = {},
  logger: Logger = silentLogger,
): Promise<Gateway> {
  const store = new MemorySessionStore(database);
  let isDead = false;
  const write = store.write.bind(store);
  store.write = (changes) => (isDead ? new Promise(() => {}) : write(changes));
  const sessions = new Sessions({ clock, logger, meter: silentMeter, store, limits });
  const lost: string[] = [];
  const orphaned: StoredWill[] = [];
  await sessions.open({ lost: (id) => lost.push(id), orphaned: (will) => orphaned.push(will) });
  const kill = async (): Promise<void> => {
    isDead = true;
    store.adopt = () => new Promise(() => {});
    await store.close();
  };
  return { sessions, lost, orphaned, kill };
}

let counter = 0;
const packet = (topic: string, more: Partial<QueuedPacket> = {}): QueuedPacket => ({
  topic,
  payload: Buffer.from(topic),
  qos: 1,
  retain: false,
  brokerId: 'engine',
  brokerCounter: ++counter,
  ...more,
});

const publish = (
  sessions: Sessions,
  topic: string,
  more: Partial<QueuedPacket> = {},
  expiryMs?: number,
): QueuedPacket => {
  const sent = packet(topic, more);
  sessions.enqueue(sessions.subscriptionsTo(topic), sent, expiryMs);
  return sent;
};

const topicsOf = (sessions: Sessions, id: string): string[] => sessions.queueOf(id).map((one) => one.packet.topic);

const WILL = {
  session: 't-1',
  clientId: 't-1',
  rights: undefined,
  topic: 'lwt',
  payload: Buffer.from('x'),
  qos: 1,
  retain: false,
};

/** A device with a subscription that has left. */
function leftBehind(sessions: Sessions, id: string, filter: string, qos = 2): void {
  const holder = {};
  sessions.begin(id, holder);
  sessions.subscribe(id, [{ topic: filter, qos }]);
  sessions.leave(id, holder);
}

test('subscriptions, queued and retained messages are there after a restart', async () => {
  const database = new MemorySessionDatabase();
  const first = await gateway(database);
  leftBehind(first.sessions, 't-1', 'cmd/#');
  publish(first.sessions, 'cmd/1');
  publish(first.sessions, 'cmd/2', { qos: 2 });
  first.sessions.retain({ topic: 'cfg', payload: Buffer.from('5') });
  await clock.advance(LATER_MS);
  await first.kill();
  const { sessions } = await gateway(database);
  expect(sessions.isPresent('t-1')).toBe(true);
  expect(sessions.subscriptionsOf('t-1')).toEqual([{ topic: 'cmd/#', qos: 2 }]);
  expect(topicsOf(sessions, 't-1')).toEqual(['cmd/1', 'cmd/2']);
  expect([...sessions.retained.matching(['#'])]).toMatchObject([{ topic: 'cfg', payload: Buffer.from('5') }]);
  publish(sessions, 'cmd/3');
  expect(topicsOf(sessions, 't-1')).toEqual(['cmd/1', 'cmd/2', 'cmd/3']);
});

test('a message of QoS 2 keeps its packet id over a restart, and is never sent again once its receipt is stored', async () => {
  const database = new MemorySessionDatabase();
  let life = await gateway(database);
  leftBehind(life.sessions, 't-1', 'cmd/#');
  publish(life.sessions, 'cmd/1', { qos: 2 });
  await clock.advance(LATER_MS);
  const [queued] = life.sessions.queueOf('t-1');
  if (!queued) throw new Error('nothing is queued');
  await life.sessions.update('t-1', queued.packet, queued.messageId); // sent; the gateway dies before it is stored
  await life.kill();

  life = await gateway(database);
  expect(life.sessions.queueOf('t-1')).toMatchObject([{ messageId: queued.messageId, state: 'queued' }]);
  let mayRelease = false;
  void life.sessions.received('t-1', queued.messageId).then(() => (mayRelease = true));
  await settled();
  expect(mayRelease).toBe(false);
  await clock.advance(LATER_MS);
  expect(mayRelease).toBe(true);
  await life.kill();

  const { sessions } = await gateway(database);
  expect(sessions.queueOf('t-1')).toMatchObject([{ messageId: queued.messageId, state: 'released' }]);
  sessions.acknowledged('t-1', queued.messageId);
  expect(sessions.queueOf('t-1')).toEqual([]);
});

test('a message that is acknowledged at once is never written', async () => {
  const database = new MemorySessionDatabase();
  const { sessions } = await gateway(database);
  leftBehind(sessions, 't-1', 'cmd/#');
  await clock.advance(LATER_MS);
  const { writes } = database;
  const sent = publish(sessions, 'cmd/1', { qos: 2 });
  await sessions.update('t-1', sent, 7); // does not wait: the store does not know it
  await sessions.received('t-1', 7);
  sessions.acknowledged('t-1', 7);
  await clock.advance(LATER_MS);
  expect(database.messages.size).toBe(0);
  expect(database.writes - writes).toBeLessThanOrEqual(1);
});

test('a database that is away holds nothing up, is logged in one line, and gets everything later', async () => {
  const database = new MemorySessionDatabase();
  const lines: string[] = [];
  const log = (_: object, line: string): void => void lines.push(line);
  const { sessions } = await gateway(database, {}, { ...silentLogger, warn: log, info: log });
  database.isAway = true;
  leftBehind(sessions, 't-1', 'cmd/#');
  publish(sessions, 'cmd/1');
  const sent = publish(sessions, 'cmd/2', { qos: 2 });
  await sessions.update('t-1', sent, 7);
  await sessions.received('t-1', 7);
  await clock.advance(60_000);
  expect(sessions.figures().failedWrites).toBeGreaterThan(10);
  expect(sessions.figures().pendingWrites).toBe(3);
  expect(lines).toHaveLength(1);
  database.isAway = false;
  await clock.advance(LATER_MS);
  expect(sessions.figures().pendingWrites).toBe(0);
  expect(lines).toHaveLength(2);
  expect([...database.messages.values()].map(({ state }) => state)).toEqual(['queued', 'released']);
});

test('a store that is away at the start is loaded when it is back, beside what came meanwhile', async () => {
  const database = new MemorySessionDatabase();
  const first = await gateway(database);
  leftBehind(first.sessions, 't-1', 'cmd/#');
  publish(first.sessions, 'cmd/1');
  await clock.advance(LATER_MS);
  await first.kill();
  database.isAway = true;
  const { sessions } = await gateway(database);
  expect(sessions.isShared).toBe(true);
  expect(await sessions.acquire('t-1')).toBe(false); // nobody knows whether it exists
  leftBehind(sessions, 't-2', 'cmd/#');
  publish(sessions, 'cmd/2');
  database.isAway = false;
  await clock.advance(LATER_MS);
  expect(topicsOf(sessions, 't-1')).toEqual(['cmd/1']);
  expect(topicsOf(sessions, 't-2')).toEqual(['cmd/2']);
  expect(sessions.isShared).toBe(false);
});

test('what does not fit is dropped and counted', async () => {
  const { sessions } = await gateway(new MemorySessionDatabase(), {
    sessions: 2,
    messagesOfSession: 2,
    queuedBytes: 1_000,
    subscriptionsOfSession: 2,
    retainedMessages: 1,
  });
  leftBehind(sessions, 't-1', 'one/#');
  leftBehind(sessions, 't-2', 'two/#');
  for (let n = 0; n < 3; n++) publish(sessions, 'one/x');
  publish(sessions, 'two/x', { payload: Buffer.alloc(900) });
  expect(sessions.figures()).toMatchObject({ queuedMessages: 2, dropped: { 'queue-full': 1, 'store-full': 1 } });
  sessions.subscribe('t-2', [
    { topic: 'a', qos: 1 },
    { topic: 'b', qos: 1 },
  ]);
  expect(sessions.subscriptionsOf('t-2').map(({ topic }) => topic)).toEqual(['two/#', 'a']);
  leftBehind(sessions, 't-3', 'three/#'); // t-1 left longest ago
  expect(sessions.figures()).toMatchObject({
    away: 2,
    queuedMessages: 0,
    queuedBytes: 0,
    dropped: { 'session-ended': 2 },
    ended: { evicted: 1 },
  });
  expect(sessions.subscriptionsTo('one/x')).toEqual([]);
  sessions.retain({ topic: 'a', payload: Buffer.from('1') });
  expect(sessions.retained.accepts({ topic: 'b', payload: Buffer.from('1') })).toBe(false);
  expect(sessions.retained.accepts({ topic: 'a', payload: Buffer.from('2') })).toBe(true);
});

test('no session has room while all devices are connected: a further device has none', async () => {
  const { sessions } = await gateway(new MemorySessionDatabase(), { sessions: 1 });
  sessions.begin('t-1', {});
  sessions.begin('t-2', {});
  sessions.subscribe('t-2', [{ topic: 'a', qos: 1 }]);
  expect(sessions.isPresent('t-2')).toBe(false);
  expect(sessions.figures().ended['no-room']).toBeGreaterThan(0);
});

test('an id or a topic that is too long for the key of an index is not stored', async () => {
  const database = new MemorySessionDatabase();
  const { sessions } = await gateway(database);
  const long = 'é'.repeat(513);
  leftBehind(sessions, long, 'cmd/#');
  sessions.setWill({ ...WILL, session: long });
  expect(sessions.retained.accepts({ topic: long, payload: Buffer.from('1') })).toBe(false);
  await clock.advance(LATER_MS);
  expect([database.sessions.size, database.wills.size]).toEqual([0, 0]);
  expect(sessions.figures().ended['no-room']).toBeGreaterThan(0);
});

test('sessions and messages expire, also over a restart', async () => {
  const database = new MemorySessionDatabase();
  const first = await gateway(database, { sessionExpiryMs: 100_000, messageExpiryMs: 60_000 });
  leftBehind(first.sessions, 't-1', 'cmd/#');
  publish(first.sessions, 'cmd/short', {}, 30_000);
  publish(first.sessions, 'cmd/long', {}, 90_000); // no longer than the limit
  await clock.advance(LATER_MS);
  await first.kill();
  const { sessions } = await gateway(database);
  await clock.advance(30_000);
  expect(topicsOf(sessions, 't-1')).toEqual(['cmd/long']);
  expect(sessions.figures().dropped.expired).toBe(1);
  await clock.advance(30_000);
  expect(topicsOf(sessions, 't-1')).toEqual([]);
  expect(sessions.isPresent('t-1')).toBe(true);
  await clock.advance(40_000);
  expect(sessions.isPresent('t-1')).toBe(false);
  await clock.advance(LATER_MS);
  expect([database.sessions.size, database.messages.size]).toEqual([0, 0]);
});

test('a session whose device was connected when its gateway died expires from the restart on', async () => {
  const database = new MemorySessionDatabase();
  const first = await gateway(database, { sessionExpiryMs: 100_000 });
  first.sessions.begin('t-1', {});
  first.sessions.subscribe('t-1', [{ topic: 'cmd', qos: 1 }]);
  await clock.advance(200_000);
  await first.kill();
  const { sessions } = await gateway(database, { sessionExpiryMs: 100_000 });
  expect(sessions.isPresent('t-1')).toBe(true);
  await clock.advance(100_000);
  expect(sessions.isPresent('t-1')).toBe(false);
});

test('MQTT 5: a session without a subscription is present, for as long as its device has asked', async () => {
  const database = new MemorySessionDatabase();
  const first = await gateway(database);
  const holder = {};
  first.sessions.begin('t-1', holder, { expiryMs: 20_000, isStored: true });
  first.sessions.begin('t-2', holder, { expiryMs: 20_000, isStored: true });
  first.sessions.leave('t-1', {}); // not its connection any more
  first.sessions.leave('t-1', holder);
  first.sessions.leave('t-2', holder, 0);
  expect(first.sessions.isPresent('t-2')).toBe(false);
  await clock.advance(LATER_MS);
  await first.kill();
  const { sessions } = await gateway(database);
  expect(sessions.isPresent('t-1')).toBe(true);
  expect(sessions.isPresent('t-2')).toBe(false);
  await clock.advance(20_000);
  expect(sessions.isPresent('t-1')).toBe(false);
});

test('overlapping subscriptions queue a message once, at the highest QoS', async () => {
  const { sessions } = await gateway(new MemorySessionDatabase());
  leftBehind(sessions, 't-1', 'cmd/#', 1);
  sessions.subscribe('t-1', [
    { topic: 'cmd/+', qos: 2 },
    { topic: 'cmd/low', qos: 0 },
  ]);
  publish(sessions, 'cmd/x', { qos: 2 });
  publish(sessions, 'cmd/low', { qos: 1 });
  expect(sessions.queueOf('t-1').map(({ packet: { qos } }) => qos)).toEqual([2, 1]);
});

test('a session moves to the gateway that its device connects to', async () => {
  const database = new MemorySessionDatabase();
  const [one, other] = [await gateway(database), await gateway(database)];
  await clock.advance(LATER_MS);
  leftBehind(one.sessions, 't-1', 'cmd/#');
  publish(one.sessions, 'cmd/1');
  await clock.advance(LATER_MS);
  expect(other.sessions.isShared).toBe(true);
  expect(await other.sessions.acquire('t-1')).toBe(true);
  expect(topicsOf(other.sessions, 't-1')).toEqual(['cmd/1']);
  await clock.advance(LATER_MS);
  expect(one.lost).toEqual(['t-1']);
  expect(one.sessions.isPresent('t-1')).toBe(false);
  expect(one.sessions.figures().queuedBytes).toBe(0);
});

test('a device that starts over elsewhere finds nothing of its former session when it returns', async () => {
  const database = new MemorySessionDatabase();
  const [one, other] = [await gateway(database), await gateway(database)];
  await clock.advance(LATER_MS);
  leftBehind(one.sessions, 't-1', 'cmd/#');
  publish(one.sessions, 'cmd/1');
  await clock.advance(LATER_MS);
  other.sessions.discard('t-1');
  await clock.advance(LATER_MS);
  expect([database.sessions.size, database.messages.size]).toEqual([0, 0]);
});

test('the last will of a client whose gateway died is reported once, to one gateway', async () => {
  const database = new MemorySessionDatabase();
  const first = await gateway(database);
  first.sessions.setWill(WILL);
  first.sessions.setWill({ ...WILL, session: 't-2' });
  first.sessions.removeWill('t-2');
  await clock.advance(LATER_MS);
  await first.kill();
  const second = await gateway(database);
  expect(second.orphaned).toEqual([WILL]);
  await clock.advance(LATER_MS);
  await second.kill();
  expect((await gateway(database)).orphaned).toEqual([]);
});

test('a stop writes what is not written yet', async () => {
  const database = new MemorySessionDatabase();
  const { sessions } = await gateway(database);
  leftBehind(sessions, 't-1', 'cmd/#');
  publish(sessions, 'cmd/1');
  await sessions.close();
  expect(database.messages.size).toBe(1);
});

// The promises of every SessionStore.
import {
  MAX_KEY_BYTES,
  type SessionChanges,
  type SessionState,
  type SessionStore,
  type StoredMessage,
  type StoredWill,
} from './session-store.ts';

export interface SessionDatabaseUnderTest {
  /** The store of another gateway, on the same data. */
  gateway(): Promise<SessionStore>;
  close(): Promise<void>;
}

const NOTHING: SessionChanges = {
  discardedSessions: [],
  sessions: [],
  removedSessions: [],
  messages: [],
  removedMessages: [],
  retained: [],
  removedRetained: [],
  wills: [],
  removedWills: [],
};

const session = (id: string, more: Partial<SessionState> = {}): SessionState => ({
  id,
  subscriptions: [{ topic: `cmd/${id}`, qos: 1 }],
  unreleased: [],
  expiryMs: 60_000,
  leftAtMs: 1_800_000_000_000,
  ...more,
});

const message = (id: string, position: number, more: Partial<StoredMessage> = {}): StoredMessage => ({
  session: id,
  position,
  topic: `cmd/${id}`,
  payload: Buffer.from([0, 255, position % 256]),
  qos: 2,
  retain: false,
  messageId: 65_535 - (position % 100),
  state: 'queued',
  expiresAtMs: 1_800_000_060_000,
  ...more,
});

const will = (id: string, more: Partial<StoredWill> = {}): StoredWill => ({
  session: id,
  clientId: id,
  rights: undefined,
  topic: `lwt/${id}`,
  payload: Buffer.from('gone'),
  qos: 1,
  retain: true,
  ...more,
});

export function sessionStoreContract(name: string, make: () => Promise<SessionDatabaseUnderTest>): void {
  describe(name, () => {
    let it: SessionDatabaseUnderTest;
    let store: SessionStore;
    beforeEach(async () => {
      it = await make();
      store = await it.gateway();
      await store.adopt();
    });
    afterEach(async () => {
      await store.close();
      await it.close();
    });

    const write = (changes: Partial<SessionChanges>, gateway = store): Promise<void> =>
      gateway.write({ ...NOTHING, ...changes });

    /** The gateway dies, and another one comes. */
    const restarted = async (): Promise<SessionStore> => {
      await store.close();
      store = await it.gateway();
      return store;
    };

    test('a gateway that starts gets what the last one has left', async () => {
      const state = session('t-1', {
        subscriptions: [
          { topic: 'cmd/t-1', qos: 2, rh: 0, rap: true, nl: false, subscriptionIdentifier: 7 },
          { topic: 'cfg/#', qos: 0 },
        ],
        unreleased: [1, 65_535],
      });
      const connected = session('t-2', { leftAtMs: undefined });
      const position = Date.UTC(2026, 10, 30) * 1000;
      const messages = [message('t-1', position), message('t-1', position + 1, { state: 'released', retain: true })];
      await write({ sessions: [state, connected], messages: [...messages].reverse() });
      const { sessions } = await (await restarted()).adopt();
      expect([...sessions].sort((one, other) => (one.id < other.id ? -1 : 1))).toEqual([
        { ...state, messages },
        { ...connected, messages: [] },
      ]);
    });

    test('a write replaces rows, and removes them', async () => {
      await write({ sessions: [session('t-1'), session('t-2')], messages: [message('t-1', 1), message('t-1', 2)] });
      await write({
        sessions: [session('t-1', { expiryMs: 5, leftAtMs: undefined })],
        removedSessions: ['t-2'],
        messages: [message('t-1', 2, { messageId: 9, state: 'sent' })],
        removedMessages: [message('t-1', 1)],
      });
      const { sessions } = await (await restarted()).adopt();
      expect(sessions).toEqual([
        {
          ...session('t-1', { expiryMs: 5, leftAtMs: undefined }),
          messages: [message('t-1', 2, { messageId: 9, state: 'sent' })],
        },
      ]);
    });

    test('a write may be repeated', async () => {
      const changes = {
        sessions: [session('t-1')],
        messages: [message('t-1', 1)],
        retained: [{ topic: 'cfg', payload: Buffer.from('1'), qos: 1 }],
        wills: [will('t-1')],
      };
      await write(changes);
      await write(changes);
      const { sessions, wills } = await (await restarted()).adopt();
      expect(sessions).toHaveLength(1);
      expect(sessions[0]?.messages).toHaveLength(1);
      expect(wills).toHaveLength(1);
    });

    test('retained messages are there for every gateway', async () => {
      const [one, other] = ['one', 'other'].map((topic) => ({ topic, payload: Buffer.from(topic), qos: 1 }));
      if (!one || !other) throw new Error('unreachable');
      await write({ retained: [one, other] });
      await write({ retained: [{ ...one, qos: 0 }], removedRetained: ['other'] });
      expect(await (await it.gateway()).retained()).toEqual([{ ...one, qos: 0 }]);
    });

    test('the last wills of a gateway that died go to another, those of one that lives stay', async () => {
      const rights = { id: 't-2', publish: ['fleet/#'] };
      await write({ wills: [will('t-1'), will('t-2', { rights }), will('t-3')] });
      await write({ removedWills: ['t-3'] });
      const neighbor = await it.gateway();
      expect((await neighbor.adopt()).wills).toEqual([]);
      await store.close();
      const { wills } = await neighbor.adopt();
      expect([...wills].sort((a, b) => (a.session < b.session ? -1 : 1))).toEqual([
        will('t-1'),
        will('t-2', { rights }),
      ]);
      expect((await neighbor.adopt()).wills).toEqual([]);
      await neighbor.close();
    });

    test('a session moves to the gateway that its device connects to, and the former one is notified', async () => {
      const neighbor = await it.gateway();
      expect((await neighbor.adopt()).hasOthers).toBe(true);
      await write({ sessions: [session('t-1')], messages: [message('t-1', 1)] });
      expect(await neighbor.acquire('t-1')).toEqual({
        kind: 'acquired',
        session: { ...session('t-1'), messages: [message('t-1', 1)] },
      });
      expect(await neighbor.acquire('t-1')).toEqual({ kind: 'held' });
      expect(await neighbor.acquire('t-9')).toEqual({ kind: 'absent' });
      expect((await store.adopt()).lost).toEqual(['t-1']);
      expect((await store.adopt()).lost).toEqual([]);
      await neighbor.close();
    });

    test('the former gateway of a session changes nothing of it', async () => {
      const neighbor = await it.gateway();
      await neighbor.adopt();
      await write({ sessions: [session('t-1')], messages: [message('t-1', 1)] });
      await neighbor.acquire('t-1');
      await write({
        sessions: [session('t-1', { subscriptions: [] })],
        messages: [message('t-1', 2)],
        removedMessages: [message('t-1', 1)],
      });
      await write({ removedSessions: ['t-1'] });
      await neighbor.close();
      const { sessions } = await store.adopt();
      expect(sessions).toEqual([{ ...session('t-1'), messages: [message('t-1', 1)] }]);
    });

    test('a session that starts over is removed from every gateway', async () => {
      const neighbor = await it.gateway();
      await neighbor.adopt();
      await write({ sessions: [session('t-1')], messages: [message('t-1', 1)] });
      await write({ discardedSessions: ['t-1'], sessions: [session('t-1', { subscriptions: [] })] }, neighbor);
      await neighbor.close();
      const { sessions } = await store.adopt();
      expect(sessions).toEqual([{ ...session('t-1', { subscriptions: [] }), messages: [] }]);
    });

    test('the longest ids and topics have room', async () => {
      const long = (start: number): string =>
        Array.from({ length: MAX_KEY_BYTES }, (_, n) =>
          String.fromCharCode(33 + ((start + n * n * 31 + n * 7) % 94)),
        ).join('');
      const [id, topic] = [long(1), long(2)];
      await write({
        sessions: [session(id)],
        messages: [message(id, 1)],
        retained: [{ topic, payload: Buffer.from('1'), qos: 0 }],
        wills: [will(id)],
      });
      const { sessions, wills } = await (await restarted()).adopt();
      expect(sessions.map((one) => one.id)).toEqual([id]);
      expect(wills.map((one) => one.session)).toEqual([id]);
      expect((await store.retained()).map((one) => one.topic)).toEqual([topic]);
    });

    test('a gateway that runs alone is told so', async () => {
      expect((await store.adopt()).hasOthers).toBe(false);
    });
  });
}

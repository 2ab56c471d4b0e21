// A SessionStore in memory. Gateways that share a MemorySessionDatabase are beside each other, or one after the other.
import type {
  Acquired,
  Adopted,
  SessionChanges,
  SessionState,
  SessionStore,
  StoredMessage,
  StoredRetained,
  StoredSession,
  StoredWill,
} from './session-store.ts';

interface Held<Row> {
  readonly row: Row;
  holder: MemorySessionStore;
}

export class MemorySessionDatabase {
  readonly sessions = new Map<string, Held<SessionState>>();
  readonly messages = new Map<string, StoredMessage>();
  readonly retained = new Map<string, StoredRetained>();
  readonly wills = new Map<string, Held<StoredWill>>();
  readonly gateways = new Set<MemorySessionStore>();
  /** Sessions that were acquired from living gateways. */
  readonly lost: { readonly id: string; readonly from: MemorySessionStore }[] = [];
  /** While it is away, everything fails. */
  isAway = false;
  writes = 0;
}

export class MemorySessionStore implements SessionStore {
  readonly #database: MemorySessionDatabase;

  constructor(database = new MemorySessionDatabase()) {
    this.#database = database;
    database.gateways.add(this);
  }

  async adopt(): Promise<Adopted> {
    const { gateways, lost, sessions, wills } = this.#there();
    const orphans = <Row>(rows: Map<string, Held<Row>>): Row[] =>
      [...rows.values()].flatMap((held) => {
        if (gateways.has(held.holder)) return [];
        held.holder = this;
        return [held.row];
      });
    const mine = lost.filter(({ from }) => from === this);
    for (const one of mine) lost.splice(lost.indexOf(one), 1);
    return {
      sessions: orphans(sessions).map((state) => this.#whole(state)),
      wills: orphans(wills),
      lost: mine.map(({ id }) => id),
      hasOthers: gateways.size > 1,
    };
  }

  async acquire(id: string): Promise<Acquired> {
    const { gateways, lost, sessions } = this.#there();
    const held = sessions.get(id);
    if (!held) return { kind: 'absent' };
    if (held.holder === this) return { kind: 'held' };
    if (gateways.has(held.holder)) lost.push({ id, from: held.holder });
    held.holder = this;
    return { kind: 'acquired', session: this.#whole(held.row) };
  }

  async retained(): Promise<readonly StoredRetained[]> {
    return [...this.#there().retained.values()];
  }

  async write(changes: SessionChanges): Promise<void> {
    const { sessions, messages, retained, wills } = this.#there();
    this.#database.writes++;
    const isMine = (id: string): boolean => sessions.get(id)?.holder === this;
    for (const id of changes.discardedSessions) this.#discard(id);
    for (const { session, position } of changes.removedMessages)
      if (isMine(session)) messages.delete(keyOf(session, position));
    for (const id of changes.removedSessions) if (isMine(id)) sessions.delete(id);
    for (const row of changes.sessions)
      if (isMine(row.id) || !sessions.has(row.id)) sessions.set(row.id, { row, holder: this });
    for (const row of changes.messages) if (isMine(row.session)) messages.set(keyOf(row.session, row.position), row);
    for (const topic of changes.removedRetained) retained.delete(topic);
    for (const row of changes.retained) retained.set(row.topic, row);
    for (const id of changes.removedWills) if (wills.get(id)?.holder === this) wills.delete(id);
    for (const row of changes.wills) wills.set(row.session, { row, holder: this });
  }

  async close(): Promise<void> {
    this.#database.gateways.delete(this);
  }

  #discard(id: string): void {
    const { messages, sessions } = this.#database;
    sessions.delete(id);
    for (const [key, { session }] of messages) if (session === id) messages.delete(key);
  }

  #whole(state: SessionState): StoredSession {
    const messages = [...this.#database.messages.values()]
      .filter(({ session }) => session === state.id)
      .sort((one, other) => one.position - other.position);
    return { ...state, messages };
  }

  #there(): MemorySessionDatabase {
    if (this.#database.isAway) throw new Error('the database is away');
    return this.#database;
  }
}

const keyOf = (session: string, position: number): string => `${position} ${session}`;

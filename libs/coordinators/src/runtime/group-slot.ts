// A place for one group of whatever kind: its state, its offsets, its timers and its line of commands.
import { type Clock, ErrorCode, type Timestamp } from '@milepost/core';
import { applyStored } from '../group/events.ts';
import { Offsets } from '../group/offsets.ts';
import { expireSession } from '../group/session.ts';
import { ClassicGroup } from '../group/state.ts';
import { failedJoin, failedSync, type GroupContext, type GroupTimers, Turn, type Verb } from '../group/turn.ts';
import type { GroupEvent } from '../ports.ts';
import { type Command, GroupQueue } from './group-queue.ts';
import { type Due, Timers } from './timers.ts';

/** What a timer found the store away for is tried again after this long. */
const RETRY_MS = 1_000;

export interface SlotHost extends GroupContext {
  readonly clock: Clock;
  /** Resolves with NONE, or with what clients are to be told. Never rejects. */
  persist(events: readonly GroupEvent[]): Promise<ErrorCode>;
  /** There is no such group any more, and nobody is about to make one. */
  vacated(slot: GroupSlot): void;
}

/** Where a command ends that does not come to its turn. */
export interface Otherwise {
  /** There is no such group; without it, one is made. */
  readonly absent?: () => void;
  readonly refused: (error: ErrorCode) => void;
}

export class GroupSlot implements GroupTimers {
  readonly groupId: string;
  readonly offsets = new Offsets();
  readonly #host: SlotHost;
  readonly #queue: GroupQueue;
  readonly #timers: Timers;
  #group: ClassicGroup | undefined;
  /** Whether the store has a row of it: a group that nothing was persisted of is forgotten when deserted. */
  #isStored = false;

  constructor(groupId: string, host: SlotHost) {
    this.groupId = groupId;
    this.#host = host;
    this.#timers = new Timers(host.clock);
    this.#queue = new GroupQueue({
      clock: host.clock,
      timeoutMs: host.config.offsetsCommitTimeoutMs,
      persist: (events) => host.persist(events),
      failed: (problem) => host.logger.error({ group: groupId, err: problem }, 'a command on a group failed'),
      idle: () => {
        if (!this.#group) host.vacated(this);
      },
    });
  }

  /** As of the last command that was persisted. */
  get group(): ClassicGroup | undefined {
    return this.#group;
  }

  get isIdle(): boolean {
    return this.#queue.isIdle;
  }

  /** Lets a verb change a draft of the group, in its turn. */
  take(verb: Verb, { absent, refused }: Otherwise): void {
    const decide: Command['decide'] = (now) => {
      if (!this.#group && absent) return { events: [], apply: absent };
      const draft = this.#group?.draft() ?? new ClassicGroup(this.groupId, now);
      const turn = new Turn(this.#host, draft, now, this);
      verb(turn);
      const apply = () => {
        this.#group = draft;
        for (const event of turn.events) this.apply(event);
        if (draft.isDeserted && !this.#isStored && this.offsets.isEmpty) this.#group = undefined;
        turn.happen();
      };
      return { events: turn.events, apply };
    };
    this.#queue.add({ decide, refused });
  }

  /** In its turn, for what concerns the group as a whole or its offsets only. */
  ask<Response>(
    decide: (now: Timestamp) => { readonly events: readonly GroupEvent[]; readonly response: Response },
    refused: (error: ErrorCode) => Response,
  ): Promise<Response> {
    return new Promise((resolve) => {
      this.#queue.add({
        decide: (now) => {
          const { events, response } = decide(now);
          const apply = () => {
            for (const event of events) this.apply(event);
            resolve(response);
          };
          return { events, apply };
        },
        refused: (error) => resolve(refused(error)),
      });
    });
  }

  /** The only way in which durable state changes: now, and when it is read back after a restart. */
  apply(event: GroupEvent): void {
    switch (event.type) {
      case 'group-stored':
        applyStored(this.#orNew(), event.group);
        this.#isStored = true;
        break;
      case 'group-deleted':
        this.#group = undefined;
        this.#isStored = false;
        this.offsets.clear();
        this.#timers.cancelAll();
        break;
      case 'offset-committed':
        this.#orNew();
        this.offsets.set(event.offset);
        break;
      case 'offset-deleted':
        this.offsets.delete(event.topic, event.partition);
        break;
    }
  }

  schedule(name: string, delayMs: number, verb: Verb): void {
    const run: Due = (isDue) => {
      const whenDue: Verb = (turn) => {
        if (!isDue()) return;
        turn.cancel(name);
        verb(turn);
      };
      const again = () => {
        if (isDue()) this.#timers.schedule(name, RETRY_MS, run);
      };
      this.take(whenDue, { absent: () => this.#timers.cancel(name), refused: again });
    };
    this.#timers.schedule(name, delayMs, run);
  }

  cancel(name: string): void {
    this.#timers.cancel(name);
  }

  keepSession(memberId: string, timeoutMs: number): void {
    this.schedule(sessionOf(memberId), timeoutMs, (turn) => expireSession(turn, memberId));
  }

  endSession(memberId: string): void {
    this.cancel(sessionOf(memberId));
  }

  /** Answers everybody who waits; nothing happens to the group here from now on. */
  close(error: ErrorCode): void {
    this.#timers.close();
    this.#queue.close(error);
    for (const member of this.#group?.members.values() ?? []) {
      member.join?.(failedJoin(error, member.memberId));
      member.sync?.(failedSync(error));
    }
  }

  #orNew(): ClassicGroup {
    this.#group ??= new ClassicGroup(this.groupId, this.#host.clock.now() as Timestamp);
    return this.#group;
  }
}

const sessionOf = (memberId: string): string => `session of ${memberId}`;

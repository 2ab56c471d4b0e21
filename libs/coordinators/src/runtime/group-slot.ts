// A place for one group of whatever kind: its state, its offsets, its timers and its line of commands.
import { type Clock, ErrorCode, type Timestamp } from '@milepost/core';
import { applyStored, settledGroup } from '../group/events.ts';
import { Offsets } from '../group/offsets.ts';
import { expireSession } from '../group/session.ts';
import { asClassic, type Group } from '../group/group.ts';
import { expireConsumer } from '../group/modern/session.ts';
import { ConsumerGroup, type ConsumerState } from '../group/modern/state.ts';
import { type ConsumerTimers, ConsumerTurn, type ConsumerVerb } from '../group/modern/turn.ts';
import { ClassicGroup } from '../group/state.ts';
import { failedJoin, failedSync, type GroupContext, type GroupTimers, Turn, type Verb } from '../group/turn.ts';
import type { GroupEvent, StoredGroup } from '../ports.ts';
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
  /** There is one of the other protocol, with members; without it, there is none of this one: absent. */
  readonly foreign?: () => void;
  readonly refused: (error: ErrorCode) => void;
}

export class GroupSlot implements GroupTimers, ConsumerTimers {
  readonly groupId: string;
  readonly offsets = new Offsets();
  readonly #host: SlotHost;
  readonly #queue: GroupQueue;
  readonly #timers: Timers;
  readonly marks = { version: -1, regexesAt: 0 };
  #group: Group | undefined;
  /** A group that nothing was persisted of is forgotten when deserted. */
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
  get group(): Group | undefined {
    return this.#group;
  }

  /** Whether the store has a row of it. */
  get isStored(): boolean {
    return this.#isStored;
  }

  /** That row, as far as it can be told. */
  get stored(): StoredGroup | undefined {
    if (!this.#isStored || !this.#group) return undefined;
    return this.#group.kind === 'classic' ? settledGroup(this.#group) : this.#group.stored;
  }

  get isIdle(): boolean {
    return this.#queue.isIdle;
  }

  /** Lets a verb change a draft of the classic group, in its turn. */
  take(verb: Verb, { absent, foreign, refused }: Otherwise): void {
    const decide: Command['decide'] = (now) => {
      const group = asClassic(this.#group);
      const instead = this.#group && !this.#group.isDeserted && !group ? (foreign ?? absent) : absent;
      if (!group && instead) return { events: [], apply: instead };
      const draft = group?.draft() ?? new ClassicGroup(this.groupId, now);
      const turn = new Turn(this.#host, draft, now, this);
      verb(turn);
      const apply = () => {
        this.#replaceWith(draft);
        for (const event of turn.events) this.apply(event);
        if (draft.isDeserted && !this.#isStored && this.offsets.isEmpty) this.#group = undefined;
        turn.happen();
      };
      return { events: turn.events, apply };
    };
    this.#queue.add({ decide, refused });
  }

  /** Lets a verb say what the consumer group becomes, in its turn. An empty classic group makes room for it. */
  takeConsumers(verb: ConsumerVerb, { absent, foreign, refused }: Otherwise): void {
    const decide: Command['decide'] = (now) => {
      const group = this.#group;
      const isInTheWay = group?.kind === 'classic' && group.members.size > 0;
      const instead = isInTheWay ? (foreign ?? absent) : absent;
      if (group?.kind !== 'consumer' && instead) return { events: [], apply: instead };
      const before = group?.kind === 'consumer' ? group : new ConsumerGroup(this.groupId);
      const turn = new ConsumerTurn(this.#host, before, now, this);
      verb(turn);
      const { events } = turn;
      const apply = () => {
        if (events.length > 0) this.#replaceWith(turn.group);
        for (const event of events) this.apply(event);
        turn.happen();
      };
      return { events, apply };
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
        this.#restore(event.group);
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
    this.#schedule(name, delayMs, (isDue, otherwise) => {
      const whenDue: Verb = (turn) => {
        if (!isDue()) return;
        turn.cancel(name);
        verb(turn);
      };
      this.take(whenDue, otherwise);
    });
  }

  scheduleInConsumerGroup(name: string, delayMs: number, verb: ConsumerVerb): void {
    this.#schedule(name, delayMs, (isDue, otherwise) => {
      const whenDue: ConsumerVerb = (turn) => {
        if (!isDue()) return;
        turn.after(() => this.cancel(name));
        verb(turn);
      };
      this.takeConsumers(whenDue, otherwise);
    });
  }

  cancel(name: string): void {
    this.#timers.cancel(name);
  }

  keepSession(memberId: string, timeoutMs: number): void {
    const name = sessionOf(memberId);
    if (this.#group?.kind === 'consumer')
      this.scheduleInConsumerGroup(name, timeoutMs, (turn) => expireConsumer(turn, memberId));
    else this.schedule(name, timeoutMs, (turn) => expireSession(turn, memberId));
  }

  endSession(memberId: string): void {
    this.cancel(sessionOf(memberId));
  }

  /** Answers everybody who waits; nothing happens to the group here from now on. */
  close(error: ErrorCode): void {
    this.#timers.close();
    this.#queue.close(error);
    for (const member of asClassic(this.#group)?.members.values() ?? []) {
      member.join?.(failedJoin(error, member.memberId));
      member.sync?.(failedSync(error));
    }
  }

  /** Tried again for as long as the store is away. */
  #schedule(name: string, delayMs: number, put: (isDue: () => boolean, otherwise: Otherwise) => void): void {
    const run: Due = (isDue) => {
      const again = () => {
        if (isDue()) this.#timers.schedule(name, RETRY_MS, run);
      };
      put(isDue, { absent: () => this.#timers.cancel(name), refused: again });
    };
    this.#timers.schedule(name, delayMs, run);
  }

  #restore(stored: StoredGroup): void {
    if (stored.kind === 'classic') applyStored(this.#classicOrNew(), stored);
    else this.#group = new ConsumerGroup(this.groupId, stored.state as ConsumerState);
  }

  /** What a group of the other protocol had still to do is not to be done any more. */
  #replaceWith(group: Group): void {
    if (this.#group && this.#group.kind !== group.kind) this.#timers.cancelAll();
    this.#group = group;
  }

  #orNew(): Group {
    return this.#group ?? this.#classicOrNew();
  }

  #classicOrNew(): ClassicGroup {
    const group = asClassic(this.#group) ?? new ClassicGroup(this.groupId, this.#host.clock.now() as Timestamp);
    this.#group = group;
    return group;
  }
}

const sessionOf = (memberId: string): string => `session of ${memberId}`;

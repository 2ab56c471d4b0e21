// A place for one group of whatever kind: its state, its offsets, its timers and its line of commands.
import { type Clock, ErrorCode, invariant, type Timestamp } from '@milepost/core';
import { applyStored, settledGroup } from './events.ts';
import { Offsets } from './offsets.ts';
import { expireSession } from './classic/session.ts';
import { asClassic, asConsumer, type Group } from './group.ts';
import { expireConsumer } from './consumer/session.ts';
import { ConsumerGroup, type ConsumerState, nobodySince, revivedConsumers } from './consumer/state.ts';
import { type ConsumerTimers, ConsumerTurn, type ConsumerVerb } from './consumer/turn.ts';
import { upgraded } from './migration/upgrade.ts';
import { resume } from './classic/resume.ts';
import { ClassicGroup } from './classic/state.ts';
import { failedJoin, failedSync, type GroupContext, type GroupTimers, Turn, type Verb } from './classic/turn.ts';
import type { GroupEvent, StoredGroup } from '../ports.ts';
import { type Decision, GroupQueue } from '../runtime/command-line.ts';
import { type Due, Timers } from '../runtime/timers.ts';

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
  /** There is one of the other protocol, with members, and `why` it stays so; without it, there is none of this one: absent. */
  readonly foreign?: (why?: string) => void;
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

  /** Lets a verb change a draft of the classic group, in its turn; where it is a consumer group, another one changes that. */
  take(verb: Verb, otherwise: Otherwise, ofConsumers?: ConsumerVerb): void {
    this.#queue.add({
      decide: (now) => {
        const { foreign, absent } = otherwise;
        const consumers = asConsumer(this.#group);
        if (!consumers || consumers.isDeserted) return this.#decideClassic(verb, now, absent);
        if (ofConsumers) return this.#decideConsumers(consumers, ofConsumers, now);
        return this.#decideClassic(verb, now, foreign ?? absent);
      },
      refused: otherwise.refused,
    });
  }

  /**
   * Lets a verb say what the consumer group becomes, in its turn. An empty classic group makes room for it; one with
   * members becomes one, where the verb may bring that about. Generations and epochs go on from one another.
   */
  takeConsumers(verb: ConsumerVerb, otherwise: Otherwise & { readonly upgrades?: true }): void {
    this.#queue.add({
      decide: (now) => {
        const group = this.#group;
        if (group?.kind === 'consumer') return this.#decideConsumers(group, verb, now);
        if (!group || group.members.size === 0) {
          const { absent } = otherwise;
          if (absent) return { events: [], apply: absent };
          return this.#decideConsumers(nobodySince(this.groupId, group?.generation ?? 0), verb, now);
        }
        const instead = otherwise.foreign ?? otherwise.absent;
        if (!otherwise.upgrades) return { events: [], apply: () => instead?.() };
        const converted = upgraded(group, this.#host.config, this.#host.catalog);
        if (typeof converted === 'string') return { events: [], apply: () => instead?.(converted) };
        return this.#decideConsumers(converted, verb, now, group);
      },
      refused: otherwise.refused,
    });
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

  isScheduled(name: string): boolean {
    return this.#timers.has(name);
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
    const classic = asClassic(this.#group);
    if (classic) answerAll(classic, error);
  }

  #decideClassic(verb: Verb, now: Timestamp, instead: (() => void) | undefined): Decision {
    const group = asClassic(this.#group);
    if (!group && instead) return { events: [], apply: () => instead() };
    const draft = group?.draft() ?? new ClassicGroup(this.groupId, now);
    if (this.#group?.kind === 'consumer') draft.generation = this.#group.data.groupEpoch;
    const turn = new Turn(this.#host, draft, now, this);
    verb(turn);
    const apply = () => {
      this.#replaceWith(draft);
      for (const event of turn.events) this.apply(event);
      if (draft.isDeserted && !this.#isStored && this.offsets.isEmpty) this.#group = undefined;
      turn.happen();
    };
    return { events: turn.events, apply };
  }

  #decideConsumers(before: ConsumerGroup, verb: ConsumerVerb, now: Timestamp, upgrades?: ClassicGroup): Decision {
    const turn = new ConsumerTurn(this.#host, before, now, this);
    verb(turn);
    const { events, becomes } = turn;
    const apply = () => {
      if (events.length > 0 && upgrades) this.#leaveClassic(upgrades, before);
      if (events.length > 0 && !becomes) this.#replaceWith(turn.group);
      for (const event of events) this.apply(event);
      turn.happen();
      if (becomes) this.#goOnAsClassic(now);
    };
    return { events, apply };
  }

  /** Its members find the group as it is now when they join again. */
  #leaveClassic(group: ClassicGroup, converted: ConsumerGroup): void {
    this.#replaceWith(converted);
    this.#host.logger.info({ group: this.groupId }, 'a classic group becomes a consumer group');
    answerAll(group, ErrorCode.REBALANCE_IN_PROGRESS);
    for (const { memberId, classic } of converted.data.members)
      if (classic) this.keepSession(memberId, classic.sessionTimeoutMs);
  }

  /** As after a restart, and at once: nobody may be told of what another one still holds. */
  #goOnAsClassic(now: Timestamp): void {
    this.#host.logger.info({ group: this.groupId }, 'a consumer group becomes a classic group');
    const decision = this.#decideClassic(resume, now, undefined);
    invariant(
      decision.events.length === 0,
      () => `group ${this.groupId}: a rebalance that begins has nothing to store`,
    );
    decision.apply();
  }

  /** Tried again for as long as the store is away. */
  #schedule(name: string, delayMs: number, put: (isDue: () => boolean, otherwise: Otherwise) => void): void {
    const run: Due = (isDue) => {
      const again = () => {
        if (isDue()) this.#timers.schedule(name, RETRY_MS, run);
      };
      // Of a group that has changed its protocol meanwhile, the name may be set anew.
      const absent = () => {
        if (isDue()) this.#timers.cancel(name);
      };
      put(isDue, { absent, refused: again });
    };
    this.#timers.schedule(name, delayMs, run);
  }

  #restore(stored: StoredGroup): void {
    if (stored.kind === 'classic') applyStored(this.#classicOrNew(), stored);
    else this.#group = new ConsumerGroup(this.groupId, revivedConsumers(stored.state as ConsumerState));
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
    this.#replaceWith(group);
    return group;
  }
}

function answerAll(group: ClassicGroup, error: ErrorCode): void {
  for (const member of group.members.values()) {
    member.join?.(failedJoin(error, member.memberId));
    member.sync?.(failedSync(error));
  }
}

const sessionOf = (memberId: string): string => `session of ${memberId}`;

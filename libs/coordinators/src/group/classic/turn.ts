// One command's turn at a classic group. A verb changes the draft as it likes and says what must be durable (`events`);
// the draft becomes the group, timers run and clients hear of it only after that. If it cannot be made durable,
// the draft is thrown away and nothing has happened.
import { ErrorCode, type Timestamp } from '@milepost/core';
import type { GroupContext } from '../model/context.ts';
import type { GroupEvent } from '../model/store.ts';
import type { JoinResult, SyncResult } from '../model/commands.ts';
import { type ClassicGroup, type Member, NO_ASSIGNMENT } from './state.ts';

export type ClassicVerb = (turn: ClassicTurn) => void;

/** Timers of one group. Their verbs take their turn in its line, and again while the store is away. */
export interface ClassicTimers {
  /** Replaces the timer of that name. */
  schedule(name: string, delayMs: number, verb: ClassicVerb): void;
  cancel(name: string): void;
  /** The member, or the member id given out, is expired unless the session is kept on before its end. */
  keepSession(memberId: string, timeoutMs: number): void;
  endSession(memberId: string): void;
}

export class ClassicTurn {
  readonly context: GroupContext;
  readonly group: ClassicGroup;
  readonly now: Timestamp;
  readonly events: GroupEvent[] = [];
  readonly #timers: ClassicTimers;
  readonly #consequences: (() => void)[] = [];

  constructor(context: GroupContext, group: ClassicGroup, now: Timestamp, timers: ClassicTimers) {
    this.context = context;
    this.group = group;
    this.now = now;
    this.#timers = timers;
  }

  /** When the events are durable and applied. */
  after(consequence: () => void): void {
    this.#consequences.push(consequence);
  }

  schedule(name: string, delayMs: number, verb: ClassicVerb): void {
    this.after(() => this.#timers.schedule(name, delayMs, verb));
  }

  cancel(name: string): void {
    this.after(() => this.#timers.cancel(name));
  }

  endSession(memberId: string): void {
    this.after(() => this.#timers.endSession(memberId));
  }

  keepSession(member: Member): void {
    this.keepSessionOf(member.memberId, member.sessionTimeoutMs);
  }

  keepSessionOf(memberId: string, timeoutMs: number): void {
    this.after(() => this.#timers.keepSession(memberId, timeoutMs));
  }

  /** Takes a member, or an id given out, from the group and answers what it waits for: if it lives, it joins again. */
  remove(memberId: string): void {
    const member = this.group.members.get(memberId);
    if (member) {
      this.answerJoin(member, failedJoin(ErrorCode.UNKNOWN_MEMBER_ID, ''));
      this.answerSync(member, failedSync(ErrorCode.UNKNOWN_MEMBER_ID));
    }
    this.group.remove(memberId);
    this.endSession(memberId);
  }

  answerJoin(member: Member, result: JoinResult): void {
    const { join } = member;
    member.join = undefined;
    if (join) this.after(() => join(result));
  }

  answerSync(member: Member, result: SyncResult): void {
    const { sync } = member;
    member.sync = undefined;
    if (sync) this.after(() => sync(result));
  }

  runConsequences(): void {
    for (const consequence of this.#consequences) consequence();
  }
}

export const failedJoin = (error: ErrorCode, memberId: string): JoinResult => ({
  error,
  generation: -1,
  protocolType: null,
  protocolName: null,
  leader: '',
  skipAssignment: false,
  memberId,
  members: [],
});

export const failedSync = (error: ErrorCode): SyncResult => ({
  error,
  protocolType: null,
  protocolName: null,
  assignment: NO_ASSIGNMENT,
});

// One command's turn at a classic group. The command changes a draft of the group and lists the events to store. Only when
// they are durable does the draft become the group; then timers are set and responses are sent. If the store fails, the draft
// is dropped and nothing has happened.
import { ErrorCode, type Timestamp } from '@milepost/core';
import type { GroupContext } from '../model/context.ts';
import type { GroupEvent } from '../model/store.ts';
import type { JoinResult, SyncResult } from '../model/commands.ts';
import { type ClassicGroup, type Member, NO_ASSIGNMENT } from './state.ts';

export type ClassicVerb = (turn: ClassicTurn) => void;

/** The timers of one group. What they run takes its turn in the group's queue, and is retried while the store is away. */
export interface ClassicTimers {
  /** Replaces the timer of that name. */
  schedule(name: string, delayMs: number, verb: ClassicVerb): void;
  cancel(name: string): void;
  /** Starts the session of a member, or of an issued member id, again. At its end the member is removed. */
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

  /** Runs `consequence` when the events are durable and applied. */
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

  /** Removes a member, or an issued member id, and completes its pending requests. A living member joins again. */
  remove(memberId: string): void {
    const member = this.group.members.get(memberId);
    if (member) {
      this.respondToJoin(member, failedJoin(ErrorCode.UNKNOWN_MEMBER_ID, ''));
      this.respondToSync(member, failedSync(ErrorCode.UNKNOWN_MEMBER_ID));
    }
    this.group.remove(memberId);
    this.endSession(memberId);
  }

  respondToJoin(member: Member, result: JoinResult): void {
    const { join } = member;
    member.join = undefined;
    if (join) this.after(() => join(result));
  }

  respondToSync(member: Member, result: SyncResult): void {
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

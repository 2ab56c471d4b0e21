// The timers of one group, by name. A timer that fires submits a command to the group's queue, and retries while the store
// is away. A command that finds its timer replaced in the meantime does nothing.
import { type Clock, ErrorCode } from '@milepost/core';
import { type Due, Timers } from '../runtime/timers.ts';
import { expireSession } from './classic/session.ts';
import type { ClassicTimers, ClassicVerb } from './classic/turn.ts';
import { expireConsumer } from './consumer/session.ts';
import type { ConsumerTimers, ConsumerVerb } from './consumer/turn.ts';
import type { Group } from './group.ts';
import type { ClassicCommand, ConsumerCommand } from './slot-command.ts';

/** Between two attempts of a timer whose command was refused. */
const RETRY_MS = 1_000;

export interface TimedGroup {
  readonly group: Group | undefined;
  submitClassic(command: ClassicCommand): void;
  submitConsumer(command: ConsumerCommand): void;
  /** Does nothing unless `isDue`. */
  expireShareMember(memberId: string, isDue: () => boolean): Promise<ErrorCode>;
}

interface FiredTimer {
  /** False once a timer of the same name was set, or this one was canceled. */
  readonly isDue: () => boolean;
  /** Fires again later. */
  readonly retry: () => void;
  /** Forgets the timer: there is no group that it concerns. */
  readonly drop: () => void;
}

export class GroupTimers implements ClassicTimers, ConsumerTimers {
  readonly marks = { version: -1, regexesAt: 0 };
  readonly #slot: TimedGroup;
  readonly #timers: Timers;

  constructor(slot: TimedGroup, clock: Clock) {
    this.#slot = slot;
    this.#timers = new Timers(clock);
  }

  schedule(name: string, delayMs: number, verb: ClassicVerb): void {
    this.#schedule(name, delayMs, ({ isDue, retry, drop }) => {
      const whenDue: ClassicVerb = (turn) => {
        if (!isDue()) return;
        turn.cancel(name);
        verb(turn);
      };
      this.#slot.submitClassic({ classic: whenDue, noGroup: drop, refused: retry });
    });
  }

  scheduleInConsumerGroup(name: string, delayMs: number, verb: ConsumerVerb): void {
    this.#schedule(name, delayMs, ({ isDue, retry, drop }) => {
      const whenDue: ConsumerVerb = (turn) => {
        if (!isDue()) return;
        turn.after(() => this.cancel(name));
        verb(turn);
      };
      this.#slot.submitConsumer({ consumer: whenDue, noGroup: drop, refused: retry });
    });
  }

  cancel(name: string): void {
    this.#timers.cancel(name);
  }

  cancelAll(): void {
    this.#timers.cancelAll();
  }

  isScheduled(name: string): boolean {
    return this.#timers.has(name);
  }

  keepSession(memberId: string, timeoutMs: number): void {
    const name = sessionOf(memberId);
    if (this.#slot.group?.kind === 'share')
      this.#schedule(name, timeoutMs, ({ isDue, retry, drop }) => {
        void this.#slot
          .expireShareMember(memberId, isDue)
          .then((error) => (error === ErrorCode.NONE ? drop() : retry()));
      });
    else if (this.#slot.group?.kind === 'consumer')
      this.scheduleInConsumerGroup(name, timeoutMs, (turn) => expireConsumer(turn, memberId));
    else this.schedule(name, timeoutMs, (turn) => expireSession(turn, memberId));
  }

  endSession(memberId: string): void {
    this.cancel(sessionOf(memberId));
  }

  /** Nothing fires from now on. */
  close(): void {
    this.#timers.close();
  }

  #schedule(name: string, delayMs: number, submit: (timer: FiredTimer) => void): void {
    const run: Due = (isDue) => {
      const retry = () => {
        if (isDue()) this.#timers.schedule(name, RETRY_MS, run);
      };
      // If the group has changed its protocol, the name may belong to a new timer, which must stay.
      const drop = () => {
        if (isDue()) this.#timers.cancel(name);
      };
      submit({ isDue, retry, drop });
    };
    this.#timers.schedule(name, delayMs, run);
  }
}

const sessionOf = (memberId: string): string => `session of ${memberId}`;

// One group's line of commands: decide, persist, apply, and only then the next. Lines of different groups run side by
// side, so that the store can put their writes into one transaction. A command that has waited for too long is
// refused; a write under way is waited for all the same, for one that lands late must not land after the next one.
import { type Cancel, type Clock, ErrorCode, Timestamp } from '@milepost/core';
import type { GroupEvent } from '../ports.ts';

/** Commands in one group's line beyond which new ones are refused. */
const MAX_WAITING = 10_000;

export interface Command {
  /** Looks at the state and changes none of it. */
  decide(now: Timestamp): Decision;
  /** Nothing was applied, or a write that has outlived its time is applied later. May be called more than once. */
  refused(error: ErrorCode): void;
}

export interface Decision {
  readonly events: readonly GroupEvent[];
  /** Called once the events are durable: applies them and lets their consequences happen. */
  apply(): void;
}

export interface QueueHost {
  readonly clock: Clock;
  /** How long a command may wait. */
  readonly timeoutMs: number;
  /** Resolves with NONE, or with what the client is to be told. Never rejects. */
  persist(events: readonly GroupEvent[]): Promise<ErrorCode>;
  /** A `decide` that threw: a bug, of which nothing was applied. */
  failed(problem: unknown): void;
  /** The line has become empty. */
  idle(): void;
}

interface Waiting {
  readonly command: Command;
  readonly since: number;
}

export class GroupQueue {
  readonly #host: QueueHost;
  #waiting: Waiting[] = [];
  /** Until its client has been told something. */
  #persisting: Waiting | undefined;
  #busy = false;
  #closed = false;
  #alarm: Cancel | undefined;

  constructor(host: QueueHost) {
    this.#host = host;
  }

  get isIdle(): boolean {
    return !this.#busy;
  }

  add(command: Command): void {
    if (this.#closed || this.#waiting.length >= MAX_WAITING) {
      command.refused(ErrorCode.COORDINATOR_NOT_AVAILABLE);
      return;
    }
    this.#waiting.push({ command, since: this.#host.clock.monotonic() });
    if (!this.#busy) void this.#drain();
  }

  /** Refuses all that waits; nothing is applied from here on. */
  close(error: ErrorCode): void {
    this.#closed = true;
    this.#alarm?.();
    for (const { command } of this.#all()) command.refused(error);
    this.#waiting = [];
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      const decision = this.#decide(next.command);
      if (!decision) continue;
      if (decision.events.length > 0) {
        const error = await this.#persist(next, decision.events);
        if (this.#closed) return;
        if (error !== ErrorCode.NONE) {
          next.command.refused(error);
          continue;
        }
      }
      decision.apply();
    }
    this.#busy = false;
    this.#host.idle();
  }

  #decide(command: Command): Decision | undefined {
    try {
      return command.decide(Timestamp(this.#host.clock.now()));
    } catch (problem) {
      this.#host.failed(problem);
      command.refused(ErrorCode.UNKNOWN_SERVER_ERROR);
      return undefined;
    }
  }

  async #persist(waiting: Waiting, events: readonly GroupEvent[]): Promise<ErrorCode> {
    this.#persisting = waiting;
    this.#watch();
    const error = await this.#host.persist(events);
    this.#persisting = undefined;
    return error;
  }

  /** One alarm for the oldest command. It is left to ring for nothing rather than set and cleared per command. */
  #watch(): void {
    const oldest = this.#all()[0];
    if (this.#alarm || !oldest) return;
    // One sum for both: of two roundings one may find it late and the other not, and the alarm rings in circles.
    const leftMs = ({ since }: Waiting) => since + this.#host.timeoutMs - this.#host.clock.monotonic();
    this.#alarm = this.#host.clock.after(Math.max(0, leftMs(oldest)), () => {
      this.#alarm = undefined;
      const late = (each: Waiting) => leftMs(each) <= 0;
      const refused = this.#all().filter(late);
      this.#waiting = this.#waiting.filter((each) => !late(each));
      if (this.#persisting && late(this.#persisting)) this.#persisting = undefined;
      for (const { command } of refused) command.refused(ErrorCode.COORDINATOR_NOT_AVAILABLE);
      this.#watch();
    });
  }

  #all(): Waiting[] {
    return this.#persisting ? [this.#persisting, ...this.#waiting] : this.#waiting;
  }
}

// The queue of commands of one key: decide, persist, apply, then the next command. Queues of different keys run side by
// side, so that the store can put their writes into one transaction. A command that has waited too long is refused. The
// queue still waits for a write in progress: if it landed late it must not land after the next one.
import { type Cancel, type Clock, ErrorCode, Timestamp } from '@milepost/core';

/** Further commands are refused. */
const MAX_WAITING = 10_000;

export interface Command<Event> {
  /** Reads the state and changes none of it. */
  decide(now: Timestamp): Decision<Event>;
  /**
   * Nothing was applied; or the write outlived its time, and is applied later without a response. May be called more
   * than once.
   */
  refused(error: ErrorCode): void;
}

export interface Decision<Event> {
  readonly events: readonly Event[];
  /** Called once the events are durable: applies them and runs what follows from them. */
  apply(): void;
}

export interface CommandQueueHost<Event> {
  readonly clock: Clock;
  /** How long a command may wait. */
  readonly timeoutMs: number;
  /** Resolves with NONE, or with the error for the client. Never rejects. */
  persist(events: readonly Event[]): Promise<ErrorCode>;
  /** A `decide` threw. That is a bug; nothing was applied. */
  failed(problem: unknown): void;
  /** The queue has become empty. */
  idle(): void;
}

interface Waiting<Event> {
  readonly command: Command<Event>;
  readonly since: number;
}

export class CommandQueue<Event> {
  readonly #host: CommandQueueHost<Event>;
  #waiting: Waiting<Event>[] = [];
  /** Until its client has a response. */
  #persisting: Waiting<Event> | undefined;
  #busy = false;
  #closed = false;
  #alarm: Cancel | undefined;

  constructor(host: CommandQueueHost<Event>) {
    this.#host = host;
  }

  get isIdle(): boolean {
    return !this.#busy;
  }

  add(command: Command<Event>): void {
    if (this.#closed || this.#waiting.length >= MAX_WAITING) {
      command.refused(ErrorCode.COORDINATOR_NOT_AVAILABLE);
      return;
    }
    this.#waiting.push({ command, since: this.#host.clock.monotonic() });
    if (!this.#busy) void this.#drain();
  }

  /** Refuses all waiting commands; nothing is applied from now on. */
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

  #decide(command: Command<Event>): Decision<Event> | undefined {
    try {
      return command.decide(Timestamp(this.#host.clock.now()));
    } catch (problem) {
      this.#host.failed(problem);
      command.refused(ErrorCode.UNKNOWN_SERVER_ERROR);
      return undefined;
    }
  }

  async #persist(waiting: Waiting<Event>, events: readonly Event[]): Promise<ErrorCode> {
    this.#persisting = waiting;
    this.#watch();
    const error = await this.#host.persist(events);
    this.#persisting = undefined;
    return error;
  }

  /** One alarm for the oldest command. It may fire without effect; that is cheaper than setting one per command. */
  #watch(): void {
    const oldest = this.#all()[0];
    if (this.#alarm || !oldest) return;
    // The alarm and the check below use the same sum. Two sums could round apart, and the alarm would fire forever.
    const leftMs = ({ since }: Waiting<Event>) => since + this.#host.timeoutMs - this.#host.clock.monotonic();
    this.#alarm = this.#host.clock.after(Math.max(0, leftMs(oldest)), () => {
      this.#alarm = undefined;
      const late = (each: Waiting<Event>) => leftMs(each) <= 0;
      const refused = this.#all().filter(late);
      this.#waiting = this.#waiting.filter((each) => !late(each));
      if (this.#persisting && late(this.#persisting)) this.#persisting = undefined;
      for (const { command } of refused) command.refused(ErrorCode.COORDINATOR_NOT_AVAILABLE);
      this.#watch();
    });
  }

  #all(): Waiting<Event>[] {
    return this.#persisting ? [this.#persisting, ...this.#waiting] : this.#waiting;
  }
}

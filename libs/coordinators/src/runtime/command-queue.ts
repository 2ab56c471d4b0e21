// The queue of commands of one key: decide, persist, apply, then the next command. Queues of different keys run side by
// side, so that the store can put their writes into one transaction. A command that has waited too long is refused. The
// queue still waits for a write in progress: if it landed late it must not land after the next one.
import { type Cancel, type Clock, ErrorCode, Timestamp } from '@milepost/core';

/** Further commands are refused. */
const MAX_WAITING = 10_000;

export interface Command<D extends Decision<unknown>> {
  /** Reads the state and changes none of it. */
  decide(now: Timestamp): D;
  /**
   * Nothing was applied; or the write outlived its time, and is applied later without a response. May be called more
   * than once.
   */
  refused(error: ErrorCode): void;
}

export interface Decision<Event> {
  readonly events: readonly Event[];
  /** It only reads: its response promises nothing that a restart would have to know. */
  readonly isRead?: boolean;
  /** Called once the events are durable: applies them and runs what follows from them. */
  apply(): void;
}

export interface CommandQueueHost<Event, D extends Decision<Event> = Decision<Event>> {
  readonly clock: Clock;
  /** How long a command may wait. */
  readonly timeoutMs: number;
  /** Resolves with NONE, or with the error for the client. Never rejects. */
  persist(events: readonly Event[]): Promise<ErrorCode>;
  /**
   * After a write that failed nobody knows whether it landed. Returns the events that make the store hold what is applied,
   * whatever it holds now; empty where nothing depends on that. They are written in front of the next decision: else the
   * next response would rest on a state that a restart does not find.
   */
  restate(failed: readonly D[]): readonly Event[];
  /** A `decide` threw. That is a bug; nothing was applied. */
  failed(problem: unknown): void;
  /** The queue has become empty. */
  idle(): void;
}

interface Waiting<D extends Decision<unknown>> {
  readonly command: Command<D>;
  readonly since: number;
}

/** A kind of coordinator may put more into its decisions than the queue needs. */
export class CommandQueue<Event, D extends Decision<Event> = Decision<Event>> {
  readonly #host: CommandQueueHost<Event, D>;
  #waiting: Waiting<D>[] = [];
  /** Until its client has a response. */
  #persisting: Waiting<D> | undefined;
  #decided: D | undefined;
  /** Decisions whose writes failed since the last one that succeeded. */
  #inDoubt: D[] = [];
  #busy = false;
  #closed = false;
  #alarm: Cancel | undefined;

  constructor(host: CommandQueueHost<Event, D>) {
    this.#host = host;
  }

  get isIdle(): boolean {
    return !this.#busy;
  }

  /** Decisions whose writes failed, and may have landed, since the last write that succeeded. */
  get inDoubt(): readonly D[] {
    return this.#inDoubt;
  }

  /** The decision whose events are being stored: it is about to be applied, unless the store fails. */
  get storing(): D | undefined {
    return this.#decided;
  }

  add(command: Command<D>): void {
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
      const events = this.#toStore(decision);
      if (events.length > 0) {
        this.#decided = decision;
        const error = await this.#persist(next, events);
        this.#decided = undefined;
        if (this.#closed) return;
        if (error !== ErrorCode.NONE) {
          this.#inDoubt.push(decision);
          next.command.refused(error);
          continue;
        }
        this.#inDoubt = [];
      }
      decision.apply();
    }
    this.#busy = false;
    this.#host.idle();
  }

  #toStore({ events, isRead }: D): readonly Event[] {
    if (this.#inDoubt.length === 0 || isRead) return events;
    return [...this.#host.restate(this.#inDoubt), ...events];
  }

  #decide(command: Command<D>): D | undefined {
    try {
      return command.decide(Timestamp(this.#host.clock.now()));
    } catch (problem) {
      this.#host.failed(problem);
      command.refused(ErrorCode.UNKNOWN_SERVER_ERROR);
      return undefined;
    }
  }

  async #persist(waiting: Waiting<D>, events: readonly Event[]): Promise<ErrorCode> {
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
    const leftMs = ({ since }: Waiting<D>) => since + this.#host.timeoutMs - this.#host.clock.monotonic();
    this.#alarm = this.#host.clock.after(Math.max(0, leftMs(oldest)), () => {
      this.#alarm = undefined;
      const late = (each: Waiting<D>) => leftMs(each) <= 0;
      const refused = this.#all().filter(late);
      this.#waiting = this.#waiting.filter((each) => !late(each));
      if (this.#persisting && late(this.#persisting)) this.#persisting = undefined;
      for (const { command } of refused) command.refused(ErrorCode.COORDINATOR_NOT_AVAILABLE);
      this.#watch();
    });
  }

  #all(): Waiting<D>[] {
    return this.#persisting ? [this.#persisting, ...this.#waiting] : this.#waiting;
  }
}

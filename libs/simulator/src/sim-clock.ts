// Virtual time: one heap of events that run one at a time; after each, the promises that it settled run on. Code on it
// must not use the real world (no timer, file or socket): then a seed determines everything.
import { type Cancel, type Clock, invariant } from '@milepost/core';

/** 2026-01-01T00:00:00Z: looks like a date, and is the same in every trace. */
const START_MS = 1_767_225_600_000;
/** More events than this in one wait are taken for an endless loop. */
const EVENT_LIMIT = 10_000_000;

interface Event {
  readonly atMs: number;
  /** Events at the same time run in the order of their scheduling. */
  readonly order: number;
  run: (() => void) | undefined;
}

export class SimClock implements Clock {
  readonly #heap: Event[] = [];
  #elapsedMs = 0;
  #order = 0;

  /** The number of events that have run. */
  turns = 0;

  /** The correct time: a wall clock that is never set. */
  now(): number {
    return Math.floor(START_MS + this.#elapsedMs);
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  after(delayMs: number, run: () => void): Cancel {
    const event: Event = { atMs: this.#elapsedMs + Math.max(0, delayMs), order: this.#order++, run };
    push(this.#heap, event);
    return () => {
      event.run = undefined;
    };
  }

  /** Lets this much time pass, with all its events. */
  async run(forMs: number): Promise<void> {
    const endMs = this.#elapsedMs + forMs;
    await settled();
    while (this.#heap[0] !== undefined && this.#heap[0].atMs <= endMs) await this.#turn();
    this.#elapsedMs = endMs;
  }

  /** Lets time pass until the condition holds; throws if it does not within the time, or if no event remains. */
  async until(condition: () => boolean, withinMs = 3_600_000): Promise<void> {
    const endMs = this.#elapsedMs + withinMs;
    await settled();
    for (let events = 0; !condition(); events++) {
      const next = this.#heap[0];
      invariant(next !== undefined, 'the condition does not hold, and nothing is left to happen');
      invariant(next.atMs <= endMs, () => `the condition does not hold after ${withinMs} ms`);
      invariant(events < EVENT_LIMIT, () => `the condition does not hold after ${events} events`);
      await this.#turn();
    }
  }

  /** Lets time pass until the promise is settled, and settles like it. */
  async settle<Value>(promise: Promise<Value>, withinMs?: number): Promise<Value> {
    let isSettled = false;
    const mark = (): void => {
      isSettled = true;
    };
    promise.then(mark, mark);
    await this.until(() => isSettled, withinMs);
    return await promise;
  }

  async #turn(): Promise<void> {
    const event = pop(this.#heap);
    if (event?.run === undefined) return;
    this.#elapsedMs = event.atMs;
    this.turns++;
    event.run();
    await settled();
  }
}

/** Resolves after every microtask: the real loop's next round comes after them. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const isBefore = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

function push(heap: Event[], event: Event): void {
  let at = heap.push(event) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(event, heap[parent] as Event)) break;
    heap[at] = heap[parent] as Event;
    at = parent;
  }
  heap[at] = event;
}

function pop(heap: Event[]): Event | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return first;
  let at = 0;
  for (let child = 1; child < heap.length; child = 2 * at + 1) {
    if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++;
    if (!isBefore(heap[child] as Event, last)) break;
    heap[at] = heap[child] as Event;
    at = child;
  }
  heap[at] = last;
  return first;
}

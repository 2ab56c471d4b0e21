// Virtual time: one heap of events that run one at a time; after each, every promise that it settled goes on. Code that runs
// on it must not touch the real world (no timer, file or socket): then a seed decides everything.
import { type Cancel, type Clock, invariant } from '@milepost/core';

/** 2026-01-01T00:00:00Z: a date that looks like one, in every trace the same. */
const START_MS = 1_767_225_600_000;
/** More events than this in one wait are taken for an endless loop. */
const EVENT_LIMIT = 10_000_000;

interface Event {
  readonly atMs: number;
  /** Events of the same time run in the order in which they were asked for. */
  readonly order: number;
  run: (() => void) | undefined;
}

export class SimClock implements Clock {
  readonly #heap: Event[] = [];
  #elapsedMs = 0;
  #order = 0;

  /** Events that have happened. */
  turns = 0;

  /** The right time: a wall clock that nobody sets. */
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

  /** Lets this much time pass, with everything that happens in it. */
  async run(forMs: number): Promise<void> {
    const endMs = this.#elapsedMs + forMs;
    await settled();
    while (this.#heap[0] !== undefined && this.#heap[0].atMs <= endMs) await this.#turn();
    this.#elapsedMs = endMs;
  }

  /** Lets time pass until the condition holds; throws when it does not within the time, or nothing is left to happen. */
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

  /** Lets time pass until the promise is settled, and answers as it does. */
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

/** All promises that can go on have gone on: the real loop's next round comes after every microtask. */
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

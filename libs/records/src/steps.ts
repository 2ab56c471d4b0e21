// Work on a large batch that goes in steps of a few milliseconds: other work of the event loop runs between them.
import type { Deflater, Inflater } from '@milepost/core';

/** Yields after each step; returns the result. */
export type Steps<Result> = Generator<void, Result>;

/** The records that one step reads: a few milliseconds. */
export const STEP_RECORDS = 50_000;

/** The bytes that one step packs or unpacks. */
export const STEP_BYTES = 1024 * 1024;

export interface Stepping {
  readonly inflater: Inflater;
  readonly deflater: Deflater;
  /** Resolves when the event loop has done its other pending work. */
  readonly nextTurn: () => Promise<void>;
}

/** Does all steps in this turn. */
export function atOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** One step a turn. */
export async function inSteps<Result>(steps: Steps<Result>, { nextTurn }: Pick<Stepping, 'nextTurn'>): Promise<Result> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await nextTurn();
  }
}

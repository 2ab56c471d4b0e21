// The parts that a broker has opened, to be closed in reverse order: after a failed start as well as at the end of its
// life.
//
// Promises: every closer runs, whatever another one throws, so that a lock is released and a clean stop is recorded
// even if a client or a group could not be closed.
import type { Logger } from '@milepost/core';

interface Closer {
  readonly part: string;
  readonly close: () => unknown;
}

export class Closers {
  readonly #logger: Logger;
  readonly #closers: Closer[] = [];
  #closing: Promise<unknown[]> | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** `part` completes the sentence "... did not close". */
  add(part: string, close: () => unknown): void {
    this.#closers.push({ part, close });
  }

  /** A second call waits for the first. Resolves with the thrown failures; each is logged. */
  closeAll(): Promise<unknown[]> {
    return (this.#closing ??= this.#closeAll());
  }

  async #closeAll(): Promise<unknown[]> {
    const failures: unknown[] = [];
    for (const { part, close } of this.#closers.toReversed())
      try {
        await close();
      } catch (failure) {
        failures.push(failure);
        this.#logger.error({ part, err: failure }, `${part} did not close: ${String(failure)}`);
      }
    return failures;
  }
}

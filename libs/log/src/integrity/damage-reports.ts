// Logs damage that a reader finds, once: a consumer returns to the same position again and again.
import { ErrorCode, type Logger, type Offset } from '@milepost/core';
import type { ReadOutcome } from '../outcomes.ts';
import { type Damage, describeDamage } from './flaws.ts';

export class DamageReports {
  readonly #logger: Logger;
  #last = '';

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  refused(damage: Damage): ReadOutcome {
    const message = describeDamage(damage);
    this.#report(damage, `${message}; refused to readers`);
    return { error: ErrorCode.CORRUPT_MESSAGE, message };
  }

  /** Only compaction leaves a segment that ends before the next one begins. */
  missing({ path, sizeBytes }: { path: string; sizeBytes: number }, from: Offset, next: Offset): void {
    this.#report(
      { path, sizeBytes, from, next },
      `${path} ends before offset ${from}, the next segment begins at ${next}: the records between are lost, readers continue there`,
    );
  }

  #report(fields: object, message: string): void {
    if (this.#last !== message) this.#logger.error(fields, message);
    this.#last = message;
  }
}

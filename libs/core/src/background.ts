// Work that nobody awaits. A rejection of it is logged and counted; it never ends the process.
import type { Counter, Logger, Meter } from './ports.ts';

export class Background {
  readonly #logger: Logger;
  readonly #failures: Counter;
  readonly #running = new Set<Promise<void>>();

  constructor({ logger, meter }: { readonly logger: Logger; readonly meter: Meter }) {
    this.#logger = logger;
    this.#failures = meter.counter('milepost_background_failures_total', 'Background tasks that failed, by task.', [
      'task',
    ]);
  }

  /** Begins the work at once. `task` completes the sentence "the background task failed: ..." */
  run(task: string, work: () => Promise<unknown>): void {
    this.#failures.add(0, { task }); // its series is there before it fails
    const done = this.#finish(task, work).finally(() => this.#running.delete(done));
    this.#running.add(done);
  }

  /** Resolves when nothing that was begun before this call is under way. */
  async idle(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #finish(task: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (failure) {
      this.#failures.add(1, { task });
      this.#logger.error({ task, err: failure }, `a background task failed: ${task}`);
    }
  }
}

// Work that no caller awaits. A rejection is logged and counted; it never ends the process.
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

  /** Begins the work now. `task` completes the sentence "a background task failed: ..." */
  run(task: string, work: () => Promise<unknown>): void {
    this.#failures.add(0, { task }); // its series exists before it fails
    const done = this.#finish(task, work).finally(() => this.#running.delete(done));
    this.#running.add(done);
  }

  /** Resolves when all work that began before this call has ended. */
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

// Files that no longer belong to the log: they have the suffix `.deleted` for file.delete.delay.ms, then they are
// removed in the background. Files that remain when the broker stops are removed at the next start.
import type { Cancel, Host } from '@milepost/core';

export class DeletedFiles {
  readonly #host: Pick<Host, 'clock' | 'disk' | 'logger'>;
  readonly #waiting = new Set<Cancel>();

  constructor(host: Pick<Host, 'clock' | 'disk' | 'logger'>) {
    this.#host = host;
  }

  removeAfter(delayMs: number, paths: readonly string[]): void {
    if (delayMs === 0) return this.remove(paths);
    const cancel = this.#host.clock.after(delayMs, () => {
      this.#waiting.delete(cancel);
      this.remove(paths);
    });
    this.#waiting.add(cancel);
  }

  remove(paths: readonly string[]): void {
    const { disk, logger } = this.#host;
    for (const path of paths)
      disk
        .remove(path)
        .catch((failure) => logger.warn({ failure, path }, `${path} is deleted, but could not be removed: ${failure}`));
  }

  close(): void {
    for (const cancel of this.#waiting) cancel();
    this.#waiting.clear();
  }
}

// Whether a log can still be written, and what the disk's failures mean to it: a failed sync ends it for good, a full disk
// or a failed write refuses one request. Logs a failed sync at that moment, once, whoever had waited for it.
import { DiskFailed, type Offset, partitionName } from '@milepost/core';
import { markFailedSync } from './integrity/failed-sync.ts';
import { type LogContext, LogFailed, type LogIdentity } from './log-context.ts';
import { type AppendRefused, storageError } from './outcomes.ts';
import { unlessFull } from './unless-full.ts';

export class LogHealth {
  readonly #name: string;
  readonly #identity: LogIdentity;
  readonly #context: LogContext;
  #failure: LogFailed | undefined;

  constructor(identity: LogIdentity, context: LogContext) {
    this.#identity = identity;
    this.#context = context;
    this.#name = partitionName(identity.topic, identity.partition);
  }

  get name(): string {
    return this.#name;
  }
  /** Why nothing more is written. */
  get failure(): LogFailed | undefined {
    return this.#failure;
  }

  /** @throws LogFailed */
  mustBeWritable(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** It was closed or deleted; a failure before that stands. */
  retire(reason: string): void {
    this.#failure ??= new LogFailed(`${this.#name}: ${reason}`);
  }

  /** What could not be synced may be gone from the page cache too: a second try could only lie. */
  syncFailed(cause: unknown, flushedOffset: Offset): LogFailed {
    if (this.#failure === undefined) {
      const { topic, partition } = this.#identity;
      const { host, folder } = this.#context;
      const reason = cause instanceof Error ? cause.message : String(cause);
      this.#failure = new LogFailed(
        `${this.#name} takes no more records: its disk failed: ${reason}; all below offset ${flushedOffset} is safe, ` +
          'what came after may be lost; check the disk, then restart the broker',
        { cause },
      );
      markFailedSync(host.disk, folder);
      host.logger.error({ topic, partition, flushedOffset, reason }, this.#failure.message);
    }
    return this.#failure;
  }

  /** The response to a request that the disk refused; the log goes on. @throws what is no failure of the disk */
  refusedByDisk(failure: unknown): AppendRefused {
    if (!(failure instanceof DiskFailed)) throw failure;
    this.#context.host.logger.error({ path: failure.path, code: failure.code }, `${this.#name}: ${failure.message}`);
    return storageError(failure.message, failure.isFull);
  }

  /** Whether there was room for the work. @throws any other failure */
  unlessFull(what: string, work: () => void | Promise<void>): Promise<boolean> {
    return unlessFull(this.#context.host.logger, this.#name, what, work);
  }
}

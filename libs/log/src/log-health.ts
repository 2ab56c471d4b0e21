// Whether a log can still be written, and the consequence of a disk failure: a failed sync ends the log for good, a
// full disk or a failed write refuses one request. Logs a failed sync when it fails, once, whatever had requested it.
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
  /** The reason why nothing more is written. */
  get failure(): LogFailed | undefined {
    return this.#failure;
  }

  /** @throws LogFailed */
  mustBeWritable(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** The log was closed or deleted. An earlier failure remains the reason. */
  retire(reason: string): void {
    this.#failure ??= new LogFailed(`${this.#name}: ${reason}`);
  }

  /** After a failed sync the page cache may have lost the bytes too: a second sync could succeed without them. */
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

  /** The response to a request that the disk refused; the log continues. @throws any other failure */
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

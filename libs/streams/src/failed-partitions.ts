// The partitions that a consumer cannot read at the moment, while it reads the others. Each is left out of the fetches
// for a pause, then retried, without a limit. The log has one line when a partition fails and one when it is read
// again, however often it was retried.
import { ErrorCode, type Logger } from '@milepost/core';

/** The pause between two attempts to read a failed partition. */
const RETRY_MS = 2_000;

/** Errors about the data of one partition. The client's view of its broker, its leader and everything else is right. */
const OF_ONE_PARTITION: ReadonlySet<ErrorCode> = new Set([
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.CORRUPT_MESSAGE,
  ErrorCode.UNKNOWN_SERVER_ERROR,
  ErrorCode.OFFSET_NOT_AVAILABLE,
  ErrorCode.REPLICA_NOT_AVAILABLE,
]);

/** True for an error that does not concern other partitions. */
export const concernsOnePartition = (error: ErrorCode): boolean => OF_ONE_PARTITION.has(error);

export class FailedPartitions {
  readonly #logger: Logger;
  readonly #groupId: string;
  readonly #retryAtMs = new Map<string, number>();

  constructor(logger: Logger, groupId: string) {
    this.#logger = logger;
    this.#groupId = groupId;
  }

  /** Of the form `topic-partition`, in the order in which they failed. */
  names(): string[] {
    return [...this.#retryAtMs.keys()];
  }

  failed(partition: string, reason: string): void {
    if (!this.#retryAtMs.has(partition))
      this.#logger.warn(
        { groupId: this.#groupId, partition, reason },
        `${partition} cannot be read: ${reason}; the other partitions are read on, this one is tried again`,
      );
    this.#retryAtMs.set(partition, performance.now() + RETRY_MS);
  }

  succeeded(partition: string): void {
    if (this.#retryAtMs.delete(partition))
      this.#logger.info({ groupId: this.#groupId, partition }, `${partition} is read again`);
  }

  /** How long the partition is still left out; 0: it may be fetched. */
  waitMs(partition: string): number {
    return Math.max(0, (this.#retryAtMs.get(partition) ?? 0) - performance.now());
  }

  /** Drops those that another member owns now. */
  retain(isOurs: (partition: string) => boolean): void {
    for (const partition of this.#retryAtMs.keys()) if (!isOurs(partition)) this.#retryAtMs.delete(partition);
  }
}

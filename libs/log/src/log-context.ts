// What a log receives from its folder, and the state in which the last stop left it.
import type { Histogram, Host, Offset, Uuid } from '@milepost/core';

export interface LogIdentity {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: Uuid;
}

/**
 * `always`: acknowledgements wait for fsync. `os`: they do not; flush.messages and flush.ms decide when there is one.
 */
export type FlushPolicy = 'always' | 'os';

export interface LogContext {
  readonly host: Host;
  readonly folder: string;
  readonly fsyncSeconds: Histogram;
  readonly flush: FlushPolicy;
  /** Resolves when the log start offset, the flushed offset and the cleaned offset of this moment are durable. */
  readonly saveOffsets: () => Promise<void>;
}

/** The state in which the last stop left the log. */
export interface LogPast {
  readonly wasClean: boolean;
  readonly recoveryPoint: Offset;
  readonly logStartOffset: Offset;
  /** Exclusive: the end of the committed part. */
  readonly highWatermark: Offset;
  /** Exclusive: the end of what the cleaner has processed. */
  readonly cleanedUpTo: Offset;
  /** Acknowledgements did not wait for syncs: an unclean stop may have lost records that readers saw. */
  readonly acknowledgedUnsynced: boolean;
}

/** Nothing more can be written: a sync failed, or the log was closed or deleted. */
export class LogFailed extends Error {
  override readonly name = 'LogFailed';
}

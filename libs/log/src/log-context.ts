// What a log is given: by the folder that it belongs to, and by the past that it was found with.
import type { Histogram, Host, Offset, Uuid } from '@milepost/core';

export interface LogIdentity {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: Uuid;
}

/** `always`: acknowledgements wait for fsync. `os`: they do not, and flush.messages and flush.ms say when there is one. */
export type FlushPolicy = 'always' | 'os';

export interface LogContext {
  readonly host: Host;
  readonly folder: string;
  readonly fsyncSeconds: Histogram;
  readonly flush: FlushPolicy;
  /** Resolves when the log start offset, the flushed and the cleaned offset of this moment are durable. */
  readonly saveOffsets: () => Promise<void>;
}

/** How the last stop left it. */
export interface LogPast {
  readonly wasClean: boolean;
  readonly recoveryPoint: Offset;
  readonly logStartOffset: Offset;
  /** The cleaner has been through all below. */
  readonly cleanedUpTo: Offset;
  /** Acknowledgements did not wait for syncs: an unclean stop may have lost what readers saw. */
  readonly acknowledgedUnsynced: boolean;
}

/** Nothing more can be written: a sync failed, or the log was closed or deleted. */
export class LogFailed extends Error {
  override readonly name = 'LogFailed';
}

// What a log is given by the folder that it belongs to.
import type { Histogram, Host, Offset, Uuid } from '@milepost/core';

export interface LogIdentity {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: Uuid;
}

/** What a log needs around it. */
export interface LogContext {
  readonly host: Host;
  readonly folder: string;
  readonly fsyncSeconds: Histogram;
  /** Acknowledgements do not wait for syncs: flush.messages and flush.ms say when there is one. */
  readonly isLax: boolean;
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
  /** An unclean stop may have lost what readers saw: acknowledgements did not wait for syncs. */
  readonly wasLax: boolean;
}

/** Nothing more can be written: a sync failed, or the log was closed or deleted. */
export class LogFailed extends Error {
  override readonly name = 'LogFailed';
}

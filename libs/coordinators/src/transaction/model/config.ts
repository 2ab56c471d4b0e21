// The coordinator's settings, named after Kafka's broker properties, with Kafka 4.3's defaults.
import type { TransactionVersion } from './transaction.ts';

export interface TransactionConfig {
  /** transaction.max.timeout.ms: longer ones are INVALID_TRANSACTION_TIMEOUT. */
  readonly maxTimeoutMs: number;
  /** transactional.id.expiration.ms */
  readonly idExpirationMs: number;
  /** transaction.abort.timed.out.transaction.cleanup.interval.ms */
  readonly abortTimedOutIntervalMs: number;
  /** transaction.remove.expired.transaction.cleanup.interval.ms */
  readonly removeExpiredIntervalMs: number;
  /** How long a command may wait for the store before its client gets a retriable error. */
  readonly storeTimeoutMs: number;
  /** The finalized level of `transaction.version`. It decides how the coordinator itself ends transactions. */
  readonly version: TransactionVersion;
}

export const DEFAULT_TRANSACTION_CONFIG: TransactionConfig = {
  maxTimeoutMs: 15 * 60_000,
  idExpirationMs: 7 * 24 * 3_600_000,
  abortTimedOutIntervalMs: 10_000,
  removeExpiredIntervalMs: 3_600_000,
  storeTimeoutMs: 5_000,
  version: 2,
};

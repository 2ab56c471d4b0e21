// What the rooms of one log share: appending (log-appender.ts), its start and retention (log-start.ts), truncation
// (log-truncation.ts) and cleaning (log-cleaning.ts). The log itself (log.ts) is their door to the outside.
import type { EpochHistory } from './epoch-history.ts';
import type { LogConfig } from './log-config.ts';
import type { LogContext } from './log-context.ts';
import type { LogHealth } from './log-health.ts';
import type { LogProducers } from './log-producers.ts';
import type { LogSync } from './log-sync.ts';
import type { SegmentList } from './segment-list.ts';

export interface LogParts {
  readonly context: LogContext;
  readonly segments: SegmentList;
  readonly epochs: EpochHistory;
  readonly health: LogHealth;
  readonly producers: LogProducers;
  readonly sync: LogSync;
  /** The topic's, as of now. */
  config: LogConfig;
}

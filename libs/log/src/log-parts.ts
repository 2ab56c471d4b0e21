// The state that the parts of one log share: appending (log-appender.ts), its start and retention (log-start.ts),
// truncation (log-truncation.ts) and cleaning (log-cleaning.ts). Log (log.ts) is their public face.
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
  /** The topic's current config. */
  config: LogConfig;
}

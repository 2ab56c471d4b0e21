// What the sessions report at each scrape.
import type { Meter } from '@milepost/core';

/** Why a device does not get a message that was for its session, or one that should have been retained. */
export const DROP_REASONS = ['queue-full', 'store-full', 'expired', 'session-ended', 'not-retained'] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** Why a session ended without its device. */
export const END_REASONS = ['expired', 'evicted', 'no-room'] as const;
export type EndReason = (typeof END_REASONS)[number];

export interface SessionFigures {
  readonly connected: number;
  readonly away: number;
  readonly queuedMessages: number;
  readonly queuedBytes: number;
  readonly retainedMessages: number;
  readonly pendingWrites: number;
  readonly failedWrites: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
  readonly ended: Readonly<Record<EndReason, number>>;
}

export function reportSessions(meter: Meter, figures: () => SessionFigures): void {
  const sessions = meter.gauge('milepost_mqtt_sessions', 'Persistent sessions, by where their device is.', ['device']);
  const queued = meter.gauge('milepost_mqtt_queued_messages', 'Messages that devices have not acknowledged.');
  const queuedBytes = meter.gauge('milepost_mqtt_queued_bytes', 'The size of these messages.');
  const retained = meter.gauge('milepost_mqtt_retained_messages', 'Retained messages.');
  const pending = meter.gauge('milepost_mqtt_session_writes_pending', 'Changes that are not in the database yet.');
  const failed = meter.counter(
    'milepost_mqtt_session_write_failures_total',
    'Writes of sessions that failed; they are repeated.',
  );
  const dropped = meter.counter(
    'milepost_mqtt_queued_messages_dropped_total',
    'Messages that a device does not get when it returns or subscribes.',
    ['reason'],
  );
  const ended = meter.counter('milepost_mqtt_sessions_ended_total', 'Sessions that ended without their device.', [
    'reason',
  ]);
  const reported = new Map<string, number>();
  const grown = (name: string, total: number): number => {
    const growth = total - (reported.get(name) ?? 0);
    reported.set(name, total);
    return growth;
  };
  meter.onScrape(() => {
    const now = figures();
    sessions.set(now.connected, { device: 'connected' });
    sessions.set(now.away, { device: 'away' });
    queued.set(now.queuedMessages);
    queuedBytes.set(now.queuedBytes);
    retained.set(now.retainedMessages);
    pending.set(now.pendingWrites);
    failed.add(grown('failed', now.failedWrites));
    for (const reason of DROP_REASONS) dropped.add(grown(`drop ${reason}`, now.dropped[reason]), { reason });
    for (const reason of END_REASONS) ended.add(grown(`end ${reason}`, now.ended[reason]), { reason });
  });
}

// Whether a position of a truck is newer than the newest one so far, for the map and for the rules alike
// (docs/decisions/0029-positions-are-ordered-by-their-arrival.md).
//
// The log has the positions of a truck in the order of their arrival. A position that the device had stored arrives late: its
// delay is what the device's time lies behind the receive time. It is newer if it was taken later: arrival less delay. The
// receive time comes from a wall clock, which may be set ahead and back: what arrives later in the log arrived later,
// whatever that clock said.
import { parseTime } from './time.ts';

/** A device's clock this far ahead is wrong; less is the network's and the clocks' everyday jitter. */
const AHEAD_LIMIT_MS = 60_000;
/** A device that stores positions for longer is rarer than one whose clock is wrong. */
const STORED_AT_MOST_MS = 31 * 24 * 3_600_000;
/** Only older positions arrive for this long: the device's clock was set back. */
export const CLOCK_SET_BACK_AFTER_MS = 60_000;

/** What later arrivals of a truck are compared with. */
export interface ArrivalsSoFar {
  /** Of the last one. */
  readonly receivedAtMs: number;
  /** How much later than taken the newest position arrived. Below 0: the device's clock is a little ahead. */
  readonly newestDelayMs: number;
  /** Receive time that has passed since the newest position arrived; steps back are left out. */
  readonly sinceNewestMs: number;
  /** The part of it that has passed since an older position arrived; absent: none has. */
  readonly olderForMs?: number;
}

export interface Arrival {
  /** When it was taken: the device's time, or the receive time where that cannot be true. */
  readonly timeMs: number;
  readonly isClockWrong: boolean;
  readonly isNewest: boolean;
  /** For the next one. */
  readonly soFar: ArrivalsSoFar;
}

export function arrivalOf(ts: string, receivedAtMs: number, before: ArrivalsSoFar | undefined): Arrival {
  const time = believedTime(ts, receivedAtMs);
  const delayMs = receivedAtMs - time.timeMs;
  if (before) {
    const { newestDelayMs } = before;
    const passedMs = Math.max(0, receivedAtMs - before.receivedAtMs);
    const sinceNewestMs = before.sinceNewestMs + passedMs;
    const olderForMs = before.olderForMs === undefined ? 0 : before.olderForMs + passedMs;
    if (sinceNewestMs - delayMs < -newestDelayMs && olderForMs < CLOCK_SET_BACK_AFTER_MS)
      return { ...time, isNewest: false, soFar: { receivedAtMs, newestDelayMs, sinceNewestMs, olderForMs } };
  }
  return { ...time, isNewest: true, soFar: { receivedAtMs, newestDelayMs: delayMs, sinceNewestMs: 0 } };
}

/** Also for tracks: what is read back from the log is ordered by the same time. */
export function believedTime(ts: string, receivedAtMs: number): { timeMs: number; isClockWrong: boolean } {
  const saidMs = parseTime(ts);
  const isBelieved =
    saidMs !== undefined && saidMs <= receivedAtMs + AHEAD_LIMIT_MS && saidMs >= receivedAtMs - STORED_AT_MOST_MS;
  return { timeMs: isBelieved ? saidMs : receivedAtMs, isClockWrong: !isBelieved };
}

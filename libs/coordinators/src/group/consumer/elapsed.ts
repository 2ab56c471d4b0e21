// Whether a span of wall-clock time has passed. If the clock was set back in the meantime the answer is unknown and counts as
// yes: waiting until the clock reaches that time again could take a day.
export const hasElapsed = (spanMs: number, sinceMs: number, nowMs: number): boolean =>
  nowMs < sinceMs || nowMs - sinceMs >= spanMs;

// How long ago something was by the wall clock, which may have been set back since: then nobody can tell, and to wait
// until it comes round again could take a day.
export const hasElapsed = (spanMs: number, sinceMs: number, nowMs: number): boolean =>
  nowMs < sinceMs || nowMs - sinceMs >= spanMs;

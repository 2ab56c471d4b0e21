// MQTT's topic filters (MQTT 5, section 4.7): whether one matches a topic, covers another filter, or overlaps with it.

/** `#` is the last level, and a wildcard is a whole level. */
export function isTopicFilter(text: string): boolean {
  const levels = text.split('/');
  return (
    text !== '' &&
    Buffer.byteLength(text) <= 65_535 &&
    levels.every((level, at) => (level === '#' ? at === levels.length - 1 : level === '+' || !/[+#\0]/.test(level)))
  );
}

/** Whether one topic could match both filters: only then may a subscriber receive telemetry. */
export function filtersOverlap(a: string, b: string): boolean {
  return overlap(a.split('/'), b.split('/'));
}

/** Whether a subscription to `filter` receives messages of `topic`. */
export const filterMatches = (filter: string, topic: string): boolean =>
  levelsMatch(filter.split('/'), topic.split('/'));

/** Whether `filter` receives everything that `other` receives. */
export function filterCovers(filter: string, other: string): boolean {
  const [mine, others] = [filter.split('/'), other.split('/')];
  if (others[0]?.startsWith('$') && (mine[0] === '+' || mine[0] === '#')) return false;
  for (let level = 0; level < Math.max(mine.length, others.length); level++) {
    if (mine[level] === '#') return true;
    const [one, another] = [mine[level], others[level]];
    if (one === undefined || another === undefined || another === '#') return false;
    if (one !== another && one !== '+') return false;
  }
  return true;
}

/** A topic is a filter without wildcards, but a leading wildcard does not match `$SYS/…` (MQTT-4.7.2-1). */
export function levelsMatch(filter: readonly string[], topic: readonly string[]): boolean {
  const hidden = topic[0]?.startsWith('$') === true && (filter[0] === '+' || filter[0] === '#');
  return !hidden && overlap(filter, topic);
}

function overlap(a: readonly string[], b: readonly string[]): boolean {
  for (let level = 0; level < Math.max(a.length, b.length); level++) {
    if (a[level] === '#' || b[level] === '#') return true;
    const [one, other] = [a[level], b[level]];
    if (one === undefined || other === undefined) return false;
    if (one !== other && one !== '+' && other !== '+') return false;
  }
  return true;
}

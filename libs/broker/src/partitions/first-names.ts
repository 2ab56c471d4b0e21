// A list of partitions in a log line. It names the first ten: a broker may have thousands.
const MOST_NAMES = 10;

export function firstNames(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return names.slice(0, MOST_NAMES).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

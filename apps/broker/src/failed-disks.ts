// What /health/ready says of partitions whose disk failed: the others go on, but somebody has to come.

const MOST_NAMES = 10;

/** Undefined where there is none. */
export function failedDisks(partitions: readonly string[]): string | undefined {
  if (partitions.length === 0) return undefined;
  const named = partitions.slice(0, MOST_NAMES).join(', ');
  const more = partitions.length > MOST_NAMES ? ` and ${partitions.length - MOST_NAMES} more` : '';
  return `the disk failed under ${named}${more}: no more records are taken there; check the disk, then restart the broker`;
}

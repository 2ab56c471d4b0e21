// The lines in /health/ready about partitions whose disk failed or is full: the others continue, but an operator must
// act.

const MOST_NAMES = 10;

/** Undefined if there is none. */
export function failedDisks(partitions: readonly string[]): string | undefined {
  if (partitions.length === 0) return undefined;
  return `the disk failed under ${namesOf(partitions)}: no more records are taken there; check the disk, then restart the broker`;
}

/** Undefined if there is none. */
export function fullDisk(partitions: readonly string[]): string | undefined {
  if (partitions.length === 0) return undefined;
  return `the disk is full: no room for records of ${namesOf(partitions)}; make room, no restart is needed`;
}

function namesOf(partitions: readonly string[]): string {
  const named = partitions.slice(0, MOST_NAMES).join(', ');
  return partitions.length > MOST_NAMES ? `${named} and ${partitions.length - MOST_NAMES} more` : named;
}

import { murmur2 } from '@platformatic/kafka';

/**
 * The partition of a key: murmur2, like Java's default partitioner, so that every client agrees on a truck's partition.
 */
export function partitionOf(key: Buffer, partitions: number): number {
  return (murmur2(key) & 0x7fff_ffff) % partitions;
}

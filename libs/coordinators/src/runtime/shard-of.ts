/** The partition of `__consumer_offsets` that a group belongs to: Java's `abs(String.hashCode())`, modulo. */
export function shardOf(groupId: string, shards: number): number {
  let hash = 0;
  for (let at = 0; at < groupId.length; at++) hash = (Math.imul(hash, 31) + groupId.charCodeAt(at)) | 0;
  // The one number without a counterpart counts as 0 in Kafka.
  return (hash === -(2 ** 31) ? 0 : Math.abs(hash)) % shards;
}

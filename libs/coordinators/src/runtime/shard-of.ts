/** The partition of `__consumer_offsets` that a group belongs to: Java's String.hashCode, made positive, modulo. */
export function shardOf(groupId: string, shards: number): number {
  let hash = 0;
  for (let at = 0; at < groupId.length; at++) hash = (Math.imul(hash, 31) + groupId.charCodeAt(at)) | 0;
  return (hash & 0x7fff_ffff) % shards;
}

// The only bytes of a member that a classic group looks into: which topics a consumer subscribes to.
//   int16 version | int32 count | count x (int16 length, UTF-8) | what the version adds
import { ByteReader, MalformedMessage } from '@milepost/core';
import { type ClassicGroup, CONSUMER_PROTOCOL_TYPE } from './state.ts';

/** Of all members together; undefined where they are not consumers or their bytes say something else. */
export function subscribedTopicsOf(group: ClassicGroup): ReadonlySet<string> | undefined {
  if (group.protocolType !== CONSUMER_PROTOCOL_TYPE) return undefined;
  const topics = new Set<string>();
  try {
    for (const { protocols } of group.members.values()) {
      const chosen = protocols.find(({ name }) => name === group.protocolName);
      if (!chosen) return undefined;
      for (const topic of topicsIn(chosen.metadata)) topics.add(topic);
    }
  } catch (problem) {
    if (problem instanceof MalformedMessage) return undefined;
    throw problem;
  }
  return topics;
}

function topicsIn(subscription: Buffer): string[] {
  const reader = new ByteReader(subscription);
  reader.int16();
  const count = reader.count(reader.int32(), 2);
  return Array.from({ length: count }, () => reader.utf8(reader.int16()));
}

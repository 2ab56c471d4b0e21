// The topics of a consumer's subscription: the only bytes of a member that a classic group reads.
//   int16 version | int32 count | count x (int16 length, UTF-8) | fields of later versions
import { ByteReader, MalformedMessage } from '@milepost/core';

/** The topics of all subscriptions; undefined if one of them is malformed. */
export function topicsIn(subscriptions: readonly Buffer[]): ReadonlySet<string> | undefined {
  try {
    return new Set(subscriptions.flatMap(topicsOf));
  } catch (problem) {
    if (problem instanceof MalformedMessage) return undefined;
    throw problem;
  }
}

function topicsOf(subscription: Buffer): string[] {
  const reader = new ByteReader(subscription);
  reader.int16();
  const count = reader.count(reader.int32(), 2);
  return Array.from({ length: count }, () => reader.utf8(reader.int16()));
}

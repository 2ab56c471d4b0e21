// Members of the classic protocol in a consumer group, while the group migrates: their subscriptions and assignments are bytes
// of the embedded consumer protocol, read and written here.
import { MalformedMessage, type Uuid } from '@milepost/core';
import { ConsumerProtocolAssignment, ConsumerProtocolSubscription } from '@milepost/wire';
import type { TopicCatalog } from '../model/topic-catalog.ts';
import type { Partitions } from '../assignors/assignor.ts';
import type { GroupProtocol } from '../model/commands.ts';
import type { Owned } from './owned.ts';

/** From its JoinGroup. Bytes are base64 because the state is JSON. */
export interface ClassicFace {
  readonly sessionTimeoutMs: number;
  readonly protocols: readonly { readonly name: string; readonly metadata: string }[];
}

export interface Subscription {
  readonly topics: readonly string[];
  readonly owned: Owned;
  readonly rackId: string | null;
}

export const classicFace = (sessionTimeoutMs: number, protocols: readonly GroupProtocol[]): ClassicFace => ({
  sessionTimeoutMs,
  protocols: protocols.map(({ name, metadata }) => ({ name, metadata: metadata.toString('base64') })),
});

export const protocolsOf = ({ protocols }: ClassicFace): GroupProtocol[] =>
  protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata, 'base64') }));

/** Undefined if the bytes are malformed. */
export function subscriptionIn(metadata: Buffer, catalog: TopicCatalog): Subscription | undefined {
  const read = understood(() => ConsumerProtocolSubscription.read(metadata));
  if (!read) return undefined;
  const owned = read.ownedPartitions.flatMap(({ topic, partitions }) => {
    const topicId = catalog.named(topic)?.id;
    return topicId ? [{ topicId, partitions }] : [];
  });
  return { topics: read.topics, owned, rackId: read.rackId || null };
}

/** Only topics that exist. `foreign`: it has data of an assignor, which would be lost. */
export function assignmentIn(assignment: Buffer, catalog: TopicCatalog): Partitions | 'malformed' | 'foreign' {
  if (assignment.length === 0) return {};
  const read = understood(() => ConsumerProtocolAssignment.read(assignment));
  if (!read) return 'malformed';
  if (read.userData && read.userData.length > 0) return 'foreign';
  return Object.fromEntries(
    read.assignedPartitions.flatMap(({ topic, partitions }) => {
      const topicId = catalog.named(topic)?.id;
      return topicId ? [[topicId, partitions] as const] : [];
    }),
  );
}

/** In the version of the member's own subscription. */
export function assignmentBytes(partitions: Partitions, face: ClassicFace, catalog: TopicCatalog): Buffer {
  const [first] = protocolsOf(face);
  const version = (first && understood(() => ConsumerProtocolSubscription.versionOf(first.metadata))) ?? 0;
  const assignedPartitions = Object.entries(partitions).flatMap(([topicId, some]) => {
    const topic = catalog.withId(topicId as Uuid)?.name;
    return topic !== undefined && some.length > 0 ? [{ topic, partitions: some }] : [];
  });
  return ConsumerProtocolAssignment.write(version, { assignedPartitions, userData: null });
}

function understood<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (problem) {
    if (problem instanceof MalformedMessage) return undefined;
    throw problem;
  }
}

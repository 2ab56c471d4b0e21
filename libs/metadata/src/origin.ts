// The history that an image belongs to, and how a broker recognizes that its database went back: it was restored from a
// backup or to a point in time, or it failed over to a standby that lacked the last commits.
import type { Uuid } from '@milepost/core';
import type { MetadataChange } from './changes.ts';

/** Of two images of one origin, the one with the higher version contains all that the other does. */
export interface Origin {
  /** The database system's own identifier; '' where it is not known. */
  readonly systemId: string;
  /** Another one after each failover and each restore to a point in time; 0 where it is not known. */
  readonly timeline: number;
  /** Stored in the database, and replaced whenever it was found older than what had been seen of it. */
  readonly lineage: string;
}

/** The database as it was seen at one moment. A broker stores it on its disk, and passes it to the store's `open`. */
export interface Sighting {
  readonly clusterId: string;
  readonly origin: Origin;
  readonly version: number;
  /** The position of the database's own log, other tables than ours included; 0 if unknown. */
  readonly position: bigint;
}

/** Until the first loss, which replaces it by a UUID. */
export const FIRST_LINEAGE = 'first';

export const isSameOrigin = (one: Origin, other: Origin): boolean =>
  one.systemId === other.systemId && one.timeline === other.timeline && one.lineage === other.lineage;

/** A name for an origin. */
export const historyOf = ({ systemId, timeline, lineage }: Origin): string => `${systemId} ${timeline} ${lineage}`;

/** Whether everything that was seen is still there: the same history, and not earlier in it. */
export const isContinued = (seen: Sighting, now: Sighting): boolean =>
  isSameOrigin(seen.origin, now.origin) && now.version >= seen.version && now.position >= seen.position;

/**
 * The first commit of a store when the database went back, so that no seen version is used for other content. Empty if
 * the database continued beyond it under another origin, which distinguishes them.
 */
export function restart(seen: Sighting, now: Sighting, lineage: Uuid): readonly MetadataChange[] {
  const isBeyond = !isSameOrigin(seen.origin, now.origin) && now.version > seen.version;
  return isBeyond ? [] : [{ type: 'lineage-started', lineage, beyond: seen.version }];
}

/** Of an image. */
export const sightingOf = ({ clusterId, origin, version }: Omit<Sighting, 'position'>, position: bigint): Sighting => ({
  clusterId,
  origin,
  version,
  position,
});

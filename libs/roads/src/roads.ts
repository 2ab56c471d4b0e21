// Reads the compact text: ways with degrees, for a router.
import { type CompactRoads, type CompactWay, roadsFormat, wayFlag } from './compact.ts';
import { linkLimitKmh, type RoadClass, usualLimitKmh } from './road-class.ts';

export interface Road {
  readonly roadClass: RoadClass;
  readonly name: string | undefined;
  /** Signed, or usual for its class; 0 if trucks do not drive there. */
  readonly limitKmh: number;
  readonly isOneway: boolean;
  readonly isTunnel: boolean;
  /** lon, lat in units of the compact file (1e-5 degrees). */
  readonly points: readonly (readonly [number, number])[];
}

/** @throws Error when the text is not of this format. */
export function readRoads(compactText: string): Road[] {
  const roads = JSON.parse(compactText) as CompactRoads;
  const format: number | undefined = roads.format;
  if (format !== roadsFormat) throw new Error(`roads: expected format ${roadsFormat}, saw ${format}`);
  return roads.ways.map((way) => roadOf(way, roads));
}

function roadOf([classIndex, name, signedKmh, flags, steps]: CompactWay, roads: CompactRoads): Road {
  const roadClass = roads.classes[classIndex] ?? 'path';
  return {
    roadClass,
    name: roads.names[name],
    limitKmh: limitOf(roadClass, signedKmh, flags),
    isOneway: (flags & wayFlag.oneway) !== 0,
    isTunnel: (flags & wayFlag.tunnel) !== 0,
    points: pointsOf(steps),
  };
}

function limitOf(roadClass: RoadClass, signedKmh: number, flags: number): number {
  const usual = usualLimitKmh[roadClass];
  if (usual === undefined || flags & wayFlag.closedToTrucks) return 0;
  return signedKmh || (flags & wayFlag.link ? Math.min(usual, linkLimitKmh) : usual);
}

function pointsOf(steps: readonly number[]): [number, number][] {
  const points: [number, number][] = [];
  for (let i = 0, x = 0, y = 0; i < steps.length; i += 2) {
    x += steps[i] ?? 0;
    y += steps[i + 1] ?? 0;
    points.push([x, y]);
  }
  return points;
}

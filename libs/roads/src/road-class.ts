// The kinds of ways that a map draws and a truck may drive on, from OpenStreetMap's `highway` values.

/** In the order of painting: the last is on top. The compact file stores their index. */
export const roadClasses = [
  'square',
  'path',
  'service',
  'street',
  'tertiary',
  'secondary',
  'primary',
  'trunk',
  'motorway',
] as const;
export type RoadClass = (typeof roadClasses)[number];

/** Undefined: not shown (platforms, building sites). Links count as the road that they lead to. */
export function roadClassOf(highway: string, isArea: boolean): RoadClass | undefined {
  if (isArea) return highway === 'pedestrian' ? 'square' : undefined;
  return classByHighway[highway.replace(/_link$/, '')];
}

const classByHighway: Readonly<Record<string, RoadClass>> = {
  motorway: 'motorway',
  trunk: 'trunk',
  primary: 'primary',
  secondary: 'secondary',
  tertiary: 'tertiary',
  unclassified: 'street',
  residential: 'street',
  living_street: 'street',
  service: 'service',
  pedestrian: 'path',
  footway: 'path',
  cycleway: 'path',
  path: 'path',
  steps: 'path',
  track: 'path',
};

/** For ways without a signed limit, in km/h; absent: trucks do not drive there. */
export const usualLimitKmh: Readonly<Partial<Record<RoadClass, number>>> = {
  motorway: 80,
  trunk: 70,
  primary: 60,
  secondary: 50,
  tertiary: 40,
};

/** A slip road is bent and short: it is not driven at the speed of the road that it leads to. */
export const linkLimitKmh = 50;

// The names under which recordings keep the same things, and the ways in which they write a time.

export type Values = Readonly<Record<string, unknown>>;

export const columnNames = {
  truckId: ['truckid', 'truck_id', 'truck', 'vehicle', 'vehicle_id', 'device', 'device_id', 'id', 'name', 'track'],
  lat: ['lat', 'latitude', 'y'],
  lon: ['lon', 'lng', 'long', 'longitude', 'x'],
  time: ['ts', 'time', 'timestamp', 'datetime', 'date', 'fixtime', 'tst'],
  speedKmh: ['speedkmh', 'speed_kmh', 'speed', 'vel', 'velocity'],
  headingDeg: ['headingdeg', 'heading_deg', 'heading', 'course', 'bearing', 'cog'],
  altitudeM: ['altitudem', 'altitude_m', 'altitude', 'alt', 'ele', 'elevation'],
  accuracyM: ['accuracym', 'accuracy_m', 'accuracy', 'acc'],
} as const;

/** The value of the first of its names that is there, whatever the case of the letters. */
export function valueOf(values: Values, column: keyof typeof columnNames): unknown {
  const lowered = new Map(Object.entries(values).map(([name, value]) => [name.toLowerCase(), value]));
  for (const name of columnNames[column]) {
    if (lowered.has(name)) return lowered.get(name);
  }
  return undefined;
}

/** ISO, seconds or milliseconds since 1970. Nothing where there is no time or none that can be read. */
export function recordedTime(time: unknown): { tsMs?: number } {
  if ((typeof time !== 'string' && typeof time !== 'number') || time === '') return {};
  const number = Number(time);
  const tsMs = Number.isNaN(number) ? Date.parse(`${time}`) : number < 1e11 ? number * 1_000 : number;
  return Number.isFinite(tsMs) ? { tsMs } : {};
}

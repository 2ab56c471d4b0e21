// The column names that recordings use for the same values.

export type Values = Readonly<Record<string, unknown>>;

/** In the order of precedence: of the columns that may name a truck, a row's own `id` is last. */
export const columnNames = {
  truckId: [
    'truckid',
    'truck_id',
    'truck',
    'vehicle',
    'vehicle_id',
    'vehicleid',
    'deviceid',
    'device_id',
    'device',
    'devicename',
    'uniqueid',
    'imei',
    'name',
    'track',
    'id',
  ],
  lat: ['lat', 'latitude', 'latitude_deg', 'y'],
  lon: ['lon', 'lng', 'long', 'longitude', 'longitude_deg', 'x'],
  latHemisphere: ['latitudedir', 'lat_dir', 'latdir', 'n/s', 'ns', 'latitude n/s', 'lat_hemisphere'],
  lonHemisphere: ['longitudedir', 'lon_dir', 'londir', 'long_dir', 'e/w', 'ew', 'longitude e/w', 'lon_hemisphere'],
  time: [
    'ts',
    'timestamp',
    'datetime',
    'date_time',
    'date time',
    'fixtime',
    'devicetime',
    'time',
    'tst',
    'utc',
    'date',
  ],
  date: ['date', 'utc date', 'utc_date', 'gps date', 'gpsdate', 'localdate', 'day'],
  valid: ['valid', 'fixvalid'],
  speedKmh: ['speedkmh', 'speed_kmh', 'speed', 'vel', 'velocity'],
  headingDeg: ['headingdeg', 'heading_deg', 'heading', 'course', 'bearing', 'cog'],
  altitudeM: ['altitudem', 'altitude_m', 'altitude', 'alt', 'ele', 'elevation'],
  accuracyM: ['accuracym', 'accuracy_m', 'accuracy', 'acc', 'hdop_m'],
} as const;

export type Column = keyof typeof columnNames;

/** The name that the file uses for a column. Case is ignored. */
export function nameOf(column: Column, names: Iterable<string>): string | undefined {
  const byLowered = new Map(Array.from(names, (name) => [name.trim().toLowerCase(), name]));
  for (const known of columnNames[column]) {
    const name = byLowered.get(known);
    if (name !== undefined) return name;
  }
  return undefined;
}

/** The value of the first name that exists. */
export function valueOf(values: Values, column: Column): unknown {
  const name = nameOf(column, Object.keys(values));
  return name === undefined ? undefined : values[name];
}

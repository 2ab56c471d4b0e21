// The units of devices, and the factors to those of the position.

export const SPEEDS = { 'km/h': 1, 'm/s': 3.6, knots: 1.852, mph: 1.609344, 'cm/s': 0.036, 'ft/s': 1.09728 } as const;
export const LENGTHS = { m: 1, km: 1000, ft: 0.3048, mi: 1609.344, dm: 0.1, cm: 0.01, mm: 0.001 } as const;
export const ANGLES = {
  deg: 1,
  '0.1deg': 0.1,
  '0.01deg': 0.01,
  '1e-5deg': 1e-5,
  '1e-6deg': 1e-6,
  '1e-7deg': 1e-7,
  rad: 180 / Math.PI,
} as const;
export const LEVELS = { '%': 1, fraction: 100 } as const;

export const UNITS = { ...SPEEDS, ...LENGTHS, ...ANGLES, ...LEVELS } as const;
export type Unit = keyof typeof UNITS;

/** Numbers since 1970; `iso` is a text. */
export const TIME_FORMATS = { s: 1000, ms: 1, us: 1e-3, ns: 1e-6, iso: undefined } as const;
export type TimeFormat = keyof typeof TIME_FORMATS;

// Reads the decoder of a route: a name, or a declaration of where the fields of a position are in the payload.
import {
  ANGLES,
  ANY,
  type DeclaredDecoder,
  decoderNames,
  LENGTHS,
  LEVELS,
  parsePath,
  SPEEDS,
  TIME_FORMATS,
} from '@milepost/fleet';
import { z } from 'zod';

const MAX_ALTERNATIVES = 8;
const MAX_COLUMNS = 64;
const MAX_OTHERS = 16;

const aPath = 'expected a path, such as position.lat or points[0].lat';
const path = z
  .string(aPath)
  .refine((text) => parsePath(text)?.steps.every((step) => step !== ANY) === true, aPath)
  .describe('A path in the payload; $. begins at its root');
const paths = z
  .union([path, z.array(path, aPath).min(1, aPath).max(MAX_ALTERNATIVES, `expected at most ${MAX_ALTERNATIVES} paths`)])
  .describe('Of several paths the first with a value counts');

const keysOf = <Table extends object>(table: Table) => Object.keys(table) as [keyof Table & string];
const constantOf = <Value extends z.ZodType>(value: Value) => z.strictObject({ value });
const numberIn = (units: object) =>
  z.union([
    paths,
    z.strictObject({
      path: paths,
      unit: z.enum(keysOf(units), `expected one of ${keysOf(units).join(', ')}`).optional(),
    }),
    constantOf(z.number('expected a number')),
  ]);
const coordinate = z.union([
  paths,
  z.strictObject({
    path: paths,
    unit: z.enum(keysOf(ANGLES), `expected one of ${keysOf(ANGLES).join(', ')}`).optional(),
  }),
]);

const fields = z.strictObject({
  truckId: z
    .union([
      paths,
      z.strictObject({ join: z.array(path).min(1).max(4, 'expected at most 4 paths') }),
      constantOf(z.string('expected a text').min(1)),
    ])
    .optional()
    .describe('Names the truck; by default the key of the route does'),
  ts: z
    .union([
      paths,
      z.strictObject({
        path: paths,
        format: z
          .enum(keysOf(TIME_FORMATS), `expected one of ${keysOf(TIME_FORMATS).join(', ')}`)
          .optional()
          .describe('By default a text is ISO 8601, and the size of a number tells its unit'),
      }),
    ])
    .optional()
    .describe('By default the receive time'),
  lat: coordinate.optional(),
  lon: coordinate.optional(),
  latLon: paths.optional().describe('Both in one text: 57.7,11.9'),
  speed: numberIn(SPEEDS).optional().describe('By default in km/h'),
  heading: numberIn(ANGLES).optional().describe('By default in degrees'),
  altitude: numberIn(LENGTHS).optional().describe('By default in meters'),
  accuracy: numberIn(LENGTHS).optional(),
  odometer: numberIn(LENGTHS).optional(),
  fuel: numberIn(LEVELS).optional().describe('By default in percent'),
  battery: numberIn(LEVELS).optional(),
  ignition: z.union([paths, constantOf(z.boolean('expected true or false'))]).optional(),
  valid: paths.optional().describe('False there: the receiver has no fix'),
  other: z
    .record(z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'expected a name of letters, digits, dot, _ and -'), paths)
    .refine((other) => Object.keys(other).length <= MAX_OTHERS, `expected at most ${MAX_OTHERS} fields`)
    .optional()
    .describe('Fields that are stored beside the canonical ones'),
});

const declaration = z
  .strictObject({
    format: z.enum(['json', 'csv'], 'expected json or csv').default('json'),
    each: z
      .string('expected a path, such as points[*]')
      .refine((text) => parsePath(text) !== undefined, 'expected a path, such as points[*]')
      .optional()
      .describe('JSON: where the positions are, such as points[*]; paths of fields begin there'),
    columns: z
      .array(z.string().regex(/^[^.[\]"\s]{1,100}$/, 'expected names without blanks, dots and brackets'))
      .min(1)
      .max(MAX_COLUMNS, `expected at most ${MAX_COLUMNS} columns`)
      .optional()
      .describe('CSV: the names of the columns; by default those of the first line'),
    separator: z.string().length(1, 'expected one character').optional(),
    fields,
  })
  .describe('Where the fields of a position are in the payload');

const names = z.enum(['raw', ...decoderNames], { error: `expected one of raw, ${decoderNames.join(', ')}` });

export const decoderSchema = z.union([names, declaration]);

/** What is wrong with settings that are right one by one. */
export function contradictionIn({
  format,
  each,
  columns,
  separator,
  fields: declared,
}: DeclaredDecoder): string | undefined {
  if (declared.latLon === undefined && (declared.lat === undefined || declared.lon === undefined))
    return 'decoder.fields: expected lat and lon, or latLon, saw neither';
  if (declared.latLon !== undefined && (declared.lat !== undefined || declared.lon !== undefined))
    return 'decoder.fields: expected lat and lon, or latLon, saw both';
  if (format === 'csv' && each !== undefined) return `decoder.each: is for json, saw ${each}`;
  if (format === 'json' && columns !== undefined) return 'decoder.columns: is for csv, saw json';
  if (format === 'json' && separator !== undefined) return 'decoder.separator: is for csv, saw json';
  return undefined;
}

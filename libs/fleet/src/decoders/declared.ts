// A decoder that an operator has declared in a route: which path of the payload is which field, in which unit. It reads
// JSON of any shape (one document, a list, one a line), or CSV lines, compressed or not. As all decoders it is pure, never
// throws, and rejects what it does not understand.
import { parse } from 'csv-parse/sync';
import { type Decoder, type Rejected, rejected } from '../decoder.ts';
import type { ExactJson } from '../json.ts';
import { type Constant, type MappedNumber, type Mapping, mappedDecoder, type Path } from './mapping.ts';
import { type Fields, textOf } from './payload.ts';
import type { TimeFormat, Unit } from './units.ts';

export type DeclaredField = Path | { readonly path: Path; readonly unit?: Unit | undefined } | Constant;
export type DeclaredTime = Path | { readonly path: Path; readonly format?: TimeFormat | undefined };
export type DeclaredTruck = Path | { readonly join: readonly string[] } | Constant;

export interface DeclaredDecoder {
  readonly format: 'json' | 'csv';
  /** CSV: the names of the columns, which are paths then. Absent: the first line has them. */
  readonly columns?: readonly string[] | undefined;
  readonly separator?: string | undefined;
  /** JSON: where the positions are, such as `data.points[*]`. */
  readonly each?: string | undefined;
  readonly fields: {
    readonly truckId?: DeclaredTruck | undefined;
    readonly ts?: DeclaredTime | undefined;
    readonly lat?: DeclaredField | undefined;
    readonly lon?: DeclaredField | undefined;
    /** Both in one text, `57.7,11.9`. */
    readonly latLon?: Path | undefined;
    readonly speed?: DeclaredField | undefined;
    readonly heading?: DeclaredField | undefined;
    readonly altitude?: DeclaredField | undefined;
    readonly accuracy?: DeclaredField | undefined;
    readonly odometer?: DeclaredField | undefined;
    readonly fuel?: DeclaredField | undefined;
    readonly battery?: DeclaredField | undefined;
    readonly ignition?: Path | Constant | undefined;
    /** False there: no fix. */
    readonly valid?: Path | undefined;
    /** Others that are stored with the position, by the name that they get. */
    readonly other?: Readonly<Record<string, Path>> | undefined;
  };
}

/** @throws TypeError if a path is none: the declaration is checked before. */
export function declaredDecoder(name: string, declaration: DeclaredDecoder): Decoder {
  const mapping = mappingOf(declaration);
  return declaration.format === 'csv'
    ? mappedDecoder(name, mapping, csvReader(declaration))
    : mappedDecoder(name, mapping);
}

function mappingOf({ each, fields }: DeclaredDecoder): Mapping {
  const { truckId, ts, lat, lon, latLon, ignition, valid, other } = fields;
  const numbers = {
    speedKmh: numberOf(fields.speed, 'km/h'),
    headingDeg: numberOf(fields.heading, 'deg'),
    altitudeM: numberOf(fields.altitude, 'm'),
    accuracyM: numberOf(fields.accuracy, 'm'),
    odometerM: numberOf(fields.odometer, 'm'),
    fuelPct: numberOf(fields.fuel, '%'),
    batteryPct: numberOf(fields.battery, '%'),
  };
  return defined({
    each,
    device: truckId === undefined ? undefined : truckOf(truckId),
    lat: coordinateOf(lat),
    lon: coordinateOf(lon),
    latLon,
    ...timeOf(ts),
    numbers: defined(numbers),
    ignition,
    isValid: valid,
    other,
  }) as Mapping;
}

const isPath = (field: Path | object): field is Path => typeof field === 'string' || Array.isArray(field);

function numberOf(field: DeclaredField | undefined, usual: Unit): MappedNumber | Constant | undefined {
  if (field === undefined) return undefined;
  if (isPath(field)) return { path: field, unit: usual };
  return 'value' in field ? field : { path: field.path, unit: field.unit ?? usual };
}

const coordinateOf = (field: DeclaredField | undefined): MappedNumber | undefined => {
  const number = numberOf(field, 'deg');
  return number !== undefined && 'path' in number ? number : undefined;
};

function timeOf(ts: DeclaredTime | undefined): { ts?: Path; time?: TimeFormat } {
  if (ts === undefined) return {};
  if (isPath(ts)) return { ts };
  return ts.format === undefined ? { ts: ts.path } : { ts: ts.path, time: ts.format };
}

function truckOf(truckId: DeclaredTruck): readonly (Path | Constant)[] {
  if (isPath(truckId)) return [truckId];
  return 'join' in truckId ? truckId.join : [truckId];
}

const defined = <Fields extends object>(fields: Fields): object =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** A number as people write it, which JSON does not allow: `+5`, `007`, `5.`, `.5`. */
const LOOSE_NUMBER = /^([-+]?)0*(\d*)(?:\.(\d*))?$/;
const NO_DIGITS: Pick<ExactJson, 'digitsOf'> = { digitsOf: () => undefined };

/** Each line is a document, whose keys are the columns. */
function csvReader({ columns, separator = ',' }: DeclaredDecoder): (payload: Buffer) => readonly Fields[] | Rejected {
  return (payload) => {
    const text = textOf(payload);
    if (typeof text !== 'string') return text;
    let rows: Record<string, string>[];
    try {
      rows = parse(text, {
        columns: columns ? [...columns] : true,
        delimiter: separator,
        trim: true,
        skip_empty_lines: true,
        relax_column_count: true,
        relax_quotes: true,
      });
    } catch (error) {
      return rejected('malformed', `expected CSV lines, saw ${(error as Error).message.slice(0, 100)}`);
    }
    if (rows.length === 0) return rejected('empty', 'expected CSV lines with a position, saw none');
    return rows.map((row) => ({ json: { value: row, ...NO_DIGITS }, fields: valuesOf(row) }));
  };
}

/** An empty column counts as absent. */
function valuesOf(row: Readonly<Record<string, string>>): Record<string, unknown> {
  const fields = Object.create(null) as Record<string, unknown>;
  for (const [column, text] of Object.entries(row)) if (text !== '') fields[column] = tidy(text);
  return fields;
}

function tidy(text: string): string {
  const [, sign, whole, fraction] = LOOSE_NUMBER.exec(text) ?? [];
  if (sign === undefined || (whole === '' && !/\d/.test(text))) return text;
  return `${sign === '-' ? '-' : ''}${whole === '' ? '0' : whole}${fraction ? `.${fraction}` : ''}`;
}

// CSV with a header line: a latitude and a longitude column under any of their usual names, and other known columns.
// The header line's separator is the file's; if that is not the comma, a comma is a decimal point. A row without
// coordinates, or marked as invalid by the device, is skipped; one that cannot be parsed refuses the file.
import { parse } from 'csv-parse/sync';
import { type Column, columnNames, nameOf } from './columns.ts';
import { type NamedFixes, PassedOver, type RecordedFix } from './recorded-fix.ts';
import { isTimeOfDay, joinedTime, recordedDegrees, recordedNumber, recordedTime } from './recorded-value.ts';

type Row = Readonly<Record<string, string>>;
const SEPARATORS = [',', ';', '\t', '|'] as const;
const MEASURES = ['speedKmh', 'headingDeg', 'altitudeM', 'accuracyM'] as const;

/** @throws Error that names the line: no latitude or longitude column, a malformed row, a value that cannot be read. */
export function readCsv(text: string, passedOver: PassedOver): NamedFixes[] {
  const { body, separator } = separated(text);
  const records = parse(body, {
    columns: (header: string[]) => header.map((name) => name.trim().toLowerCase()),
    skip_empty_lines: true,
    trim: true,
    bom: true,
    delimiter: separator,
    info: true,
  }) as unknown as { record: Row; info: { lines: number } }[];
  const first = records[0];
  if (!first) return [];
  const columns = columnsOf(Object.keys(first.record));
  const nameColumn = truckColumn(columns, records);
  const byName = new Map<string | undefined, RecordedFix[]>();
  for (const { record, info } of records) {
    const fix = fixOf(record, columns, info.lines);
    if (typeof fix === 'string') {
      passedOver.count(fix);
      continue;
    }
    const name = nameColumn === undefined ? undefined : record[nameColumn];
    const fixes = byName.get(name);
    if (fixes) fixes.push(fix);
    else byName.set(name, [fix]);
  }
  return Array.from(byName, ([name, fixes]) => ({ name, fixes }));
}

/** A spreadsheet may write `sep=;` in a line before the header. */
function separated(text: string): { body: string; separator: string } {
  const [, announced, body] = /^\uFEFF?sep=(.)\r?\n(.*)$/s.exec(text) ?? [];
  if (announced !== undefined && body !== undefined) return { body, separator: announced };
  const header = (/^.*$/m.exec(text.trimStart())?.[0] ?? '').replaceAll(/"[^"]*"/g, '');
  const count = (separator: string) => header.split(separator).length;
  const separator = SEPARATORS.reduce((best, next) => (count(next) > count(best) ? next : best));
  return { body: text, separator };
}

type Columns = Partial<Record<Column, string>> & { readonly lat: string; readonly lon: string };

function columnsOf(names: readonly string[]): Columns {
  const found = Object.fromEntries(
    (Object.keys(columnNames) as Column[]).map((column) => [column, nameOf(column, names)]),
  ) as Partial<Record<Column, string>>;
  for (const column of ['lat', 'lon'] as const) {
    if (found[column] === undefined)
      throw new Error(`expected a column named ${columnNames[column].join(', ')}; saw ${names.join(', ')}`);
  }
  return found as Columns;
}

/** A column `id` whose values are all different numbers the rows, and names no truck. */
function truckColumn({ truckId }: Columns, records: readonly { record: Row }[]): string | undefined {
  if (truckId !== 'id' || records.length === 1) return truckId;
  const ids = new Set(records.map(({ record }) => record[truckId]));
  return ids.size === records.length ? undefined : truckId;
}

function fixOf(row: Row, columns: Columns, line: number): RecordedFix | string {
  const cell = (column: Column): string => (columns[column] === undefined ? '' : (row[columns[column]] ?? ''));
  const [latText, lonText] = [cell('lat'), cell('lon')];
  if (latText === '' && lonText === '') return 'rows without coordinates';
  if (/^(0|false|no|v)$/i.test(cell('valid'))) return 'rows without a valid fix';
  const lat = within(90, recordedDegrees(latText, cell('latHemisphere')), line, 'latitude', latText);
  const lon = within(180, recordedDegrees(lonText, cell('lonHemisphere')), line, 'longitude', lonText);
  const measures = MEASURES.flatMap((column) => {
    const value = recordedNumber(cell(column));
    return value === undefined ? [] : [[column, value] as const];
  });
  return { lat, lon, ...Object.fromEntries(measures), ...timeOf(cell('time'), cell('date'), line) };
}

function within(limit: number, degrees: number | undefined, line: number, what: string, seen: string): number {
  if (degrees === undefined || Math.abs(degrees) > limit)
    throw new Error(`line ${line}: ${what}: expected degrees from -${limit} to ${limit}, saw "${seen}"`);
  return degrees;
}

function timeOf(time: string, date: string, line: number): { tsMs?: number } {
  const text = isTimeOfDay(time) && date !== '' && date !== time ? joinedTime(date, time) : time;
  if (text === '') return {};
  const tsMs = recordedTime(text);
  if (tsMs === undefined) throw new Error(`line ${line}: time: expected ISO 8601 or seconds since 1970, saw "${text}"`);
  return { tsMs };
}

// CSV with a header line: a latitude and a longitude column under any of their usual names, and whatever else is known.
import { parse } from 'csv-parse/sync';
import { columnNames, recordedTime, type Values, valueOf } from './columns.ts';
import type { NamedFixes, RecordedFix } from './recorded-fix.ts';

/** @throws Error when there is no latitude or longitude column. */
export function readCsv(text: string): NamedFixes[] {
  const rows = parse(text, {
    columns: (header: string[]) => header.map((name) => name.trim().toLowerCase()),
    skip_empty_lines: true,
    trim: true,
    bom: true,
    delimiter: [',', ';', '\t'],
  }) as Values[];
  const first = rows[0];
  for (const column of ['lat', 'lon'] as const) {
    if (first && valueOf(first, column) === undefined)
      throw new Error(
        `csv: expected a column named ${columnNames[column].join(', ')}; saw ${Object.keys(first).join(', ')}`,
      );
  }
  const byName = new Map<string | undefined, RecordedFix[]>();
  for (const row of rows) {
    const name = valueOf(row, 'truckId') as string | undefined;
    const fixes = byName.get(name) ?? [];
    fixes.push(fixOf(row));
    byName.set(name, fixes);
  }
  return [...byName].map(([name, fixes]) => ({
    name,
    fixes: fixes.filter(({ lat, lon }) => Number.isFinite(lat + lon)),
  }));
}

function fixOf(row: Values): RecordedFix {
  const optional = (column: 'speedKmh' | 'headingDeg' | 'altitudeM' | 'accuracyM') => {
    const value = valueOf(row, column);
    return value === undefined || value === '' ? {} : { [column]: Number(value) };
  };
  return {
    lat: Number(valueOf(row, 'lat')),
    lon: Number(valueOf(row, 'lon')),
    ...optional('speedKmh'),
    ...optional('headingDeg'),
    ...optional('altitudeM'),
    ...optional('accuracyM'),
    ...recordedTime(valueOf(row, 'time')),
  };
}

// A file of devices to import: CSV with a header line, or a JSON list. Columns and fields are id, password, publish and
// subscribe; of several topic filters in a CSV, blanks are between them.
//
// Promises: a broken entry is named by the number of its line (CSV) or its place in the list (JSON). No error repeats a password.
import { isTopicFilter } from '@milepost/routes';
import { parse } from 'csv-parse/sync';
import { EXPECTED_DEVICE_ID, isDeviceId, LONGEST_PASSWORD_BYTES } from '@milepost/security';

export interface ListedDevice {
  readonly id: string;
  /** Undefined: none is in the file. */
  readonly password: string | undefined;
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

export interface DeviceList {
  readonly devices: readonly ListedDevice[];
  /** A line for each broken entry. */
  readonly broken: readonly string[];
}

interface Entry {
  readonly where: string;
  /** The text: what is wrong with it. */
  readonly fields: Readonly<Record<string, unknown>> | string;
}

const FIELDS = ['id', 'password', 'publish', 'subscribe'];

/** @throws Error, in one line, if it is no such file at all. */
export function readDeviceList(content: string): DeviceList {
  const text = content.replace(/^\uFEFF/, '');
  const entries = /^\s*\[/.test(text) ? entriesOfJson(text) : entriesOfCsv(text);
  const devices: ListedDevice[] = [];
  const broken: string[] = [];
  const seen = new Map<string, string>();
  for (const { where, fields } of entries) {
    const device = deviceOf(fields);
    const problem = typeof device === 'string' ? device : twice(device.id, seen);
    if (typeof device !== 'string' && problem === undefined) {
      devices.push(device);
      seen.set(device.id, where);
    } else broken.push(`${where}: ${problem}`);
  }
  return { devices, broken };
}

function entriesOfJson(text: string): Entry[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (failure) {
    throw new Error(`expected a JSON list of devices: ${(failure as Error).message.split('\n')[0]?.slice(0, 100)}`);
  }
  return (list as unknown[]).map((fields, index) => ({
    where: `entry ${index + 1}`,
    fields: typeof fields === 'object' && fields !== null ? (fields as Record<string, unknown>) : {},
  }));
}

function entriesOfCsv(text: string): Entry[] {
  const rows = parse(text, {
    trim: true,
    skip_empty_lines: true,
    relax_column_count: true,
    relax_quotes: true,
    info: true,
  }) as unknown as { readonly record: readonly string[]; readonly info: { readonly lines: number } }[];
  const [header, ...others] = rows;
  const names = header?.record.map((name) => name.toLowerCase()) ?? [];
  const unknown = names.find((name) => !FIELDS.includes(name));
  if (!names.includes('id') || unknown !== undefined)
    throw new Error(
      `line 1: expected a header line with id, and any of password, publish, subscribe; seen ${unknown ?? (names.join(',') || 'nothing')}`,
    );
  return others.map(({ record, info }) => ({
    where: `line ${info.lines}`,
    fields:
      record.length === names.length
        ? Object.fromEntries(names.map((name, column) => [name, record[column]]))
        : `expected ${names.length} columns, seen ${record.length}`,
  }));
}

/** The text: what is wrong with it. */
function deviceOf(fields: Entry['fields']): ListedDevice | string {
  if (typeof fields === 'string') return fields;
  const { id, password } = fields;
  const unknown = Object.keys(fields).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) return `expected ${FIELDS.join(', ')}, seen ${unknown}`;
  if (typeof id !== 'string' || !isDeviceId(id))
    return `id: expected ${EXPECTED_DEVICE_ID}, seen ${JSON.stringify(id)?.slice(0, 80) ?? 'none'}`;
  const problem = password === undefined || password === '' ? undefined : problemOfPassword(password);
  if (problem !== undefined) return problem;
  const publish = filtersOf(fields.publish);
  const subscribe = filtersOf(fields.subscribe);
  if (!publish) return 'publish: expected topic filters, such as trucks/+/gps';
  if (!subscribe) return 'subscribe: expected topic filters, such as trucks/#';
  return { id, password: password === '' ? undefined : (password as string | undefined), publish, subscribe };
}

function problemOfPassword(password: unknown): string | undefined {
  if (typeof password !== 'string') return 'password: expected a text';
  return Buffer.byteLength(password) > LONGEST_PASSWORD_BYTES
    ? `password: expected at most ${LONGEST_PASSWORD_BYTES} bytes`
    : undefined;
}

function filtersOf(value: unknown): string[] | undefined {
  const filters = typeof value === 'string' ? value.split(/\s+/).filter((one) => one !== '') : (value ?? []);
  if (!Array.isArray(filters)) return undefined;
  return filters.every((one) => typeof one === 'string' && isTopicFilter(one)) ? filters : undefined;
}

function twice(id: string, seen: ReadonlyMap<string, string>): string | undefined {
  const before = seen.get(id);
  return before === undefined ? undefined : `${id} is also in ${before}`;
}

// Builds a position from the numbers of a document: absent ones remain absent, unusual digits are preserved.
import { NUMBER_FIELDS, type NumberField, type Position } from '../position.ts';
import type { DeviceNumber } from './document.ts';

export type Numbers = { lat: DeviceNumber; lon: DeviceNumber } & { [field in NumberField]?: DeviceNumber | undefined };

export function assemble(
  identity: { readonly truckId: string; readonly ts: string; readonly source: string },
  numbers: Readonly<Numbers>,
  ignition?: boolean,
  other?: Readonly<Record<string, unknown>>,
): Position {
  const { truckId, ts, source } = identity;
  const position: Draft = { truckId, ts }; // the order of the fields is that of the text
  for (const field of NUMBER_FIELDS) {
    const number = numbers[field];
    if (number === undefined) continue;
    position[field] = number.value;
    if (number.digits !== undefined) (position.digits ??= {})[field] = number.digits;
  }
  if (ignition !== undefined) position.ignition = ignition;
  position.source = source;
  if (other !== undefined) position.other = other;
  return position as Position; // `numbers` has lat and lon
}

type Draft = { -readonly [key in keyof Position]?: Position[key] } & { digits?: Partial<Record<NumberField, string>> };

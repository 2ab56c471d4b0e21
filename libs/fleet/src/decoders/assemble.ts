// Puts a position together from the numbers of a document: absent ones stay absent, unusual digits are carried along.
import type { NumberField, Position } from '../position.ts';
import type { DeviceNumber } from './document.ts';

type Numbers = { readonly lat: DeviceNumber; readonly lon: DeviceNumber } & {
  readonly [field in NumberField]?: DeviceNumber | undefined;
};

export function assemble(
  identity: { readonly truckId: string; readonly ts: string; readonly source: string },
  numbers: Numbers,
  ignition?: boolean,
): Position {
  const values: Partial<Record<NumberField, number>> = {};
  let digits: Partial<Record<NumberField, string>> | undefined;
  for (const field in numbers) {
    const number = numbers[field as NumberField];
    if (!number) continue;
    values[field as NumberField] = number.value;
    if (number.digits !== undefined) digits = { ...digits, [field]: number.digits };
  }
  const position = { ...identity, ...values, lat: numbers.lat.value, lon: numbers.lon.value };
  return {
    ...position,
    ...(ignition === undefined ? undefined : { ignition }),
    ...(digits ? { digits } : undefined),
  };
}

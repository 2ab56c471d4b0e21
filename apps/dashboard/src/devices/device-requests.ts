// What requests about devices have in their bodies and queries. No error repeats a password.
import { type DeviceList, readDeviceList, type WantedDevice } from '@milepost/devices';
import { BadRequestException } from '@nestjs/common';
import { choiceFrom, type Parameter } from '../query.ts';

const FIELDS = ['id', 'password', 'publish', 'subscribe'];
const CHANGEABLE = ['isBlocked', 'publish', 'subscribe'];

type Fields = Readonly<Record<string, unknown>>;

/** The id is checked by the registration. */
export function readNewDevice(body: unknown): WantedDevice {
  const { id, password, publish, subscribe } = fieldsOf(body, FIELDS);
  if (typeof id !== 'string') throw new BadRequestException('id: expected a text');
  if (password !== undefined && password !== null && typeof password !== 'string')
    throw new BadRequestException('password: expected a text, or null');
  const wanted = password === undefined ? 'made' : password === null ? 'none' : { given: password };
  return {
    id,
    password: wanted,
    publish: filtersIn('publish', publish) ?? [],
    subscribe: filtersIn('subscribe', subscribe) ?? [],
  };
}

export interface WantedChanges {
  readonly isBlocked: boolean | undefined;
  /** Absent: none of them changes. */
  readonly topics: { readonly publish?: readonly string[]; readonly subscribe?: readonly string[] } | undefined;
}

export function readChanges(body: unknown): WantedChanges {
  const { isBlocked, ...others } = fieldsOf(body, CHANGEABLE);
  if (isBlocked !== undefined && typeof isBlocked !== 'boolean')
    throw new BadRequestException('isBlocked: expected true or false');
  const publish = filtersIn('publish', others['publish']);
  const subscribe = filtersIn('subscribe', others['subscribe']);
  const topics = { ...(publish && { publish }), ...(subscribe && { subscribe }) };
  return { isBlocked, topics: publish || subscribe ? topics : undefined };
}

/** A CSV (a text) or a JSON list. */
export function readImport(body: unknown): DeviceList {
  if (typeof body !== 'string' && !Array.isArray(body))
    throw new BadRequestException(
      'expected a CSV (content-type: text/csv) with a header line, or a JSON list of devices',
    );
  try {
    return readDeviceList(typeof body === 'string' ? body : JSON.stringify(body));
  } catch (failure) {
    throw new BadRequestException((failure as Error).message);
  }
}

export const flagFrom = (name: string, parameter: Parameter): boolean | undefined => {
  const choice = choiceFrom(name, parameter, ['true', 'false']);
  return choice === undefined ? undefined : choice === 'true';
};

function fieldsOf(body: unknown, known: readonly string[]): Fields {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new BadRequestException('expected a JSON object');
  const unknown = Object.keys(body).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new BadRequestException(`expected ${known.join(', ')}; saw ${unknown.slice(0, 100)}`);
  return body as Fields;
}

function filtersIn(name: string, value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
  throw new BadRequestException(`${name}: expected a list of topic filters, such as ["trucks/#"]`);
}

// A record of `truck_gps` as the rules see it.
import type { PositionReader } from '@milepost/fleet';
import type { Observation } from './evaluation.ts';

export interface PositionRecord {
  readonly partition: number;
  readonly offset: number;
  /** ms since 1970: when the gateway received it. */
  readonly timestamp: number;
  readonly value: Buffer | null;
}

const PRINCIPAL = Buffer.from('principal');

/** `positions` is prepared for the record; `header` looks up one of the record's. Undefined for a record that is not a position: another program wrote it. */
export function observationOf<Logged extends PositionRecord>(
  record: Logged,
  positions: PositionReader,
  header: (record: Logged, key: Buffer) => Buffer | undefined,
): Observation | undefined {
  const { offset, partition, timestamp, value } = record;
  const position = positions.read(value);
  if (!position) return undefined;
  return { partition, offset, heardMs: timestamp, position, principal: header(record, PRINCIPAL)?.toString() };
}

// What the tests of this library share: a host around any disk, and batches in few words. Not part of the library's face.
import {
  type Clock,
  type Disk,
  type Host,
  type Logger,
  type Network,
  type Offset,
  type Random,
  silentLogger,
  silentMeter,
  Timestamp,
} from '@milepost/core';
import { batchesOf, type BatchToBuild, buildBatch, type LogRecord } from '@milepost/records';
import { type LogConfig, logConfigOf } from './log-config.ts';

export const START_MS = 1_767_225_600_000;

export function testHost(disk: Disk, options: { clock?: Clock; logger?: Logger } = {}): Host {
  const never = () => () => {};
  let ids = 0;
  const random: Random = {
    below: () => 0,
    chance: () => false,
    uuid: () => `00000000-0000-4000-8000-${(++ids).toString().padStart(12, '0')}`,
  };
  return {
    disk,
    clock: options.clock ?? { now: () => START_MS, monotonic: () => 0, after: never },
    network: {} as Network,
    random,
    meter: silentMeter,
    logger: options.logger ?? silentLogger,
  };
}

/** Keeps what was said, by level. */
export function listeningLogger(): Logger & { readonly said: Record<'info' | 'warn' | 'error', string[]> } {
  const said = { info: [] as string[], warn: [] as string[], error: [] as string[] };
  const keep = (level: keyof typeof said) => (_: object, message: string) => void said[level].push(message);
  return { said, debug: () => {}, info: keep('info'), warn: keep('warn'), error: keep('error') };
}

/** A batch of one record for each value; its timestamps are those given, or one that every rule accepts. */
export function batchOf(
  values: readonly (string | { value: string; timestamp?: number; key?: string | null })[],
  batch: Omit<BatchToBuild, 'records'> = {},
): Buffer {
  const records = values.map((one) => {
    const { value, timestamp, key } = typeof one === 'string' ? { value: one, timestamp: undefined, key: 'k' } : one;
    return {
      key: key === null ? null : Buffer.from(key ?? 'k'),
      value: Buffer.from(value),
      timestamp: Timestamp(timestamp ?? START_MS),
    };
  });
  return buildBatch({ ...batch, records });
}

export function recordsIn(bytes: Buffer): LogRecord[] {
  return [...batchesOf(bytes)].flatMap((batch) => [...batch.records()]);
}

/** `offset:value` of each record. */
export const valuesIn = (bytes: Buffer): string[] =>
  recordsIn(bytes).map((record) => `${record.offset}:${String(record.value)}`);

export const everything = (upTo: Offset) => ({ maxBytes: 2 ** 30, upTo, atLeastOneBatch: true });

/** Segments of 1 KB, an index entry every 100 bytes: many rolls in few appends. */
export const tinySegments = (more: Record<string, string> = {}): LogConfig =>
  logConfigOf({ 'segment.bytes': '1024', 'index.interval.bytes': '100', 'segment.index.bytes': '160', ...more });

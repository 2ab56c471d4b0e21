// Shared by the tests of this library: a host around any disk, and short forms for batches. Not part of the public
// face.
import {
  BrokerId,
  type Clock,
  type Deflater,
  type Disk,
  ErrorCode,
  type Host,
  invariant,
  LeaderEpoch,
  type Inflater,
  type KeyDerivation,
  type Logger,
  type Network,
  Offset,
  type Random,
  silentLogger,
  silentMeter,
  Timestamp,
  Uuid,
} from '@milepost/core';
import {
  batchesOf,
  type BatchToBuild,
  buildBatch,
  type LogRecord,
  RecordBatch,
  type TransactionEnd,
} from '@milepost/records';
import { type LogConfig, logConfigOf } from './log-config.ts';
import { LogDirectory } from './log-directory.ts';
import type { Log } from './log.ts';
import type { AppendOutcome } from './outcomes.ts';
import type { TransactionMarker } from './transaction-marker.ts';

export const IDENTITY = { clusterId: 'cluster', brokerId: BrokerId(1) };
export const TOPIC_ID = Uuid('11111111-2222-4333-8444-555555555555');
export const START_MS = 1_767_225_600_000;

export function testHost(
  disk: Disk,
  options: { clock?: Clock; logger?: Logger; inflater?: Inflater; deflater?: Deflater } = {},
): Host {
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
    inflater: options.inflater ?? ({} as Inflater),
    deflater: options.deflater ?? ({} as Deflater),
    keys: {} as KeyDerivation,
    meter: silentMeter,
    logger: options.logger ?? silentLogger,
  };
}

/** Records log lines by level. */
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

/** The folder /data of the disk and the log t-0 in it, created if missing. */
export async function openLog(
  disk: Disk,
  options: {
    config?: LogConfig;
    clock?: Clock;
    logger?: Logger;
    flush?: 'always' | 'os';
    folder?: string;
    /** The topic's id in the cluster. */
    topicId?: Uuid;
  } = {},
): Promise<{ directory: LogDirectory; log: Log }> {
  const config = options.config ?? tinySegments();
  const folder = options.folder ?? '/data';
  const opening = {
    flush: options.flush ?? 'always',
    configOf: () => config,
    ...(options.topicId && { topicIdOf: () => options.topicId }),
  };
  const directory = await LogDirectory.open(testHost(disk, options), folder, IDENTITY, opening);
  return { directory, log: directory.get('t', 0) ?? (await directory.create('t', TOPIC_ID, 0, config)) };
}

/** Appends one batch of one record for each value. */
export function appendAll(log: Log, values: readonly string[], epoch = 0): void {
  for (const value of values) {
    const outcome = log.append(batchOf([value]), LeaderEpoch(epoch));
    invariant(outcome.error === ErrorCode.NONE, () => `${value}: ${JSON.stringify(outcome)}`);
  }
}

/** A producer whose transactions the coordinator always confirms; one record in each batch. */
export class TransactionalProducer {
  readonly #log: () => Log;
  readonly #id: bigint;
  epoch: number;
  sequence = 0;

  constructor(log: Log | (() => Log), id: bigint, epoch = 0) {
    this.#log = typeof log === 'function' ? log : () => log;
    this.#id = id;
    this.epoch = epoch;
  }

  /** Without verification. */
  tryToSend(value: string, key?: string): AppendOutcome {
    return this.#log().append(this.#batch(value, key), LeaderEpoch(0));
  }

  /** Answers with the offset. */
  send(value: string, key?: string): Offset {
    const log = this.#log();
    const batch = this.#batch(value, key);
    const verification = log.beginVerification(RecordBatch.at(batch, 0) as RecordBatch, false);
    invariant(verification === undefined || !('error' in verification), () => JSON.stringify(verification));
    verification?.confirm();
    const outcome = log.append(batch, LeaderEpoch(0));
    invariant(outcome.error === ErrorCode.NONE, () => `${value}: ${JSON.stringify(outcome)}`);
    this.sequence++;
    return outcome.baseOffset;
  }

  end(how: TransactionEnd, more: Partial<TransactionMarker> = {}): AppendOutcome {
    const marker = { producerId: this.#id, producerEpoch: this.epoch, coordinatorEpoch: 0, transactionVersion: 1 };
    return this.#log().appendMarker({ ...marker, isCommit: how === 'commit', ...more }, LeaderEpoch(0));
  }

  #batch(value: string, key?: string): Buffer {
    const producer = { producerId: this.#id, producerEpoch: this.epoch, baseSequence: this.sequence };
    return batchOf([key === undefined ? value : { value, key }], { ...producer, isTransactional: true });
  }
}

/** The values of all records from the start, or from an offset; throws where the log refuses. */
export function readAll(log: Log, from: Offset = log.logStartOffset): string[] {
  const values: string[] = [];
  for (let at = from; at < log.logEndOffset; ) {
    const read = log.read(at, everything(log.logEndOffset));
    if (read.error !== ErrorCode.NONE) throw new Error(read.message);
    const records = recordsIn(read.records).filter(({ offset }) => offset >= at);
    values.push(...records.map(({ value }) => String(value)));
    at = Offset((records.at(-1) as LogRecord).offset + 1);
  }
  return values;
}

/** `v0`, `v1`, … */
export const numbered = (count: number, from = 0): string[] => Array.from({ length: count }, (_, n) => `v${from + n}`);

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

/** What a disk holds, by path. */
export type Files = ReadonlyMap<string, Buffer>;

export function putFiles(disk: Disk, files: Files): void {
  for (const [path, bytes] of files) {
    disk.makeFolder(path.slice(0, path.lastIndexOf('/')));
    const file = disk.open(path, 'create');
    if (bytes.length > 0) file.append(bytes);
    file.close();
  }
}

export function flipped(files: Files, path: string, bit: number): Files {
  const bytes = Buffer.from(files.get(path) as Buffer);
  bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
  return new Map(files).set(path, bytes);
}

export const cut = (files: Files, path: string, sizeBytes: number): Files =>
  new Map(files).set(path, Buffer.from((files.get(path) as Buffer).subarray(0, sizeBytes)));

/** For each of the bits: the files with it flipped, and with the file's end cut off there; each with a description. */
export function* damaged(files: Files, path: string, bits: readonly number[]): Generator<[string, Files]> {
  for (const bit of bits) {
    yield [`${path}: bit ${bit}`, flipped(files, path, bit)];
    yield [`${path}: cut to ${bit >> 3}`, cut(files, path, bit >> 3)];
  }
}

// The client that loads both brokers: load.c, built against the librdkafka of the compatibility suite.
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { librdkafka, librdkafkaLibrary } from '../../compat/librdkafka.ts';
import { cache } from '../../compat/suite.ts';
import { command } from '../../support/run.ts';

const source = fileURLToPath(new URL('load.c', import.meta.url));
const binary = cache('bench-load');
const LIMIT_MS = 900_000;

/** A text is the reason why it is unavailable here. */
export async function prepareClient(): Promise<string | undefined> {
  const absent = await librdkafka('classic').prepare();
  if (absent !== undefined) return absent;
  if (existsSync(binary) && statSync(binary).mtimeMs > statSync(source).mtimeMs) return undefined;
  mkdirSync(cache(), { recursive: true });
  const { folder, file } = librdkafkaLibrary;
  const args = ['-O2', `-I${folder}`, source, '-o', binary, file, `-Wl,-rpath,${folder}`, '-lpthread'];
  const { status, stderr } = await command('gcc', args);
  return status === 0 ? undefined : `gcc: ${stderr.trim()}`;
}

export interface Moved {
  readonly seconds: number;
  readonly bytes: number;
}

export interface Latencies {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly mostMs: number;
}

const load = async <Answer>(...args: readonly (string | number)[]): Promise<Answer> => {
  const { status, stdout, stderr } = await command(binary, args.map(String), undefined, { limitMs: LIMIT_MS });
  if (status !== 0) throw new Error(`load ${args.join(' ')}: ${stderr.trim().split('\n').at(-1) ?? ''}`);
  return JSON.parse(stdout) as Answer;
};

export interface Production {
  readonly recordBytes: number;
  readonly batchBytes: number;
  readonly count: number;
  /** Absent: incompressible bytes; otherwise text. */
  readonly codec?: string;
  /** Absent: all. */
  readonly acks?: 1;
}

/** One partition, as fast as possible; bytes before compression. */
export const produce = (
  bootstrap: string,
  topic: string,
  { recordBytes, batchBytes, count, codec, acks }: Production,
) => load<Moved>('produce', bootstrap, topic, recordBytes, batchBytes, count, codec ?? 'none', acks ?? 'all');

/** From the beginning, librdkafka's own fetch sizes. */
export const consume = (bootstrap: string, topic: string, count: number) =>
  load<Moved>('consume', bootstrap, topic, count);

/** Evenly, that many a second, linger 0: the time from the call to the acknowledgement. */
export const produceEvenly = (
  bootstrap: string,
  topic: string,
  recordBytes: number,
  perSecond: number,
  count: number,
) => load<Latencies>('latency', bootstrap, topic, recordBytes, perSecond, count);

export interface Transactions {
  /** Transactions. */
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** One after another, in one partition: the time from the beginning of each to the response to its commit. */
export const transact = (
  bootstrap: string,
  topic: string,
  { recordBytes, records, count }: { readonly recordBytes: number; readonly records: number; readonly count: number },
) => load<Transactions>('transactions', bootstrap, topic, recordBytes, records, count);

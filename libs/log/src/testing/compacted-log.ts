// A log with compaction on a simulated disk, for tests: appends are written as `key=value` and read back so.
import { ErrorCode, LeaderEpoch, Offset, Timestamp } from '@milepost/core';
import { type BatchToBuild, batchesOf, buildBatch, type RecordBatch } from '@milepost/records';
import { SimClock, SimDeflater, SimDisk, SimInflater } from '@milepost/simulator';
import { type Log, LogCleaner, type LogConfig, logConfigOf, type LogDirectory } from '../index.ts';
import type { CleanerDeps } from '../log-cleaner.ts';
import { everything, listeningLogger, openLog, testHost } from '../testing.ts';

const EPOCH = LeaderEpoch(0);

export const compacted = (more: Record<string, string> = {}): LogConfig =>
  logConfigOf({
    'cleanup.policy': 'compact',
    'segment.bytes': '1024',
    'index.interval.bytes': '100',
    'min.cleanable.dirty.ratio': '0.01',
    ...more,
  });

export class CompactedLog {
  readonly clock = new SimClock();
  readonly logger = listeningLogger();
  disk = new SimDisk(1, { clock: this.clock });
  log!: Log;
  directory!: LogDirectory;
  cleaner!: LogCleaner;
  config: LogConfig;

  constructor(config: LogConfig) {
    this.config = config;
  }

  async open(more: Partial<CleanerDeps> = {}): Promise<this> {
    const { clock, config, disk, logger } = this;
    const { directory, log } = await clock.settle(openLog(disk, { clock, config, logger }));
    this.log = log;
    this.directory = directory;
    this.cleaner = new LogCleaner({
      host: testHost(disk, { clock, logger, inflater: new SimInflater(clock), deflater: new SimDeflater(clock) }),
      logs: () => directory.logs(),
      settings: () => ({
        isEnabled: true,
        backoffMs: 15_000,
        mapBytes: 24_000,
        mapLoadFactor: 0.9,
        bytesPerSecond: 1e9,
      }),
      lastStableOffsetOf: (one) => one.lastStableOffset(one.flushedOffset),
      ...more,
    });
    return this;
  }

  /** `k=v` is a record with that value, `k` a tombstone; all are in one batch. */
  append(records: string, batch: Omit<BatchToBuild, 'records'> = {}): void {
    const outcome = this.log.append(this.batchOf(records, batch), EPOCH);
    if (outcome.error !== ErrorCode.NONE) throw new Error(outcome.message);
  }

  batchOf(records: string, batch: Omit<BatchToBuild, 'records'> = {}): Buffer {
    const timestamp = Timestamp(this.clock.now());
    return buildBatch({
      ...batch,
      records: records.split(' ').map((record) => {
        const [key = '', value] = record.split('=');
        return { key: Buffer.from(key), value: value === undefined ? null : Buffer.from(value), timestamp };
      }),
    });
  }

  /** A record that fills the segment, so that everything before it can be cleaned. */
  async roll(): Promise<void> {
    this.append(`filler=${'x'.repeat(900)}`);
    this.append('last=1');
    await this.clock.settle(this.log.sync());
  }

  clean(): Promise<number> {
    return this.clock.settle(this.cleaner.round());
  }

  /** `offset:key=value` of all records but the filler, read from an offset on as a consumer would. */
  read(from = 0): string[] {
    return this.batches(from)
      .flatMap((batch) => [...batch.records()])
      .map(({ offset, key, value }) => `${offset}:${String(key)}${value === null ? '' : `=${String(value)}`}`)
      .filter((text) => !/:(filler|last)/.test(text));
  }

  batches(from = 0): RecordBatch[] {
    const found: RecordBatch[] = [];
    for (let at = from; at < this.log.logEndOffset; at = (found.at(-1) as RecordBatch).nextOffset) {
      const read = this.log.read(Offset(at), everything(this.log.logEndOffset));
      if (read.error !== ErrorCode.NONE) throw new Error(read.message);
      found.push(...batchesOf(read.records));
    }
    return found;
  }

  names(): string[] {
    return (this.disk.list('/data/t-0') ?? []).map(({ name }) => name).filter((name) => !name.endsWith('.deleted'));
  }

  async restart(how: 'close' | 'power cut' | 'kill' = 'power cut'): Promise<void> {
    this.disk = how === 'kill' ? this.disk.kill() : this.disk.powerCut();
    await this.open();
  }
}

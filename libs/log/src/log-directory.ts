// The broker's data folder: all its logs. (Its public face; the body follows.)
import type { BrokerId, Host, Uuid } from '@milepost/core';
import type { LogConfig } from './log-config.ts';
import type { Log } from './log.ts';

export interface LogDirectoryOptions {
  /** `always`: acknowledgements wait for fsync. `os`: they do not, so an unclean stop may have lost what readers saw. */
  readonly flush: 'always' | 'os';
  /** A topic's effective config at start; Kafka's defaults where absent. */
  readonly configOf?: (topic: string) => LogConfig;
  readonly onProgress?: (progress: RecoveryProgress) => void;
}

export interface RecoveryProgress {
  readonly openedLogs: number;
  readonly totalLogs: number;
  /** Bytes that an unclean stop made necessary to scan, so far. */
  readonly scannedBytes: number;
}

export declare class LogDirectory {
  static open(
    host: Host,
    folder: string,
    identity: { readonly clusterId: string | undefined; readonly brokerId: BrokerId },
    options: LogDirectoryOptions,
  ): Promise<LogDirectory>;
  readonly folder: string;
  readonly clusterId: string;
  logs(): Iterable<Log>;
  get(topic: string, partition: number): Log | undefined;
  create(topic: string, topicId: Uuid, partition: number, config: LogConfig): Promise<Log>;
  delete(topic: string, partition: number): Promise<void>;
  setAside(topic: string, partition: number): Promise<void>;
  close(): Promise<void>;
}

/** The folder cannot be used; the message is one line with the cure. */
export declare class LogDirectoryRefused extends Error {}

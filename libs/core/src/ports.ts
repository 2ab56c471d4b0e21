// What the libraries ask of their host: time, disk, network, chance, and two ways to be seen (metrics, log lines).
// libs/node-host gives the real ones, libs/simulator the simulated ones; both pass the same contract suites.

/** Undoes a `Clock.after`. Calling it late or twice does nothing. */
export type Cancel = () => void;

export interface Clock {
  /** Wall time, ms since 1970; may jump. */
  now(): number;
  /** Steady time, ms with fractions, from an arbitrary start; never goes back. */
  monotonic(): number;
  /** Calls `run` once, `delayMs` from now, never before this call has returned. */
  after(delayMs: number, run: () => void): Cancel;
}

export interface Random {
  /** A whole number, 0 <= n < limit. */
  below(limit: number): number;
  /** True with the given probability, 0 to 1. */
  chance(probability: number): boolean;
  /** A version 4 UUID, 36 characters. */
  uuid(): string;
}

/** The disk said no: it is full, failing or gone. Never thrown for a file that is merely absent (see `Disk.open`). */
export class DiskFailed extends Error {
  override readonly name = 'DiskFailed';
  readonly path: string;
  readonly operation: string;
  /** errno name, such as ENOSPC, EIO, EACCES. */
  readonly code: string;
  constructor(operation: string, path: string, code: string, detail?: string) {
    super(`${operation} ${path}: ${code}${detail ? ` (${detail})` : ''}`);
    this.operation = operation;
    this.path = path;
    this.code = code;
  }
  /** There is no room, or none for us. */
  get isFull(): boolean {
    return this.code === 'ENOSPC' || this.code === 'EDQUOT';
  }
}

/**
 * Files and folders by absolute path, `/`-separated. Names are durable only after `syncFolder` of the folder that holds
 * them; bytes only after `DiskFile.sync`. Everything but sync and remove happens at once, in the page cache.
 * @throws DiskFailed from every method.
 */
export interface Disk {
  /** Opens for reading and appending. `create`: make it when absent (else `undefined` is returned for an absent file). */
  open(path: string, mode: 'existing'): DiskFile | undefined;
  open(path: string, mode: 'create'): DiskFile;
  /** Names in a folder, sorted; undefined where there is no such folder. */
  list(folder: string): DiskEntry[] | undefined;
  /** Replaces `to` if it exists: the atomic step of every small file's rewrite. Works on folders too (`to` absent). */
  rename(from: string, to: string): void;
  /** A file, or a folder with all it holds; absent is fine. Off the loop: unlinking a large file takes tens of ms. */
  remove(path: string): Promise<void>;
  /** With its parents; existing is fine. */
  makeFolder(path: string): void;
  /** Makes the names in the folder durable. */
  syncFolder(folder: string): Promise<void>;
  /** An exclusive lock by file, gone when the process dies; undefined when another process holds it. */
  lock(path: string): DiskLock | undefined;
  /** Of the file system that holds the folder. */
  free(folder: string): { readonly freeBytes: number; readonly totalBytes: number };
}

export interface DiskEntry {
  readonly name: string;
  readonly kind: 'file' | 'folder';
}

export interface DiskLock {
  release(): void;
}

export interface DiskFile {
  readonly path: string;
  /** Bytes now, unsynced ones included. */
  size(): number;
  /** Copies from `position` into `target`; answers how many bytes there were (less at the end of the file). */
  read(position: number, target: Uint8Array): number;
  /** All the bytes or DiskFailed; then `size()` tells what is there. */
  append(bytes: Uint8Array): void;
  /** Overwrites in place, within the size. For fixed-size index entries and checkpoints. */
  write(position: number, bytes: Uint8Array): void;
  truncate(sizeBytes: number): void;
  /** Resolves when every byte appended before the call is on the platter (fdatasync). A failed sync is never retried. */
  sync(): Promise<void>;
  close(): void;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Network {
  /** Resolves when it listens; port 0 means any free port. @throws AddressInUse, or the system's error. */
  listen(address: Address, accept: (connection: Connection) => ConnectionListener): Promise<Listening>;
  /** Resolves once connected; rejects with the system's error. */
  connect(address: Address, listener: ConnectionListener): Promise<Connection>;
}

export interface Listening {
  readonly address: Address;
  /** Stops accepting; open connections stay. */
  close(): Promise<void>;
}

export interface ConnectionListener {
  /** Bytes as they come. The chunk is valid only during the call: keep a copy, never the chunk. */
  bytes(chunk: Buffer): void;
  /** All that `send` had held back has left. */
  drained(): void;
  /** Called once, also for an own `close`; no `bytes` after it. */
  closed(): void;
}

export interface Connection {
  readonly remote: Address;
  readonly local: Address;
  /**
   * Queues the bytes, in order. False: more than the buffer's limit is waiting; stop until `drained`.
   * They must not change until `taken`: called once, when the system has them or the connection never will.
   */
  send(bytes: readonly Uint8Array[], taken?: () => void): boolean;
  /** Bytes queued and not yet taken by the system. */
  readonly pendingBytes: number;
  /** Stops and resumes the flow of `bytes` (TCP then pushes back). */
  pause(): void;
  resume(): void;
  /**
   * Closes after what is queued has left, or once the peer has taken nothing for CLOSE_STALL_MS. A peer that does not
   * close its own side for that long is cut off as well. `abort`: at once.
   */
  close(how?: 'abort'): void;
}

/** Two lost packets in a row are repeated within it. */
export const CLOSE_STALL_MS = 2_000;

/** The address is taken by another process. */
export class AddressInUse extends Error {
  override readonly name = 'AddressInUse';
  readonly address: Address;
  constructor(address: Address) {
    super(`${address.host}:${address.port} is in use by another process`);
    this.address = address;
  }
}

export type Labels = Readonly<Record<string, string>>;

/** Where numbers are shown. Names are those of docs/METRICS.md; a label set exists from the first call on. */
export interface Meter {
  counter(name: string, help: string, labelNames?: readonly string[]): Counter;
  gauge(name: string, help: string, labelNames?: readonly string[]): Gauge;
  /** `buckets`: upper bounds, in the unit that the name ends in. */
  histogram(name: string, help: string, buckets: readonly number[], labelNames?: readonly string[]): Histogram;
  /** Called at each scrape, before the values are read: the place to set gauges from live state. */
  onScrape(collect: () => void | Promise<void>): void;
}
export interface Counter {
  /** Adding 0 makes the label set exist: a rate needs a series that was there before its first event. */
  add(amount?: number, labels?: Labels): void;
  /** Forgets a label set, as `Gauge.remove`. */
  remove(labels: Labels): void;
}
export interface Gauge {
  set(value: number, labels?: Labels): void;
  /** Forgets a label set: a topic that is gone has no series. */
  remove(labels: Labels): void;
  /** Forgets every label set that was not set since the last sweep: for gauges that are set anew at each scrape. */
  sweep(): void;
}
export interface Histogram {
  observe(value: number, labels?: Labels): void;
}

/** Structured log lines (pino's shape: fields first, then a sentence). */
export interface Logger {
  /** The least severe level that is written, such as `info`; absent where it cannot be told or changed. */
  level?: string;
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Decompression beside the event loop, for what could hold it up. */
export interface Inflater {
  /**
   * Unpacks and hands over what comes out, in order, in pieces of at most INFLATED_PIECE_BYTES, which the caller may keep.
   * Rejects for bytes that are not of the format or are cut off, and with whatever `take` throws, which ends the work.
   */
  inflate(format: 'gzip' | 'zstd', bytes: Uint8Array, take: (piece: Uint8Array) => void): Promise<void>;
}

export const INFLATED_PIECE_BYTES = 1024 * 1024;

/** What a library runs on. */
export interface Host {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly network: Network;
  readonly random: Random;
  readonly inflater: Inflater;
  readonly meter: Meter;
  readonly logger: Logger;
}

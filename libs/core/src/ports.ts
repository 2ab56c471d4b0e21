// What the libraries need from their host: time, disk, network, chance, and two outputs (metrics, log lines).
// libs/node-host has the real ones, libs/simulator the simulated ones; both pass the same contract suites.

/** Cancels a `Clock.after`. Calling it late or twice does nothing. */
export type Cancel = () => void;

export interface Clock {
  /** Wall time, ms since 1970; may jump. */
  now(): number;
  /** Monotonic time, ms with fractions, from an arbitrary start. */
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

/**
 * The disk refused an operation: it is full, failing or gone. Never thrown for a file that is merely absent (see
 * `Disk.open`).
 */
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
  /** There is no space, or none for this process. */
  get isFull(): boolean {
    return this.code === 'ENOSPC' || this.code === 'EDQUOT';
  }
}

/**
 * Files and folders by absolute path, `/`-separated. Names are durable only after `syncFolder` of the folder that holds
 * them; bytes only after `DiskFile.sync`. All operations but sync and remove are synchronous, in the page cache.
 * @throws DiskFailed from every method.
 */
export interface Disk {
  /** Opens for reading and appending. `create` creates an absent file; `existing` returns `undefined` for it. */
  open(path: string, mode: 'existing'): DiskFile | undefined;
  open(path: string, mode: 'create'): DiskFile;
  /** Names in a folder, sorted; undefined if there is no such folder. */
  list(folder: string): DiskEntry[] | undefined;
  /** Replaces `to` if it exists: the atomic step of every small file's rewrite. Works on folders too (`to` absent). */
  rename(from: string, to: string): void;
  /**
   * Removes a file, or a folder with its content; absent is fine. Off the loop: unlinking a large file takes tens of
   * ms.
   */
  remove(path: string): Promise<void>;
  /** Creates the folder with its parents; existing is fine. */
  makeFolder(path: string): void;
  /** Makes the names in the folder durable. */
  syncFolder(folder: string): Promise<void>;
  /** An exclusive lock by file, released when the process dies; undefined when another process holds it. */
  lock(path: string): DiskLock | undefined;
  /** The space of the file system that holds the folder. */
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
  /** The current size, unsynced bytes included. */
  size(): number;
  /** Copies from `position` into `target`; returns the number of bytes (less at the end of the file). */
  read(position: number, target: Uint8Array): number;
  /** Appends all the bytes or throws DiskFailed; then `size()` is the actual size. */
  append(bytes: Uint8Array): void;
  /** Overwrites in place, within the size. For fixed-size index entries and checkpoints. */
  write(position: number, bytes: Uint8Array): void;
  truncate(sizeBytes: number): void;
  /** Resolves when every byte appended before the call is durable (fdatasync). A failed sync is never retried. */
  sync(): Promise<void>;
  close(): void;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Network {
  /**
   * Resolves when it listens; port 0 means any free port. With `tls`, a connection is accepted after its handshake.
   * @throws AddressInUse, or the system's error; with `tls` also that of a key or certificate that cannot be used.
   */
  listen(address: Address, accept: (connection: Connection) => ConnectionListener, tls?: TlsServer): Promise<Listening>;
  /**
   * Resolves once connected, with `tls` after the handshake; rejects with the system's error, or why the server is not
   * trusted.
   */
  connect(address: Address, listener: ConnectionListener, tls?: TlsClient): Promise<Connection>;
}

/** How a listener proves who it is, and which clients it accepts. The simulated network has no TLS: every handshake succeeds. */
export interface TlsServer {
  /** Compared by identity at each connection: another object is used from then on. */
  material(): TlsMaterial;
  /** `requested`: a client may have none, but not a wrong one. */
  readonly clientCertificate: 'none' | 'requested' | 'required';
  readonly versions: { readonly least: TlsVersion; readonly most: TlsVersion };
  /** A handshake failed, or new material cannot be used and the last one remains. */
  failed(reason: string, client?: Address): void;
}

/** How a connection proves who it is, and which servers it trusts: those whose certificate names the address. */
export interface TlsClient {
  /** Of each connection at its time. The identity is shown to servers that ask for one. */
  material(): TlsMaterial;
  readonly versions: TlsServer['versions'];
}

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

export interface TlsMaterial {
  /** PEM texts, or a PKCS#12 file. */
  readonly identity:
    | { readonly cert: string; readonly key: string; readonly passphrase?: string }
    | { readonly pfx: Buffer; readonly passphrase?: string };
  /** PEM: the authorities of the other side. Absent: those of the host. */
  readonly authorities?: string;
}

export interface Listening {
  readonly address: Address;
  /** Stops accepting; open connections stay. */
  close(): Promise<void>;
}

export interface ConnectionListener {
  /** Bytes as they arrive. The chunk is valid only during the call: copy it to keep it. */
  bytes(chunk: Buffer): void;
  /** All bytes that `send` had held back are sent. */
  drained(): void;
  /** Called once, also for the own `close`; no `bytes` after it. */
  closed(): void;
}

export interface Connection {
  readonly remote: Address;
  readonly local: Address;
  /** The distinguished name of the certificate that the peer has proved, as RFC 2253 writes it. */
  readonly certified?: string | undefined;
  /**
   * Queues the bytes, in order. False: more than the buffer's limit is waiting; stop until `drained`. They must not
   * change until `taken`, which is called once, when the system has them or the connection never will.
   */
  send(bytes: readonly Uint8Array[], taken?: () => void): boolean;
  /** Bytes queued and not yet taken by the system. */
  readonly pendingBytes: number;
  /** Stops and resumes the flow of `bytes` (TCP then pushes back). */
  pause(): void;
  resume(): void;
  /**
   * Closes after the queued bytes are sent, or once the peer has taken nothing for CLOSE_STALL_MS. A peer that does not
   * close its own side for that long is cut off as well. `abort`: closes immediately.
   */
  close(how?: 'abort'): void;
}

/** Long enough for two lost packets in a row to be repeated. */
export const CLOSE_STALL_MS = 2_000;

/** Another process uses the address. */
export class AddressInUse extends Error {
  override readonly name = 'AddressInUse';
  readonly address: Address;
  constructor(address: Address) {
    super(`${address.host}:${address.port} is in use by another process`);
    this.address = address;
  }
}

export type Labels = Readonly<Record<string, string>>;

/** Metrics. Names are those of docs/METRICS.md; a label set exists from its first call on. */
export interface Meter {
  counter(name: string, help: string, labelNames?: readonly string[]): Counter;
  gauge(name: string, help: string, labelNames?: readonly string[]): Gauge;
  /** `buckets`: upper bounds, in the unit that the name ends with. */
  histogram(name: string, help: string, buckets: readonly number[], labelNames?: readonly string[]): Histogram;
  /** Called at each scrape, before the values are read: sets gauges from live state. */
  onScrape(collect: () => void | Promise<void>): void;
}
export interface Counter {
  /** Adding 0 creates the label set: a rate needs a series that exists before its first event. */
  add(amount?: number, labels?: Labels): void;
  /** Removes a label set, like `Gauge.remove`. */
  remove(labels: Labels): void;
}
export interface Gauge {
  set(value: number, labels?: Labels): void;
  /** Removes a label set: a deleted topic has no series. */
  remove(labels: Labels): void;
  /** Removes every label set that was not set since the last sweep: for gauges that are all set at each scrape. */
  sweep(): void;
}
export interface Histogram {
  observe(value: number, labels?: Labels): void;
}

/** Structured log lines (pino's shape: fields first, then a sentence). */
export interface Logger {
  /** The least severe level that is written, such as `info`; absent if it cannot be read or changed. */
  level?: string;
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Decompression beside the event loop, for input that could hold it up. */
export interface Inflater {
  /**
   * Unpacks and passes on the output, in order, in pieces of at most INFLATED_PIECE_BYTES, which the caller may keep.
   * Rejects for bytes that are not of the format or are cut off, and with an error that `take` throws, which ends the
   * work.
   */
  inflate(format: 'gzip' | 'zstd', bytes: Uint8Array, take: (piece: Uint8Array) => void): Promise<void>;
}

export const INFLATED_PIECE_BYTES = 1024 * 1024;

/** Compression beside the event loop, for input that could hold it up. */
export interface Deflater {
  /**
   * Packs the bytes, which must not change meanwhile, and passes on the output as `Inflater.inflate` does. Without a
   * `level`: the format's default. Rejects with an error that `take` throws, which ends the work.
   */
  deflate(
    format: 'gzip' | 'zstd',
    bytes: Uint8Array,
    level: number | undefined,
    take: (piece: Uint8Array) => void,
  ): Promise<void>;
}

/** Derives keys from passwords beside the event loop: 4,096 iterations take a millisecond. */
export interface KeyDerivation {
  /** PBKDF2 (RFC 8018) with HMAC of the digest; the key is as long as the digest. */
  pbkdf2(password: string, salt: Uint8Array, iterations: number, digest: 'sha256' | 'sha512'): Promise<Buffer>;
}

/**
 * Reads a small text that is elsewhere: `https:`, `http:`, or `file:` with an absolute path. Rejects with the reason if it
 * is longer than the limit, or does not arrive in time. Redirects are not followed.
 */
export type ReadText = (url: string, limits: ReadTextLimits) => Promise<string>;

export interface ReadTextLimits {
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

/** What a library runs on. */
export interface Host {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly network: Network;
  readonly random: Random;
  readonly inflater: Inflater;
  readonly deflater: Deflater;
  readonly keys: KeyDerivation;
  readonly meter: Meter;
  readonly logger: Logger;
}

// Records as our apps see them, on the way in and on the way out. Values stay bytes.

export interface RecordToSend {
  readonly topic: string;
  /** Left out: by the key's hash, as Java's default partitioner does. */
  readonly partition?: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: ReadonlyMap<string, Buffer>;
  /** ms since 1970. */
  readonly timestamp: number;
}

export interface ConsumedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** ms since 1970: when the gateway received it. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: ReadonlyMap<string, Buffer>;
}

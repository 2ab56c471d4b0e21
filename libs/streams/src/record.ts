// Records as our apps see them, produced and consumed. Values are bytes.

export interface RecordToSend {
  readonly topic: string;
  /** Absent: by the key's hash, like Java's default partitioner. */
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

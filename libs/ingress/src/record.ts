// The intake's interface to the log: a partition for each key, and confirmed storage of a batch.

export interface IntakeRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly headers: ReadonlyMap<string, Buffer>;
  /** ms since 1970: when the gateway received it. */
  readonly timestamp: number;
}

export interface RecordSink {
  /** The same key always has the same partition, that of other Kafka clients. */
  partitionOf(topic: string, key: Buffer): number;
  /**
   * Resolves when every record is fsynced in the log. Rejects when that is not known; the same records may then be
   * resent. A partition that does not accept its records delays only itself: `storedAhead` is called, at most once, for
   * each of the others. @throws RecordsRefused when resending is useless.
   */
  send(records: readonly IntakeRecord[], storedAhead: StoredAhead): Promise<void>;
}

/** The records of this partition are in the log, though the send is not over. */
export type StoredAhead = (topic: string, partition: number) => void;

/** The log will never accept one of these records: it is too large, or not valid. */
export class RecordsRefused extends Error {
  override readonly name = 'RecordsRefused';
}

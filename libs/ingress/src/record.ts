// What the intake needs of the log: a partition for each key, and that a batch is stored for good.

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
  /** The same key always in the same partition, the one that Kafka clients expect. */
  partitionOf(topic: string, key: Buffer): number;
  /**
   * Resolves when every record is fsynced in the log. Rejects when that is not known; the same records may then be sent
   * again. A partition that does not take its records holds up its own only: `storedAhead` is called, once at most, for each
   * of the others. @throws RecordsRefused when sending them again is no use.
   */
  send(records: readonly IntakeRecord[], storedAhead: StoredAhead): Promise<void>;
}

/** The records of this partition are in the log, of a send that is not over. */
export type StoredAhead = (topic: string, partition: number) => void;

/** The log will never take one of these records, whatever is tried: too large, not valid. */
export class RecordsRefused extends Error {
  override readonly name = 'RecordsRefused';
}

// What the intake asks of the log: a partition for each key, and that a batch is stored for good.

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
   * again. @throws RecordsRefused when sending them again is no use.
   */
  send(records: readonly IntakeRecord[]): Promise<void>;
}

/** The log will never take one of these records, whatever is tried: too large, not valid. */
export class RecordsRefused extends Error {
  override readonly name = 'RecordsRefused';
}

// Every kind of number has its own type, so that the compiler catches the swap that tests miss.
// A brand exists only in the type system: at run time an Offset is a plain number.

declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** Position of a record in a partition's log. 0 is the first; -1 stands for "none" on the wire. Exact up to 2^53 - 1. */
export type Offset = Branded<number, 'Offset'>;
export const Offset = (value: number): Offset => value as Offset;
export const NO_OFFSET = Offset(-1);

/** Counts the leaders of a partition; stamped into every batch (KIP-101). -1 stands for "unknown" on the wire. */
export type LeaderEpoch = Branded<number, 'LeaderEpoch'>;
export const LeaderEpoch = (value: number): LeaderEpoch => value as LeaderEpoch;
export const NO_LEADER_EPOCH = LeaderEpoch(-1);

/** `node.id` of a broker. -1 stands for "no broker" on the wire. */
export type BrokerId = Branded<number, 'BrokerId'>;
export const BrokerId = (value: number): BrokerId => value as BrokerId;
export const NO_BROKER = BrokerId(-1);

/** Milliseconds since 1970-01-01T00:00:00Z. -1 stands for "none" on the wire. */
export type Timestamp = Branded<number, 'Timestamp'>;
export const Timestamp = (value: number): Timestamp => value as Timestamp;
export const NO_TIMESTAMP = Timestamp(-1);

/** A UUID in its 36-character lower-case form. On the wire and in `partition.metadata` see `uuidToBase64`. */
export type Uuid = Branded<string, 'Uuid'>;
export const Uuid = (value: string): Uuid => value as Uuid;
export const ZERO_UUID = Uuid('00000000-0000-0000-0000-000000000000');

/** Kafka prints UUIDs as 22 characters of URL-safe base64 without padding. */
export function uuidToBase64(uuid: Uuid): string {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('base64url');
}

/** The inverse of `uuidToBase64`; undefined if the text is not 16 bytes. */
export function uuidFromBase64(text: string): Uuid | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length === 16 ? uuidFromBytes(bytes, 0) : undefined;
}

export function uuidFromBytes(bytes: Buffer, at: number): Uuid {
  const hex = bytes.toString('hex', at, at + 16);
  return Uuid(`${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`);
}

/** One partition of one topic, by name. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** `<topic>-<partition>`: the name of its folder, and of its key in maps. */
export const partitionName = (topic: string, partition: number): string => `${topic}-${partition}`;

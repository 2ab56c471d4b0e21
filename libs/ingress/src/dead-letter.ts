// A payload that cannot become a position is stored unchanged: a record with the original bytes and the reason in its
// headers. A payload larger than one record is cut into parts, in order, in one partition: nothing of it is lost.
import { REJECTION_REASONS } from '@milepost/fleet';

export const DEAD_LETTERS_TOPIC = 'dead_letters';

/** Leaves room for key, headers and the batch below the log's max.message.bytes (1 MiB). */
const PART_BYTES = 512 * 1024;
const DETAIL_CHARS = 300;

export const DEAD_LETTER_REASONS = [...REJECTION_REASONS, 'no-route', 'no-truck-id', 'refused-by-log'] as const;
export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number];

export interface DeadLetterPart {
  readonly value: Buffer;
  readonly headers: ReadonlyMap<string, Buffer>;
}

/** At least one record; the letter is in the log when the last of them is. */
export function deadLetter(
  payload: Buffer,
  reason: DeadLetterReason,
  detail: string,
  origin: ReadonlyMap<string, Buffer>,
): readonly DeadLetterPart[] {
  const why = [
    ['source', Buffer.from('mqtt')],
    ['reason', Buffer.from(reason)],
    ['detail', Buffer.from(detail.slice(0, DETAIL_CHARS))],
  ] as const;
  const headers = new Map([...why, ...origin]);
  const count = Math.ceil(payload.length / PART_BYTES);
  if (count <= 1) return [{ value: payload, headers }];
  return Array.from({ length: count }, (_, index) => ({
    value: payload.subarray(index * PART_BYTES, (index + 1) * PART_BYTES),
    headers: new Map([...headers, ['part', Buffer.from(`${index + 1}/${count}`)]]),
  }));
}

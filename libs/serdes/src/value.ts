// The limits of a record's value, and the one way in which decoding fails. A value beyond them is refused before it can hold
// much memory: six bytes of Avro may claim a billion items.

/** The bytes do not have the expected type. The message is one line for an operator. */
export class WrongType extends Error {
  override readonly name = 'WrongType';
}

export const VALUE_LIMITS = {
  bytes: 8 * 1024 * 1024,
  /** Values inside of each other. */
  depth: 100,
  /** Items of all arrays and maps of a value; those of some types take no bytes. */
  items: 1_000_000,
} as const;

/** @throws WrongType */
export function checkValueSize({ length }: Uint8Array): void {
  if (length > VALUE_LIMITS.bytes)
    throw new WrongType(`expected a value of at most ${VALUE_LIMITS.bytes} bytes, got ${length}`);
}

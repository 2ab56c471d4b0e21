// A decoder turns one device's payload into the canonical form. It is a pure function: no state, no time of its own,
// never throws. What it cannot use it rejects with a reason that a person can act on; the bytes are then dead-lettered.
import type { Position } from './position.ts';
import type { TruckStatus } from './status.ts';

export type Decoder = (payload: Buffer, context: DecoderContext) => Decoded;

export interface DecoderContext {
  /** By the topic; a format that names the device in its payload overrides it. */
  readonly truckId: string;
  readonly receivedAtMs: number;
}

export type Decoded =
  | { readonly kind: 'position'; readonly position: Position; readonly clock: 'plausible' | 'implausible' }
  | { readonly kind: 'status'; readonly status: TruckStatus }
  | Rejected;

export interface Rejected {
  readonly kind: 'rejected';
  /** One of few, for counting. */
  readonly reason: RejectionReason;
  /** What was expected, what was seen. */
  readonly detail: string;
}

export const REJECTION_REASONS = [
  'empty',
  'too-large',
  'malformed',
  'missing-field',
  'wrong-type',
  'out-of-range',
  'unreadable-time',
  'not-a-position',
] as const;
export type RejectionReason = (typeof REJECTION_REASONS)[number];

export function rejected(reason: RejectionReason, detail: string): Rejected {
  return { kind: 'rejected', reason, detail };
}

// A decoder converts one device's payload to the canonical form. It is a pure function: no state, no clock, never
// throws. An unusable payload is rejected with a reason that a person can act on; its bytes are then dead-lettered.
import type { Position } from './position.ts';
import type { TruckStatus } from './status.ts';

export type Decoder = (payload: Buffer, context: DecoderContext) => Decoded;

export interface DecoderContext {
  /** From the topic; a format that names the device in its payload overrides it. */
  readonly truckId: string;
  readonly receivedAtMs: number;
  /** The device's own time does not count, not even if it cannot be read: positions have the receive time. */
  readonly timeIsReceived?: boolean;
}

/** One payload holds one position, or several in their order. */
export type Decoded = DecodedItem | { readonly kind: 'batch'; readonly items: readonly DecodedItem[] };

/** The decoded items of one payload, in order: nearly always one. */
export function decodedAs(items: readonly DecodedItem[]): Decoded {
  const [first, ...more] = items;
  return first !== undefined && more.length === 0 ? first : { kind: 'batch', items };
}

export type DecodedItem =
  | {
      readonly kind: 'position';
      readonly position: Position;
      readonly clock: ClockVerdict;
      /** Remarks about the position for its readers, by header name (`Marks`). Absent if there are none. */
      readonly marks?: Marks;
    }
  | { readonly kind: 'status'; readonly status: TruckStatus }
  | Rejected;

/**
 * `week-rollover`: the device's time is 1,024 weeks (or 2,048) back, as from GPS receivers that count weeks in 10 bits.
 */
export type ClockVerdict = 'plausible' | 'implausible' | 'week-rollover';

export interface Marks {
  /** Optional fields with impossible values: `headingDeg=361, batteryPct=101`. */
  readonly dropped?: string;
  /** `none`: the device sent 0,0, as receivers do without a fix. */
  readonly fix?: 'none';
  /** The device's own name, if the payload has one that is not the truck id. */
  readonly device?: string;
}

export interface Rejected {
  readonly kind: 'rejected';
  /** From a small set, for counting. */
  readonly reason: RejectionReason;
  /** The expected and the seen value. */
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

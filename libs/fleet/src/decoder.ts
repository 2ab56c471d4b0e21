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

/** One payload holds one position, or several in their order. */
export type Decoded = DecodedItem | { readonly kind: 'batch'; readonly items: readonly DecodedItem[] };

/** What was decoded of one payload, in its order: nearly always one item. */
export function decodedAs(items: readonly DecodedItem[]): Decoded {
  const [first, ...more] = items;
  return first !== undefined && more.length === 0 ? first : { kind: 'batch', items };
}

export type DecodedItem =
  | {
      readonly kind: 'position';
      readonly position: Position;
      readonly clock: ClockVerdict;
      /** What a reader should know about the position, by header name (`Marks`). Absent where there is nothing to say. */
      readonly marks?: Marks;
    }
  | { readonly kind: 'status'; readonly status: TruckStatus }
  | Rejected;

/** `week-rollover`: the device's time lies 1,024 weeks (or 2,048) back, as GPS receivers write it that count weeks in 10 bits. */
export type ClockVerdict = 'plausible' | 'implausible' | 'week-rollover';

export interface Marks {
  /** Optional fields that were there and could not be believed: `headingDeg=361, batteryPct=101`. */
  readonly dropped?: string;
  /** `none`: the device wrote 0,0, as receivers do without a fix. */
  readonly fix?: 'none';
  /** What the device calls itself, where the payload names it and that is not the truck id. */
  readonly device?: string;
}

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

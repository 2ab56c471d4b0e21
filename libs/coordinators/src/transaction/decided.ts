// What a command comes to: a pure function of the transaction and the command decides it.
import type { ErrorCode } from '@milepost/core';
import type { Transaction } from './model/transaction.ts';

export interface Decided<Response> {
  /** The transaction as it is to be stored; undefined: nothing changes. */
  readonly next?: Transaction;
  readonly response: Response;
}

/** The decision needs a new producer id, which takes a moment to get: decide again with one. */
export const NEEDS_PRODUCER_ID = Symbol('needs a producer id');
export type NeedsProducerId = typeof NEEDS_PRODUCER_ID;

export const refused = (response: ErrorCode): Decided<ErrorCode> => ({ response });
